/* decode.c -- JSON to typed specs, driven by field tables; the rules of the reference's protobuf JSON decoder
 * (resources.md 1.4). Policies with a targetRef have passed their schema (schema.c) before. Scalars are read
 * in decode_scalar.c. */
#include "decode.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/json.h"

static bool decode_object(struct decoder *, const struct field *, const json_t *, const struct path *,
                          void *spec);

/* jansson's iterators take a mutable object and only read it. */
static json_t *mutable(const json_t *o)
{
    return (json_t *)(uintptr_t)o;
}

static struct str iter_key(void *it)
{
    return str_from(json_object_iter_key(it), json_object_iter_key_len(it));
}

/* ---- lists and maps ---- */

static bool is_list(struct decoder *d, const json_t *v, const struct path *at)
{
    return json_is_array(v) || decode_refuse_kind(d, v, at, "[]json.RawMessage", "a list");
}

static bool is_map(struct decoder *d, const json_t *v, const struct path *at)
{
    return json_is_object(v) || decode_refuse_kind(d, v, at, "map[string]json.RawMessage", "an object");
}

/* Room for 'n' items of a list; of none too when that is not the same as no list. */
static void *items_alloc(struct decoder *d, const struct field *f, size_t n, size_t size)
{
    return n || f->keep_empty ? arena_alloc(d->arena, n ? n * size : 1) : NULL;
}

static bool decode_str_list(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                            struct str_list *out)
{
    if (!is_list(d, v, at))
        return false;
    out->n = json_array_size(v);
    out->v = items_alloc(d, f, out->n, sizeof(out->v[0]));
    for (size_t i = 0; i < out->n; i++)
        if (!decode_str(d, json_array_get(v, i), AT_INDEX(at, i), &out->v[i]))
            return false;
    return true;
}

static bool decode_bytes_list(struct decoder *d, const json_t *v, const struct path *at, struct str_list *out)
{
    if (!is_list(d, v, at))
        return false;
    out->n = json_array_size(v);
    out->v = out->n ? ARENA_ARRAY(d->arena, struct str, out->n) : NULL;
    for (size_t i = 0; i < out->n; i++)
        if (!json_is_null(json_array_get(v, i)) &&
            !decode_bytes(d, json_array_get(v, i), AT_INDEX(at, i), &out->v[i]))
            return false;
    return true;
}

static bool decode_i32_list(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                            struct i32_list *out)
{
    if (!is_list(d, v, at))
        return false;
    out->n = json_array_size(v);
    out->v = items_alloc(d, f, out->n, sizeof(out->v[0]));
    for (size_t i = 0; i < out->n; i++)
        if (!decode_i32(d, json_array_get(v, i), AT_INDEX(at, i), &out->v[i]))
            return false;
    return true;
}

/* Of numbers, or of an enum's values. */
static bool decode_u32_list(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                            struct u32_list *out)
{
    if (!is_list(d, v, at))
        return false;
    out->n = json_array_size(v);
    out->v = out->n ? ARENA_ARRAY(d->arena, uint32_t, out->n) : NULL;
    for (size_t i = 0; i < out->n; i++) {
        const json_t *item = json_array_get(v, i);
        const struct path *item_at = AT_INDEX(at, i);

        if (f->kind == FIELD_ENUM_LIST ? !decode_enum(d, f, item, item_at, &out->v[i])
                                       : !decode_u32(d, item, item_at, &out->v[i]))
            return false;
    }
    return true;
}

static bool decode_list(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                        void *spec)
{
    if (!is_list(d, v, at))
        return false;
    size_t n = json_array_size(v);
    char *items = items_alloc(d, f, n, f->size);

    for (size_t i = 0; i < n; i++)
        if (!decode_object(d, f->fields, json_array_get(v, i), AT_INDEX(at, i), items + i * f->size))
            return false;
    memcpy((char *)spec + f->offset, &items, sizeof(items));
    memcpy((char *)spec + f->count, &n, sizeof(n));
    return true;
}

static int cmp_by_key(const void *a, const void *b)
{
    /* Elements of every map begin with their key. */
    const struct str *x = a, *y = b;

    return str_cmp(*x, *y);
}

static bool decode_tags(struct decoder *d, const json_t *v, const struct path *at, struct tags *out)
{
    if (!is_map(d, v, at))
        return false;
    size_t n = json_object_size(v), i = 0;
    json_t *map = mutable(v);

    out->v = n ? ARENA_ARRAY(d->arena, struct tag, n) : NULL;
    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it), i++) {
        struct str key = iter_key(it);

        out->v[i].key = arena_str(d->arena, key);
        if (!decode_str(d, json_object_iter_value(it), AT_KEY(at, key), &out->v[i].value))
            return false;
    }
    out->n = n;
    if (n > 0)
        qsort(out->v, n, sizeof(out->v[0]), cmp_by_key);
    return true;
}

/* Elements are a key followed by a message. */
static bool decode_map(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                       void *spec)
{
    if (!is_map(d, v, at))
        return false;
    size_t n = json_object_size(v), i = 0;
    json_t *map = mutable(v);
    char *items = n ? arena_alloc(d->arena, n * f->size) : NULL;

    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it), i++) {
        char *item = items + i * f->size;
        struct str key = iter_key(it);
        struct str copy = arena_str(d->arena, key);

        memcpy(item, &copy, sizeof(copy));
        if (!decode_object(d, f->fields, json_object_iter_value(it), AT_KEY(at, key), item + f->value))
            return false;
    }
    if (n > 0)
        qsort(items, n, f->size, cmp_by_key);
    memcpy((char *)spec + f->offset, &items, sizeof(items));
    memcpy((char *)spec + f->count, &n, sizeof(n));
    return true;
}

