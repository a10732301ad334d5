/* changes.h -- what is different between two states, field by field. A change of a resource has the form of
 * GET /diff: {"op": "create|update|delete", "type", "mesh", "name", "before", "after", "changes": [{"field",
 * "before", "after"}]}. */
#ifndef URSA_CLI_CHANGES_H
#define URSA_CLI_CHANGES_H

#include <jansson.h>

#include "ursa/base/buf.h"
#include "ursa/base/err.h"

/* The fields that differ, in the order of 'before', then those that are new; the caller owns it. Either may
 * be NULL: all fields of the other are new or gone. Lists are compared element by element. */
json_t *changes_of(struct arena *, const json_t *before, const json_t *after);
/* Changes of resources as text: a line for each resource, then one for each field, "+" new, "-" gone, "~"
 * changed; coloured for a terminal. */
void changes_write(struct arena *, const json_t *items, bool colours, struct buf *out);
/* Is standard output a terminal that wants colours? */
bool changes_want_colours(void);

#endif
