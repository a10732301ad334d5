/* changes.c -- see changes.h. */
#include "changes.h"

#include "ursa/base/json.h"

/* ---- resources ---- */

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

/* ---- fields ---- */

struct fields {
    json_t *list;
    size_t max, n;
    struct arena *arena;
};

static json_t *borrowed(const json_t *v)
{
    return v ? json_incref((json_t *)(uintptr_t)v) : json_null();
}

static void add_field(struct fields *f, const struct path *at, const json_t *before, const json_t *after)
{
    json_t *o;

    if (f->n++ >= f->max)
        return;
    o = json_object();
    json_object_set_new(o, "field", json_from_str(path_render(at, f->arena)));
    json_object_set_new(o, "before", borrowed(before));
    json_object_set_new(o, "after", borrowed(after));
    json_array_append_new(f->list, o);
}

/* Field names are plain words; what is none is a key of somebody's, such as a tag. */
static struct path step(const struct path *up, struct str key)
{
    bool is_word = key.n > 0;

    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        is_word &= (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
    }
    return is_word ? (struct path){.up = up, .field = key} : (struct path){.up = up, .key = key};
}

static void compare(struct fields *f, const struct path *at, const json_t *before, const json_t *after);

static void compare_objects(struct fields *f, const struct path *at, json_t *before, json_t *after)
{
    for (void *it = json_object_iter(before); it; it = json_object_iter_next(before, it)) {
        struct path here = step(at, json_key_str(json_object_iter_key(it)));
        compare(f, &here, json_object_iter_value(it), json_get(after, json_object_iter_key(it)));
    }
    for (void *it = json_object_iter(after); it; it = json_object_iter_next(after, it)) {
        struct path here = step(at, json_key_str(json_object_iter_key(it)));
        if (!json_get(before, json_object_iter_key(it)))
            compare(f, &here, NULL, json_object_iter_value(it));
    }
}

static void compare_arrays(struct fields *f, const struct path *at, const json_t *before, const json_t *after)
{
    size_t n_before = json_array_size(before), n_after = json_array_size(after);

    for (size_t i = 0; i < n_before || i < n_after; i++)
        compare(f, AT_INDEX(at, i), json_array_get(before, i), json_array_get(after, i));
}

/* Trees are as deep as stored documents are, which is bounded (JSON_MAX_NESTING). */
static void compare(struct fields *f, const struct path *at, const json_t *before, const json_t *after)
{
    if (before && after && json_equal((json_t *)(uintptr_t)before, (json_t *)(uintptr_t)after))
        return;
    if (json_is_object(before) && json_is_object(after))
        compare_objects(f, at, (json_t *)(uintptr_t)before, (json_t *)(uintptr_t)after);
    else if (json_is_array(before) && json_is_array(after))
        compare_arrays(f, at, before, after);
    else
        add_field(f, at, before, after);
}

json_t *changes_of_fields(const json_t *before, const json_t *after, size_t max, struct arena *a)
{
    struct fields f = {.list = json_array(), .max = max, .arena = a};

    compare(&f, NULL, before, after);
    if (f.n > max)
        json_array_append_new(f.list, json_pack("{s:I}", "omitted", (json_int_t)(f.n - max)));
    return f.list;
}
