/* changes.c -- see changes.h. */
#include "changes.h"

static bool is_told_of(const struct changes *c, enum res_type type)
{
    const struct res_type_info *info = res_type_info(type);

    if (info->traits & (RES_NO_HISTORY | RES_DERIVED))
        return false;
    return !c->mesh.p || info->scope == SCOPE_MESH || type == RES_MESH;
}

/* Of Meshes only that one: they are the only ones of no mesh that are looked at. */
static const struct resource *next_of(const struct changes *c, struct snap_iter *it)
{
    const struct resource *r;

    while ((r = snap_next(it))) {
        bool is_meant = !c->mesh.p || r->key.type != RES_MESH || str_eq(r->key.name, c->mesh);
        if (is_meant && r->origin != ORIGIN_PROXY)
            return r;
    }
    return NULL;
}

static void begin_type(struct changes *c)
{
    struct snap_range left = snap_range(c->before, c->type, c->mesh),
                      right = snap_range(c->after, c->type, c->mesh);

    c->left = snap_iter(&left);
    c->right = snap_iter(&right);
    c->next_left = next_of(c, &c->left);
    c->next_right = next_of(c, &c->right);
}

void changes_init(struct changes *c, const struct snap *before, const struct snap *after, struct str mesh)
{
    *c = (struct changes){.before = before, .after = after, .mesh = mesh};
    while (!is_told_of(c, c->type))
        c->type++;
    begin_type(c);
}

/* The smaller of the two sides' next, or both when their keys are equal. */
static bool next_pair(struct changes *c, struct changed *out)
{
    int order;

    if (!c->next_left && !c->next_right)
        return false;
    order = !c->next_left ? 1 : !c->next_right ? -1 : res_key_cmp(&c->next_left->key, &c->next_right->key);
    *out = (struct changed){.before = order <= 0 ? c->next_left : NULL,
                            .after = order >= 0 ? c->next_right : NULL};
    if (out->before)
        c->next_left = next_of(c, &c->left);
    if (out->after)
        c->next_right = next_of(c, &c->right);
    return true;
}

static bool is_change(const struct changed *pair)
{
    if (pair->before == pair->after) /* shared between the snapshots */
        return false;
    return !pair->before || !pair->after || !blob_eq(pair->before->spec_json, pair->after->spec_json);
}

bool changes_next(struct changes *c, struct changed *out)
{
    for (;;) {
        while (next_pair(c, out)) {
            if (is_change(out))
                return true;
        }
        do {
            if (++c->type >= RES_N)
                return false;
        } while (!is_told_of(c, c->type));
        begin_type(c);
    }
}
