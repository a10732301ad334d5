/* table.c -- see table.h. */
#include "table.h"

#include "ursa/base/alloc.h"
#include "ursa/base/buf.h"

#define GAP 3

struct table_row {
    struct table_row *next;
    struct str cells[];
};

/* Characters, not bytes; what is no UTF-8 counts a byte each. */
static size_t width(struct str s)
{
    size_t n = 0;

    while (s.n > 0) {
        size_t size = str_utf8_size(s);
        s = str_slice(s, size ? size : 1, s.n);
        n++;
    }
    return n;
}

void table_init(struct table *t, struct arena *a, size_t n_columns, const char *const *headers)
{
    struct str *cells = ARENA_ARRAY(a, struct str, n_columns);

    *t = (struct table){.arena = a, .n_columns = n_columns};
    for (size_t i = 0; i < n_columns; i++)
        cells[i] = str_from_c(headers[i]);
    table_add(t, cells);
}

void table_add(struct table *t, const struct str *cells)
{
    struct table_row *row = arena_alloc(t->arena, sizeof(*row) + t->n_columns * sizeof(struct str));

    for (size_t i = 0; i < t->n_columns; i++)
        row->cells[i] = str_printable(t->arena, cells[i]);
    if (t->last)
        t->last->next = row;
    else
        t->first = row;
    t->last = row;
}

struct str table_render(const struct table *t)
{
    size_t *widths = ARENA_ARRAY(t->arena, size_t, t->n_columns);
    struct buf out;

    for (const struct table_row *row = t->first; row; row = row->next)
        for (size_t i = 0; i < t->n_columns; i++)
            if (width(row->cells[i]) > widths[i])
                widths[i] = width(row->cells[i]);
    buf_init(&out, SIZE_MAX);
    for (const struct table_row *row = t->first; row; row = row->next) {
        for (size_t i = 0; i < t->n_columns; i++) {
            buf_add_str(&out, row->cells[i]);
            for (size_t n = width(row->cells[i]); i + 1 < t->n_columns && n < widths[i] + GAP; n++)
                buf_add_byte(&out, ' ');
        }
        buf_add_byte(&out, '\n');
    }
    struct str text = arena_str(t->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}
