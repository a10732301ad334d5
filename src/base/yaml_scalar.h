/* yaml_scalar.h -- what a plain scalar of YAML 1.1 means. Private to base. */
#ifndef URSA_SRC_BASE_YAML_SCALAR_H
#define URSA_SRC_BASE_YAML_SCALAR_H

#include <jansson.h>

#include "ursa/base/str.h"

/* A new node: null, boolean, integer, real or, for all other texts, string. NULL for what JSON cannot hold:
 * infinities and not-a-number. 's' is valid UTF-8. */
json_t *yaml_scalar_resolve(struct str s);

/* Whether it is a string at first glance: quicker than resolving it, but false for strings that begin like a
 * number. */
bool yaml_scalar_is_plain_text(struct str s);

#endif
