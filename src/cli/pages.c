/* pages.c -- see connection.h: lists, which the control plane answers in pages. */
#include "connection.h"
#include "progress.h"
#include "ursa/base/json.h"

#define PAGE_SIZE 1000 /* the largest that kuma-cp answers */

int64_t next_offset(struct str next)
{
    struct str query = str_slice(next, str_chr(next, '?') + 1, next.n), part;
    int64_t offset;

    while (str_next(&query, '&', &part))
        if (str_has_prefix(part, STR("offset=")) &&
            str_to_int(str_slice(part, sizeof("offset=") - 1, part.n), 0, INT64_MAX, &offset))
            return offset;
    return -1;
}

static struct str page_url(struct arena *a, struct str path, struct str query, int64_t size, int64_t offset)
{
    struct str url = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(path), query.n ? "?" : "", STR_ARG(query));
    char mark = query.n ? '&' : '?';

    if (size >= 0) {
        url = arena_printf(a, STR_FMT "%csize=%lld", STR_ARG(url), mark, (long long)size);
        mark = '&';
    }
    if (offset > 0)
        url = arena_printf(a, STR_FMT "%coffset=%lld", STR_ARG(url), mark, (long long)offset);
    return url;
}

/* Appends one page to 'items'; *next is where the following one begins, or -1. */
static enum err_kind get_page(struct connection *c, struct str url, json_t *items, json_t **page,
                              int64_t *next, struct err *e)
{
    struct arena scratch; /* the texts of earlier pages are not needed any more */

    arena_init(&scratch);
    if (connection_get(c, url, &scratch, page, e) == ERR_NONE) {
        if (json_array_extend(items, json_get(*page, "items")) != 0)
            err_set(e, ERR_MALFORMED, "the control plane's answer to GET " STR_FMT " is no list",
                    STR_ARG(url));
        *next = next_offset(json_str(json_get(*page, "next")));
    }
    arena_fini(&scratch);
    return e->kind;
}

/* {"total", "items", "next"}; of everything there is no next. */
static json_t *list_json(json_t *items, const json_t *last_page, bool all)
{
    json_t *total = all ? NULL : json_get(last_page, "total"),
           *next = all ? NULL : json_get(last_page, "next"), *list = json_object();

    json_object_set_new(list, "total",
                        total ? json_incref(total) : json_integer((json_int_t)json_array_size(items)));
    json_object_set(list, "items", items);
    json_object_set_new(list, "next", next ? json_incref(next) : json_null());
    return list;
}

enum err_kind connection_get_list(struct connection *c, struct str path, struct str query, int64_t size,
                                  int64_t offset, struct arena *a, json_t **out, struct err *e)
{
    bool all = size < 0 && offset < 0;
    int64_t at = all ? 0 : offset, next = -1;
    json_t *items = json_array();

    for (;;) {
        JSON_AUTO page = NULL;
        struct str url = page_url(a, path, query, all ? PAGE_SIZE : size, at);

        if (get_page(c, url, items, &page, &next, e) != ERR_NONE)
            break;
        if (!all || next <= at) { /* the end, or a server that turns in circles */
            *out = list_json(items, page, all);
            break;
        }
        at = next;
        progress_show("%zu items so far ...", json_array_size(items));
    }
    progress_end();
    json_decref(items);
    return e->kind;
}
