/* history.c -- GET /history: who changed what, newest first. */
#include "page.h"
#include "past.h"
#include "router.h"
#include "ursa/base/clock.h"

struct listing {
    struct page page;
    struct history_scope scope;
};

static const char *const origins[] = {
    [ORIGIN_API] = "api", [ORIGIN_PROXY] = "proxy", [ORIGIN_SYSTEM] = "system"};

static json_t *change_json(const struct history_change *change)
{
    json_t *o = json_object();

    json_object_set_new(o, "op", json_from_str(history_op_name(change->op)));
    json_object_set_new(o, "type", json_from_str(res_type_info(change->key.type)->name));
    if (change->key.mesh.n)
        json_object_set_new(o, "mesh", json_from_str(change->key.mesh));
    json_object_set_new(o, "name", json_from_str(change->key.name));
    return o;
}

static json_t *entry_json(struct request *r, const struct history_entry *entry)
{
    json_t *o = json_object(), *changes = json_array();

    for (size_t i = 0; i < entry->n_changes; i++)
        json_array_append_new(changes, change_json(&entry->changes[i]));
    json_object_set_new(o, "revision", json_integer((json_int_t)entry->revision));
    json_object_set_new(o, "time", json_from_str(time_format(&r->arena, entry->time_ns)));
    json_object_set_new(o, "author", json_from_str(entry->author));
    json_object_set_new(o, "origin", json_string(origins[entry->origin]));
    json_object_set_new(o, "changes", changes);
    if (entry->n_omitted)
        json_object_set_new(o, "omitted", json_integer((json_int_t)entry->n_omitted));
    return o;
}

static void answer_listing(struct request *r, struct history *h)
{
    struct listing *l = r->handler_data;
    struct history_page found;
    struct items items;

    if (history_list(h, &l->scope, l->page.offset, l->page.size, &r->arena, &found, &r->err) != ERR_NONE) {
        past_fault(r);
        return;
    }
    items_init(&items);
    for (size_t i = 0; i < found.n; i++)
        items_add_json(&items, entry_json(r, &found.entries[i]));
    if (l->page.offset + found.n < found.total)
        l->page.size = found.n; /* the next page begins where this one had to end */
    page_answer_items(r, &l->page, found.total, found.total, &items);
}

/* By its name, or as it stands in URLs. */
static bool read_type(struct request *r, enum res_type *type)
{
    struct str text = request_query(r, "type");

    *type = res_type_by_name(text);
    if (*type == RES_N)
        *type = res_type_by_path(text);
    if (!text.p || *type != RES_N)
        return true;
    err_cause_at(
        &r->err, STR("type"),
        arena_printf(&r->arena, "unknown resource type " STR_FMT, STR_ARG(str_quote(&r->arena, text))));
    answer_error(r);
    return false;
}

void history_get(struct request *r)
{
    struct listing *l = ARENA_NEW(&r->arena, struct listing);

    r->title = "Could not retrieve the history";
    if (!page_read(r, &l->page) || !read_type(r, &l->scope.type))
        return;
    l->scope.mesh = r->mesh;
    l->scope.name = request_query(r, "name");
    if (!past_is_open(r)) {
        l->scope.sees = past_sees;
        l->scope.ctx = r;
    }
    r->handler_data = l;
    request_read(r, answer_listing, NULL);
}
