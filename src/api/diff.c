/* diff.c -- GET /diff: how the state at one revision differs from that at another.
 *
 * Both states are told, and held against each other, on the reader's thread. */
#include "page.h"
#include "past.h"
#include "router.h"
#include "ursa/base/json_changes.h"

#define MAX_FIELDS 1000       /* of one resource */
#define MAX_BYTES (16u << 20) /* of the resources of one page, which holds one at least */

struct diff {
    struct page page;
    uint64_t from, to;
    bool to_newest;
};

/* Of a secret type, mesh, name and times: all that is told. */
static json_t *side_json(const struct resource *res, bool is_secret)
{
    if (!res)
        return json_null();
    return is_secret ? resource_meta_to_json(res, res_type_info(res->key.type)->name) : resource_to_json(res);
}

/* When it was written differs always, and says nothing of what is in it. */
static json_t *without_times(json_t *side)
{
    json_t *copy = json_copy(side);

    json_object_del(copy, "creationTime");
    json_object_del(copy, "modificationTime");
    return copy;
}

static json_t *fields_json(struct request *r, const struct snap_change *c, json_t *before, json_t *after)
{
    if (!c->before || !c->after)
        return json_array();
    JSON_AUTO left = without_times(before);
    JSON_AUTO right = without_times(after);
    return json_changes(left, right, MAX_FIELDS, &r->arena);
}

static json_t *changed_json(struct request *r, const struct snap_change *c)
{
    const struct res_key *key = c->after ? &c->after->key : &c->before->key;
    bool is_secret = res_type_info(key->type)->traits & RES_ADMIN;
    json_t *o = json_object(), *before = side_json(c->before, is_secret),
           *after = side_json(c->after, is_secret);

    json_object_set_new(o, "op", json_from_str(history_op_name(history_op_of(c->before, c->after))));
    json_object_set_new(o, "type", json_from_str(res_type_info(key->type)->name));
    if (key->mesh.n)
        json_object_set_new(o, "mesh", json_from_str(key->mesh));
    json_object_set_new(o, "name", json_from_str(key->name));
    json_object_set_new(o, "before", before);
    json_object_set_new(o, "after", after);
    if (is_secret && c->before && c->after)
        json_object_set_new(o, "changes", json_pack("[{s:s,s:n,s:n}]", "field", "data", "before", "after"));
    else
        json_object_set_new(o, "changes", fields_json(r, c, before, after));
    return o;
}

static void answer_changes(struct request *r, struct diff *d, const struct snap *from, const struct snap *to)
{
    struct snap_diff walk = snap_diff(from, to, r->mesh);
    struct snap_change c;
    struct items items;
    size_t n = 0, end = d->page.size < SIZE_MAX - d->page.offset ? d->page.offset + d->page.size : SIZE_MAX;

    items_init(&items);
    while (snap_diff_next(&walk, &c)) {
        if (!past_sees(r, c.after ? &c.after->key : &c.before->key))
            continue;
        if (n >= d->page.offset && n < end)
            items_add_json(&items, changed_json(r, &c));
        n++;
        if (items.text.n > MAX_BYTES && n < end)
            end = n;
    }
    d->page.size = end - d->page.offset;
    page_answer_with(r,
                     arena_printf(&r->arena, "\"from\": %llu,\n \"to\": %llu,\n ",
                                  (unsigned long long)d->from, (unsigned long long)d->to),
                     &d->page, n, n, &items);
}

static void answer_diff(struct request *r, struct history *h)
{
    const struct history_scope scope = {.type = RES_N, .mesh = r->mesh};
    struct diff *d = r->handler_data;
    struct snap *from = NULL, *to = NULL;
    uint64_t oldest;

    if ((!d->to_newest || history_bounds(h, &oldest, &d->to, &r->err) == ERR_NONE) &&
        history_at(h, d->from, &scope, &from, &r->err) == ERR_NONE &&
        history_at(h, d->to, &scope, &to, &r->err) == ERR_NONE)
        answer_changes(r, d, from, to);
    else
        past_fault(r);
    snap_unref(from);
    snap_unref(to);
}

void diff_get(struct request *r)
{
    struct diff *d = ARENA_NEW(&r->arena, struct diff);
    bool has_from, has_to;

    r->title = "Could not compare the revisions";
    if (!page_read(r, &d->page) || !past_revision(r, "from", &has_from, &d->from) ||
        !past_revision(r, "to", &has_to, &d->to))
        return;
    if (!has_from) {
        err_cause_at(&r->err, STR("from"), STR("cannot be empty: the revision to compare with"));
        answer_error(r);
        return;
    }
    d->to_newest = !has_to;
    r->handler_data = d;
    request_read(r, answer_diff, NULL);
}
