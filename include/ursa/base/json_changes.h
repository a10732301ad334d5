/* ursa/base/json_changes.h -- what is different between two JSON values, field by field. Any thread. */
#ifndef URSA_BASE_JSON_CHANGES_H
#define URSA_BASE_JSON_CHANGES_H

#include <jansson.h>

#include "ursa/base/err.h"

/* [{"field": "a.b[2][\"k\"]", "before", "after"}], null for the side that has none; members of 'before' in
 * its order, then those that are new; arrays are held against each other element by element. Past 'max'
 * fields only how many more there are is told: {"omitted": n}. The caller owns it; the arena is for the work
 * only. */
json_t *json_changes(const json_t *before, const json_t *after, size_t max, struct arena *);

#endif
