/* json_check.h -- the syntax of JSON, checked before jansson builds anything. Private to base. */
#ifndef URSA_SRC_BASE_JSON_CHECK_H
#define URSA_SRC_BASE_JSON_CHECK_H

#include "ursa/base/str.h"

struct json_fault {
    size_t at; /* offset of the first byte that is at fault; the text's size when it ends too early */
    char what[80];
};

/* Whether 'text' is one JSON value, nested JSON_MAX_NESTING deep at most. */
bool json_check(struct str text, struct json_fault *fault);

#endif
