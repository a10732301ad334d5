/* openapi.h -- the description of the REST API that clients' tools read: OpenAPI 3.1, made of routes.def,
 * operations.def, values.def, shapes.def and the types of resources. */
#ifndef URSA_API_OPENAPI_H
#define URSA_API_OPENAPI_H

#include <jansson.h>

#include "ursa/base/err.h"

/* The document; the caller owns it. NULL and 'e' when a table has a fault: a test holds that none has. */
json_t *openapi_document(struct err *e);

#endif
