/* envoy/required.h -- what Envoy demands of messages beyond their form, as far as users write them whole. */
#ifndef ENVOY_REQUIRED_H
#define ENVOY_REQUIRED_H

#include <jansson.h>

#include "schema.h"
#include "ursa/base/err.h"

/* 'slots' has the value of each of the message's fields, or NULL. Every fault becomes a cause. */
void required_check(const struct schema_message *, const json_t *const *slots, const struct path *at,
                    struct err *);

#endif
