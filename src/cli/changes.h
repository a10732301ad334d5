/* changes.h -- changes of resources as people read them. One has the form of GET /diff: {"op":
 * "create|update|delete", "type", "mesh", "name", "before", "after", "changes": [{"field", "before",
 * "after"}]}. */
#ifndef URSA_CLI_CHANGES_H
#define URSA_CLI_CHANGES_H

#include <jansson.h>

#include "ursa/base/buf.h"
#include "ursa/base/err.h"

/* Changes of resources as text: a line for each, then its fields, "+" new, "-" gone, "~" changed; coloured
 * for a terminal. */
void changes_write(struct arena *, const json_t *items, bool colours, struct buf *out);
/* Is standard output a terminal that wants colours? */
bool changes_want_colours(void);

#endif
