/* visible.c -- see visible.h. */
#include "visible.h"

/* The one resource of a global type with that name, as a range. */
static struct snap_range range_of_one(const struct snap *snap, enum res_type type, struct str name)
{
    struct snap_range range = snap_range_prefix(snap, type, STR_NONE, name);

    range.n = range.n > 0 && str_eq(snap_at(&range, 0)->key.name, name);
    return range;
}

struct visible visible_of(struct request *r, enum res_type type)
{
    bool has_mesh = res_type_info(type)->scope == SCOPE_MESH;
    struct str_list meshes = {0};
    struct visible v = {0};
    struct snap_range *ranges;

    if (!user_is_confined(&r->user)) {
        ranges = ARENA_NEW(&r->arena, struct snap_range);
        ranges[0] = snap_range(r->snap, type, STR_NONE);
        return (struct visible){.ranges = ranges, .n_ranges = 1, .n = ranges[0].n};
    }
    if (has_mesh || type == RES_MESH)
        meshes = user_meshes(&r->user, access_role_needed(ACCESS_READ, type), &r->arena);
    ranges = ARENA_ARRAY(&r->arena, struct snap_range, meshes.n + 1);
    for (size_t i = 0; i < meshes.n; i++) {
        ranges[i] =
            has_mesh ? snap_range(r->snap, type, meshes.v[i]) : range_of_one(r->snap, type, meshes.v[i]);
        v.n += ranges[i].n;
    }
    v.ranges = ranges;
    v.n_ranges = meshes.n;
    return v;
}

static void begin(struct visible_iter *it, const struct snap_range *range, size_t skip)
{
    it->part = (struct snap_range){.tree = range->tree, .first = range->first + skip, .n = range->n - skip};
    it->it = snap_iter(&it->part);
}

struct visible_iter visible_iter(const struct visible *v, size_t first)
{
    struct visible_iter it = {.next = v->ranges, .end = v->ranges + v->n_ranges};

    for (; it.next < it.end; first -= it.next++->n) {
        if (first < it.next->n) {
            begin(&it, it.next++, first);
            break;
        }
    }
    return it;
}

const struct resource *visible_next(struct visible_iter *it)
{
    for (;;) {
        const struct resource *res = it->part.tree ? snap_next(&it->it) : NULL;

        if (res || it->next == it->end)
            return res;
        begin(it, it->next++, 0);
    }
}
