/* json_check.h -- reading JSON in two steps: the syntax, then the tree. Private to base. */
#ifndef URSA_SRC_BASE_JSON_CHECK_H
#define URSA_SRC_BASE_JSON_CHECK_H

#include <jansson.h>

#include "ursa/base/str.h"

struct json_fault {
    size_t at; /* offset of the first byte that is at fault; the text's size when it ends too early */
    char what[80];
};

/* Whether 'text' is one JSON value, nested JSON_MAX_NESTING deep at most, with no more values and keys than
 * json_max_values() and json_max_keys() allow. */
bool json_check(struct str text, struct json_fault *fault);
/* The tree of a text that json_check has passed; NULL for what no syntax shows: NUL or invalid UTF-8 in a
 * string, a number out of range. */
json_t *json_build(struct str text, struct json_fault *fault);

#endif
