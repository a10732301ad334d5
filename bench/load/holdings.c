/* holdings.c -- a hash table keyed by the address of a name, which is unique for its text. */
#include "holdings.h"

#include <stdlib.h>

static uint32_t first_row(const struct holdings *h, const struct name *name)
{
    return (uint32_t)((uintptr_t)name * 0x9e3779b97f4a7c15u >> 32) & (h->n_rows - 1);
}

/* The name's row, or the free one where it belongs. */
static struct holding *row_of(const struct holdings *h, const struct name *name)
{
    uint32_t i = first_row(h, name);

    while (h->rows[i].name && h->rows[i].name != name)
        i = (i + 1) & (h->n_rows - 1);
    return &h->rows[i];
}

static bool is_in_use(const struct holding *row)
{
    return row->content || row->n_refs > 0 || row->is_asked;
}

/* Makes room for one more, without the rows that are no longer in use. */
static void rebuild(struct holdings *h)
{
    struct holding *old = h->rows;
    uint32_t n_old = h->n_rows, n_used = 0;

    for (uint32_t i = 0; i < n_old; i++)
        n_used += is_in_use(&old[i]);
    h->n_rows = 16;
    while (h->n_rows * 3 < (n_used + 1) * 5)
        h->n_rows *= 2;
    h->rows = xcalloc(h->n_rows, sizeof(h->rows[0]));
    h->n = n_used;
    for (uint32_t i = 0; i < n_old; i++)
        if (is_in_use(&old[i]))
            *row_of(h, old[i].name) = old[i];
    free(old);
}

static struct holding *get(struct holdings *h, struct name *name)
{
    if (h->n_rows == 0 || h->n * 4 >= h->n_rows * 3)
        rebuild(h);
    struct holding *row = row_of(h, name);

    h->n += row->name == NULL;
    row->name = name;
    return row;
}

static bool is_missing(const struct holding *row)
{
    return row->n_refs > 0 && !row->content && !row->is_absent;
}

static void add_refs(struct holdings *h, struct name *name, uint32_t n, struct names *changed)
{
    struct holding *row = get(h, name);
    bool was_wanted = row->n_refs > 0;

    h->n_missing -= is_missing(row);
    row->n_refs += n;
    h->n_missing += is_missing(row);
    if (was_wanted != (row->n_refs > 0))
        VEC_PUSH(changed, name);
}

void holdings_begin(struct holdings *h)
{
    h->round++;
}

static void account(struct holdings *h, const struct content *k, size_t sign)
{
    if (!k)
        return;
    h->n_bytes += sign * k->size;
    h->n_endpoints += sign * k->n_endpoints;
}

struct content *holdings_put(struct holdings *h, struct name *name, struct content *k, struct names *changed)
{
    struct holding *row = get(h, name);
    struct content *old = row->content;

    h->n_missing -= is_missing(row);
    row->content = k;
    row->round = h->round;
    row->is_absent = !k;
    h->n_missing += is_missing(row);
    if (k == old)
        return old;
    account(h, k, 1);
    account(h, old, (size_t)-1);
    /* The new ones first: what both refer to stays wanted all the time. */
    for (size_t i = 0; k && i < k->refs.n; i++)
        add_refs(h, k->refs.v[i], 1, changed);
    for (size_t i = 0; old && i < old->refs.n; i++)
        add_refs(h, old->refs.v[i], (uint32_t)-1, changed);
    return old;
}

void holdings_sweep(struct holdings *h, enum xds_type type, struct names *changed)
{
    struct names gone = {0};
    const struct holding *row;

    for (uint32_t i = 0; (row = holdings_next(h, &i));)
        if (row->name->type == type && row->content && row->round != h->round)
            VEC_PUSH(&gone, row->name);
    for (size_t i = 0; i < gone.n; i++)
        holdings_put(h, gone.v[i], NULL, changed);
    VEC_FINI(&gone);
}

void holdings_settle(struct holdings *h, struct names *changed, struct names more[XDS_N],
                     struct names less[XDS_N])
{
    for (size_t i = 0; i < changed->n; i++) { /* it grows: what is dropped may refer to others */
        struct name *name = changed->v[i];
        struct holding *row = get(h, name);

        if (row->n_refs > 0 && !row->is_asked) {
            row->is_asked = true;
            VEC_PUSH(&more[name->type], name);
        } else if (row->n_refs == 0 && row->is_asked) {
            row->is_asked = false;
            VEC_PUSH(&less[name->type], name);
            holdings_put(h, name, NULL, changed);
            row_of(h, name)->is_absent = false; /* when it is asked for again, nothing is known of it */
        }
    }
    VEC_CLEAR(changed);
}

struct holding *holdings_next(const struct holdings *h, uint32_t *i)
{
    while (*i < h->n_rows) {
        struct holding *row = &h->rows[(*i)++];

        if (is_in_use(row))
            return row;
    }
    return NULL;
}
