/* table.h -- columns of text as kumactl prints them: three blanks between columns, nothing cut. */
#ifndef URSA_CLI_TABLE_H
#define URSA_CLI_TABLE_H

#include "ursa/base/arena.h"

struct table_row;
struct table {
    struct arena *arena; /* holds rows and text */
    size_t n_columns;
    struct table_row *first, *last;
};

void table_init(struct table *, struct arena *, size_t n_columns, const char *const *headers);
/* 'cells' has n_columns; they are copied, control characters become '?'. */
void table_add(struct table *, const struct str *cells);
struct str table_render(const struct table *);

#endif
