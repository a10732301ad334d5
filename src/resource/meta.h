/* meta.h -- reading the key of a resource from a document. */
#ifndef URSA_RESOURCE_META_H
#define URSA_RESOURCE_META_H

#include "field.h"
#include "ursa/resource.h"

/* Fills mesh and name of 'key', whose type is set, from the document's members (borrowed from it). */
MUST_USE enum err_kind meta_decode(const json_t *doc, struct res_key *key, struct err *e);

/* The JSON of its spec as it is now: of a resource under construction. */
struct blob *resource_show(const struct resource *);

#endif
