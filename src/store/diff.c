/* diff.c -- how two snapshots differ: what neither shares with the other. */
#include "ursa/store.h"

static bool is_told_of(const struct snap_diff *d, enum res_type type)
{
    const struct res_type_info *info = res_type_info(type);

    if (info->traits & (RES_NO_HISTORY | RES_DERIVED))
        return false;
    return !d->mesh.p || info->scope == SCOPE_MESH || type == RES_MESH;
}

/* Of Meshes only that one: they are the only ones of no mesh that are looked at. */
static const struct resource *next_of(const struct snap_diff *d, struct snap_iter *it)
{
    const struct resource *r;

    while ((r = snap_next(it))) {
        bool is_meant = !d->mesh.p || r->key.type != RES_MESH || str_eq(r->key.name, d->mesh);
        if (is_meant && r->origin != ORIGIN_PROXY)
            return r;
    }
    return NULL;
}

static void begin_type(struct snap_diff *d)
{
    struct snap_range left = snap_range(d->before, d->type, d->mesh),
                      right = snap_range(d->after, d->type, d->mesh);

    d->left = snap_iter(&left);
    d->right = snap_iter(&right);
    d->next_left = next_of(d, &d->left);
    d->next_right = next_of(d, &d->right);
}

struct snap_diff snap_diff(const struct snap *before, const struct snap *after, struct str mesh)
{
    struct snap_diff d = {.before = before, .after = after, .mesh = mesh};
    while (!is_told_of(&d, d.type))
        d.type++;
    begin_type(&d);
    return d;
}

/* The smaller of the two sides' next, or both when their keys are equal. */
static bool next_pair(struct snap_diff *d, struct snap_change *out)
{
    int order;

    if (!d->next_left && !d->next_right)
        return false;
    order = !d->next_left ? 1 : !d->next_right ? -1 : res_key_cmp(&d->next_left->key, &d->next_right->key);
    *out = (struct snap_change){.before = order <= 0 ? d->next_left : NULL,
                                .after = order >= 0 ? d->next_right : NULL};
    if (out->before)
        d->next_left = next_of(d, &d->left);
    if (out->after)
        d->next_right = next_of(d, &d->right);
    return true;
}

static bool is_change(const struct snap_change *pair)
{
    if (pair->before == pair->after) /* shared between the snapshots */
        return false;
    return !pair->before || !pair->after || !blob_eq(pair->before->spec_json, pair->after->spec_json);
}

bool snap_diff_next(struct snap_diff *d, struct snap_change *out)
{
    for (;;) {
        while (next_pair(d, out)) {
            if (is_change(out))
                return true;
        }
        do {
            if (++d->type >= RES_N)
                return false;
        } while (!is_told_of(d, d->type));
        begin_type(d);
    }
}
