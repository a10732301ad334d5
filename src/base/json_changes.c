/* json_changes.c -- see ursa/base/json_changes.h. */
#include "ursa/base/json_changes.h"

#include "ursa/base/json.h"

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

json_t *json_changes(const json_t *before, const json_t *after, size_t max, struct arena *a)
{
    struct fields f = {.list = json_array(), .max = max, .arena = a};

    compare(&f, NULL, before, after);
    if (f.n > max)
        json_array_append_new(f.list, json_pack("{s:I}", "omitted", (json_int_t)(f.n - max)));
    return f.list;
}
