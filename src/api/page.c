/* page.c -- see page.h. */
#include "page.h"

#include <stdlib.h>

#define DEFAULT_SIZE 100
#define MAX_SIZE 1000

static bool refuse(struct request *r, const char *field, const char *text, struct str reason)
{
    err_cause_at(&r->err, str_from_c(field), reason);
    err_set(&r->err, ERR_INVALID, "%s", text);
    answer_error(r);
    return false;
}

bool page_read(struct request *r, struct page *page)
{
    struct str offset = request_query(r, "offset"), size = request_query(r, "size");
    int64_t number;

    *page = (struct page){.offset = 0, .size = DEFAULT_SIZE};
    if (offset.n > 0) {
        if (!str_to_int(offset, 0, INT32_MAX, &number))
            return refuse(r, "offset", "Invalid offset", STR("Invalid format"));
        page->offset = (size_t)number;
    }
    if (size.n > 0) {
        if (!str_to_int(size, 0, INT64_MAX, &number))
            return refuse(r, "size", "Invalid page size", STR("Invalid format"));
        if (number > MAX_SIZE)
            return refuse(r, "size", "Invalid page size",
                          arena_printf(&r->arena, "Invalid page size of " STR_FMT ". Maximum page size is %d",
                                       STR_ARG(size), MAX_SIZE));
        page->size = number == 0 ? SIZE_MAX : (size_t)number; /* COMPAT: size=0 means no paging */
    }
    return true;
}

void page_bounds(const struct page *page, size_t n, size_t *first, size_t *end)
{
    *first = page->offset < n ? page->offset : n;
    *end = page->size < n - *first ? *first + page->size : n;
}

static int compare_query(const void *a, const void *b)
{
    const struct query *x = a, *y = b;

    return str_cmp(x->key, y->key);
}

static void add_encoded(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '_' ||
                     c == '.' || c == '~';
        if (plain)
            buf_add_byte(out, c);
        else if (c == ' ')
            buf_add_byte(out, '+');
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* The request's own URL with another offset; keys sorted, as Go's url.Values prints them. */
static json_t *next_url(struct request *r, size_t offset)
{
    struct query query[MAX_QUERY + 1];
    struct buf out;
    size_t n = 0;

    for (size_t i = 0; i < r->n_query; i++) {
        if (!str_eq(r->query[i].key, STR("offset")))
            query[n++] = r->query[i];
    }
    query[n] = (struct query){STR("offset"), arena_printf(&r->arena, "%zu", offset)};
    n++;
    qsort(query, n, sizeof(query[0]), compare_query);
    buf_init(&out, BUF_MAX_RESOURCE);
    buf_printf(&out, "%s://" STR_FMT STR_FMT, r->secure ? "https" : "http",
               STR_ARG(request_header(r, "Host")), STR_ARG(r->path));
    for (size_t i = 0; i < n; i++) {
        buf_add_byte(&out, i ? '&' : '?');
        add_encoded(&out, query[i].key);
        buf_add_byte(&out, '=');
        add_encoded(&out, query[i].value);
    }
    json_t *url = json_from_str(buf_str(&out));
    buf_fini(&out);
    return url;
}

/* ---- the answer ---- */

void items_init(struct items *items)
{
    buf_init(&items->text, ANSWER_MAX);
}

struct buf *items_next(struct items *items)
{
    buf_add_str(&items->text, items->text.n ? STR(",\n  ") : STR("[\n  "));
    return &items->text;
}

void items_add_resource(struct items *items, const struct resource *res)
{
    resource_print(res, ITEM_LEVEL, items_next(items));
}

void items_add_json(struct items *items, json_t *take)
{
    json_write_pretty(items_next(items), take, ITEM_LEVEL);
    json_decref(take);
}

void page_answer_with(struct request *r, struct str members, const struct page *page, size_t n, size_t total,
                      struct items *items)
{
    struct buf *out = answer_begin(r, 200, TYPE_JSON);
    size_t first, end;

    page_bounds(page, n, &first, &end);
    JSON_AUTO next = end < n ? next_url(r, end) : json_null();
    buf_printf(out, "{\n " STR_FMT "\"total\": %zu,\n \"items\": ", STR_ARG(members), total);
    buf_add_str(out, buf_str(&items->text));
    buf_add_str(out, items->text.n ? STR("\n ]") : STR("[]"));
    buf_add_str(out, STR(",\n \"next\": "));
    json_write_pretty(out, next, 1);
    buf_add_str(out, STR("\n}\n"));
    out->overflowed |= !buf_ok(&items->text);
    buf_fini(&items->text);
}

void page_answer_items(struct request *r, const struct page *page, size_t n, size_t total,
                       struct items *items)
{
    page_answer_with(r, STR(""), page, n, total, items);
}

void page_answer(struct request *r, const struct page *page, size_t n, size_t total, json_t *take_items)
{
    struct items items;

    items_init(&items);
    for (size_t i = 0; i < json_array_size(take_items); i++)
        items_add_json(&items, json_incref(json_array_get(take_items, i)));
    json_decref(take_items);
    page_answer_items(r, page, n, total, &items);
}
