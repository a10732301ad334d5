/* columns.c -- see columns.h. */
#include "columns.h"

#include "table.h"
#include "ursa/base/json.h"

#define MAX_COLUMNS 24

struct str cell_name(struct arena *a, const json_t *item)
{
    (void)a;
    return json_str(json_get(item, "name"));
}

struct str cell_mesh(struct arena *a, const json_t *item)
{
    (void)a;
    return json_str(json_get(item, "mesh"));
}

struct str columns_render(struct arena *a, const struct column *columns, const json_t *items, bool wide)
{
    const struct column *shown[MAX_COLUMNS];
    const char *headers[MAX_COLUMNS];
    struct str cells[MAX_COLUMNS];
    const json_t *item;
    struct table table;
    size_t n = 0, i;

    for (const struct column *c = columns; c->header && n < MAX_COLUMNS; c++) {
        if (c->wide && !wide)
            continue;
        shown[n] = c;
        headers[n++] = c->header;
    }
    table_init(&table, a, n, headers);
    json_array_foreach(items, i, item)
    {
        for (size_t k = 0; k < n; k++)
            cells[k] = shown[k]->cell(a, item);
        table_add(&table, cells);
    }
    return table_render(&table);
}
