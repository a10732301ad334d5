/* columns.h -- a table of JSON objects: one row of a list of columns says how a column looks. */
#ifndef URSA_CLI_COLUMNS_H
#define URSA_CLI_COLUMNS_H

#include <jansson.h>

#include "ursa/base/arena.h"

struct column {
    const char *header; /* NULL ends the list */
    struct str (*cell)(struct arena *, const json_t *item);
    bool wide; /* with -o wide only */
};

/* At most 24 columns are shown. */
struct str columns_render(struct arena *, const struct column *, const json_t *items, bool wide);

/* Cells of every object. */
struct str cell_name(struct arena *, const json_t *item);
struct str cell_mesh(struct arena *, const json_t *item);

#endif