/* ---- messages ---- */

static bool decode_sub(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                       void *member)
{
    void *sub = arena_alloc(d->arena, f->size);

    memcpy(member, &sub, sizeof(sub));
    return decode_object(d, f->fields, v, at, sub);
}

static bool decode_spec(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                        void *spec)
{
    struct decoder inner = *d;

    inner.any_case = true;
    return decode_object(&inner, f->fields, v, at, spec);
}

static bool decode_member(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                          void *spec)
{
    void *member = (char *)spec + f->offset;

    switch (f->kind) {
    case FIELD_STR:
    case FIELD_OPT_STR:
        return decode_str(d, v, at, member);
    case FIELD_BYTES: {
        struct str *bytes = member;
        if (!decode_bytes(d, v, at, bytes))
            return false;
        if (bytes->n == 0)
            *bytes = STR_NONE;
        return true;
    }
    case FIELD_OPT_BYTES:
        return decode_bytes(d, v, at, member);
    case FIELD_BOOL:
        return decode_bool(d, v, at, member);
    case FIELD_U32:
        return decode_u32(d, v, at, member);
    case FIELD_U64:
        return decode_uint(d, v, at, UINT64_MAX, member);
    case FIELD_ENUM:
        return decode_enum(d, f, v, at, member);
    case FIELD_OPT_BOOL: {
        struct opt_bool *opt = member;
        opt->set = true;
        return decode_bool(d, v, at, &opt->v);
    }
    case FIELD_OPT_U32: {
        struct opt_u32 *opt = member;
        opt->set = true;
        return decode_u32(d, v, at, &opt->v);
    }
    case FIELD_OPT_DOUBLE: {
        struct opt_double *opt = member;
        opt->set = true;
        return decode_double(d, v, at, &opt->v);
    }
    case FIELD_OPT_FLOAT: {
        struct opt_double *opt = member;
        opt->set = true;
        return decode_float(d, v, at, &opt->v);
    }
    case FIELD_DURATION:
        return decode_duration(d, v, at, "bad Duration: ", member);
    case FIELD_TIME:
        return decode_time(d, v, at, member);
    case FIELD_SUB:
        return decode_sub(d, f, v, at, member);
    case FIELD_INLINE:
        return decode_object(d, f->fields, v, at, member);
    case FIELD_FREE:
        return decode_free(d, v, at, member);
    case FIELD_TAGS:
        return decode_tags(d, v, at, member);
    case FIELD_STR_LIST:
        return decode_str_list(d, f, v, at, member);
    case FIELD_BYTES_LIST:
        return decode_bytes_list(d, v, at, member);
    case FIELD_U32_LIST:
    case FIELD_ENUM_LIST:
        return decode_u32_list(d, f, v, at, member);
    case FIELD_LIST:
        return decode_list(d, f, v, at, spec);
    case FIELD_MAP:
        return decode_map(d, f, v, at, spec);
    case FIELD_SPEC:
        return decode_spec(d, f, v, at, member);
    case FIELD_CHOICE:
        return decode_choice(d, f, v, at, member);
    case FIELD_SPAN:
        return decode_duration(d, v, at, "", member);
    case FIELD_INT_OR_STR:
        return decode_int_or_str(d, v, at, member);
    case FIELD_I32:
        return decode_i32(d, v, at, member);
    case FIELD_OPT_I32: {
        struct opt_i32 *opt = member;
        opt->set = true;
        return decode_i32(d, v, at, &opt->v);
    }
    case FIELD_OPT_I64: {
        struct opt_i64 *opt = member;
        opt->set = true;
        return decode_int(d, v, at, INT64_MIN, INT64_MAX, &opt->v);
    }
    case FIELD_I32_LIST:
        return decode_i32_list(d, f, v, at, member);
    case FIELD_ANY:
        ((struct any_json *)member)->text = json_format(d->arena, v);
        return true;
    }
    return false;
}

/* The last member of a oneof wins, in the order of the table. */
static void clear_rivals(const struct field *fields, const struct field *winner, void *spec)
{
    for (const struct field *f = fields; f < winner; f++)
        if (f->oneof == winner->oneof)
            field_clear(f, spec);
}

static bool decode_object(struct decoder *d, const struct field *fields, const json_t *o,
                          const struct path *at, void *spec)
{
    if (json_is_null(o))
        return true;
    if (!is_map(d, o, at))
        return false;
    for (const struct field *f = fields; f->name; f++) {
        const json_t *v = field_value(f, o, d->any_case);

        if (!v || (json_is_null(v) && !(f->kind == FIELD_ANY && f->keep_empty)))
            continue;
        if (!decode_member(d, f, v, AT_FIELD(at, f->name), spec))
            return false;
        if (f->oneof)
            clear_rivals(fields, f, spec);
        if (f->given)
            *((bool *)spec + f->given) = true;
    }
    return true;
}

enum err_kind fields_decode(const struct field *fields, const json_t *o, const struct path *at,
                            struct arena *a, void *spec, struct err *e)
{
    struct decoder d = {.arena = a, .err = e};

    return decode_object(&d, fields, o, at, spec) ? ERR_NONE : ERR_MALFORMED;
}
