/* decode.c -- JSON to typed specs, driven by field tables; the rules of the reference's protobuf JSON decoder
 * (resources.md 1.4). Policies with a targetRef have passed their schema (schema.c) before. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "ursa/base/base64.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* One decoding run: where memory comes from and where the first fault goes. */
struct decoder {
    struct arena *arena;
    struct err *err;
    bool any_case; /* of keys: below "spec" */
};

#define SHOWN_MAX 60
#define DURATION_TEXT "a duration such as \"5s\" or \"1h30m\""

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

/* As much of a wrong value as a message repeats. */
static struct str shown(struct str s)
{
    return str_cut(s, SHOWN_MAX);
}

/* Refuses 'v': the reference's sentence, and as a cause where it stands, what was expected and what is there.
 */
static bool refuse(struct decoder *d, const json_t *v, const struct path *at, const char *expected,
                   const char *sentence)
{
    struct arena *a = d->err->arena;
    struct str found = json_format(a, v), start = shown(found);

    err_cause(d->err, at, "expected %s, got " STR_FMT "%s", expected, STR_ARG(start),
              start.n < found.n ? "..." : "");
    err_set(d->err, ERR_MALFORMED, "%s", sentence);
    return false;
}

/* As refuse, but does not repeat the value: it may hold a secret. */
static bool refuse_silently(struct decoder *d, const struct path *at, const char *expected,
                            struct str sentence)
{
    err_cause(d->err, at, "expected %s", expected);
    err_set(d->err, ERR_MALFORMED, STR_FMT, STR_ARG(sentence));
    return false;
}

/* A value of the wrong JSON kind; 'go_type' is what the reference's message calls the right one. */
static bool refuse_kind(struct decoder *d, const json_t *v, const struct path *at, const char *go_type,
                        const char *expected)
{
    struct str s = arena_printf(d->err->arena, "json: cannot unmarshal %s into Go value of type %s",
                                json_kind_name(v), go_type);

    return refuse(d, v, at, expected, s.p);
}

/* A number that is one, but not of this type: the message repeats it. */
static bool refuse_number(struct decoder *d, const json_t *v, const struct path *at, const char *go_type,
                          const char *expected)
{
    struct arena *a = d->err->arena;
    struct str number = json_is_string(v) ? json_str(v) : json_format(a, v);
    struct str s = arena_printf(a, "json: cannot unmarshal number " STR_FMT " into Go value of type %s",
                                STR_ARG(shown(number)), go_type);

    return refuse(d, v, at, expected, s.p);
}

/* ---- scalars; null inside a list or map is the zero value ---- */

static bool decode_str(struct decoder *d, const json_t *v, const struct path *at, struct str *out)
{
    if (json_is_null(v)) {
        *out = STR("");
        return true;
    }
    if (!json_is_string(v))
        return refuse_kind(d, v, at, "string", "a string");
    *out = arena_str(d->arena, json_str(v));
    return true;
}

static bool decode_bool(struct decoder *d, const json_t *v, const struct path *at, bool *out)
{
    if (!json_is_boolean(v))
        return refuse_kind(d, v, at, "bool", "true or false");
    *out = json_is_true(v);
    return true;
}

/* Integers may stand in quotes; 5.0 and 5e0 are refused. */
static bool decode_uint(struct decoder *d, const json_t *v, const struct path *at, uint64_t max,
                        uint64_t *out)
{
    const char *go_type = max == UINT32_MAX ? "uint32" : "uint64";
    const char *expected = max == UINT32_MAX ? "an integer from 0 to 4294967295" : "an integer of 0 or more";

    if (json_is_null(v))
        return true;
    if (json_is_string(v) && json_string_length(v) > 0 && strchr("-0123456789", json_string_value(v)[0]))
        return str_to_uint(json_str(v), max, out) || refuse_number(d, v, at, go_type, expected);
    if (!json_is_number(v))
        return refuse_kind(d, v, at, go_type, expected);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
        return refuse_number(d, v, at, go_type, expected);
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool decode_u32(struct decoder *d, const json_t *v, const struct path *at, uint32_t *out)
{
    uint64_t wide = 0;

    if (!decode_uint(d, v, at, UINT32_MAX, &wide))
        return false;
    *out = (uint32_t)wide;
    return true;
}

static bool decode_int(struct decoder *d, const json_t *v, const struct path *at, int64_t min, int64_t max,
                       int64_t *out)
{
    const char *go_type = max == INT32_MAX ? "int32" : "int64";
    const char *expected = max == INT32_MAX ? "an integer of 32 bits" : "an integer";

    if (json_is_null(v))
        return true;
    if (!json_is_number(v))
        return refuse_kind(d, v, at, go_type, expected);
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return refuse_number(d, v, at, go_type, expected);
    *out = json_integer_value(v);
    return true;
}

static bool decode_i32(struct decoder *d, const json_t *v, const struct path *at, int32_t *out)
{
    int64_t wide = 0;

    if (!decode_int(d, v, at, INT32_MIN, INT32_MAX, &wide))
        return false;
    *out = (int32_t)wide;
    return true;
}

static bool decode_int_or_str(struct decoder *d, const json_t *v, const struct path *at,
                              struct int_or_str *out)
{
    out->set = true;
    return json_is_string(v) ? decode_str(d, v, at, &out->text) : decode_i32(d, v, at, &out->n);
}

static bool decode_double(struct decoder *d, const json_t *v, const struct path *at, double *out)
{
    if (json_is_string(v)) {
        char *end = NULL;

        *out = strtod(json_string_value(v), &end);
        if (json_string_length(v) == 0 || *end != '\0')
            return refuse_number(d, v, at, "float64", "a number");
    } else if (json_is_number(v)) {
        *out = json_number_value(v);
    } else {
        return refuse_kind(d, v, at, "float64", "a number");
    }
    return isfinite(*out) || refuse_number(d, v, at, "float64", "a finite number");
}

/* As a float would keep it, and print it: with the fewest digits that tell it from its neighbours. */
static bool decode_float(struct decoder *d, const json_t *v, const struct path *at, double *out)
{
    char text[32];

    if (!decode_double(d, v, at, out))
        return false;
    float kept = (float)*out;
    if (!isfinite(kept))
        return refuse_number(d, v, at, "float32", "a number of single precision");
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)kept);
        if (strtof(text, NULL) == kept)
            break;
    }
    *out = strtod(text, NULL);
    return true;
}

/* "one of a, b" */
static const char *any_name(const struct enum_names *names, struct arena *a)
{
    struct str text = arena_printf(a, "one of");
    const char *separator = "";

    for (size_t i = 0; i < names->n; i++)
        if (names->v[i]) {
            text = arena_printf(a, STR_FMT "%s %s", STR_ARG(text), separator, names->v[i]);
            separator = ",";
        }
    return text.p;
}

/* By name only. */
static bool decode_choice(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                          uint32_t *out)
{
    return (json_is_string(v) && enum_number(f->names, json_str(v), out)) ||
           refuse(d, v, at, any_name(f->names, d->err->arena), "unknown value");
}

/* By name, or by number: a number without a name is kept. */
static bool decode_enum(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                        uint32_t *out)
{
    struct arena *a = d->err->arena;

    if (json_is_string(v)) {
        if (enum_number(f->names, json_str(v), out))
            return true;
        struct str raw = json_format(a, v);
        struct str s = arena_printf(a, "unknown value " STR_FMT " for enum %s", STR_ARG(str_quote(a, raw)),
                                    f->names->full_name);

        return refuse(d, v, at, any_name(f->names, a), s.p);
    }
    if (json_is_null(v))
        return true;
    if (!json_is_number(v))
        return refuse_kind(d, v, at, "int32", "a name or a number");
    if (!json_is_integer(v) || json_integer_value(v) < INT32_MIN || json_integer_value(v) > INT32_MAX)
        return refuse_number(d, v, at, "int32", "a name or a number");
    *out = (uint32_t)(int32_t)json_integer_value(v);
    return true;
}

/* 'prefix': what the reference says before the reason. */
static bool decode_duration(struct decoder *d, const json_t *v, const struct path *at, const char *prefix,
                            struct opt_dur *out)
{
    if (!json_is_string(v))
        return refuse_kind(d, v, at, "string", DURATION_TEXT);
    if (!duration_parse(json_str(v), &out->ns)) {
        struct arena *a = d->err->arena;
        struct str s =
            arena_printf(a, "%s" STR_FMT, prefix, STR_ARG(duration_explain(a, shown(json_str(v)))));

        return refuse(d, v, at, DURATION_TEXT, s.p);
    }
    out->set = true;
    return true;
}

static bool decode_time(struct decoder *d, const json_t *v, const struct path *at, struct opt_time *out)
{
    if (!json_is_string(v))
        return refuse_kind(d, v, at, "string", "an RFC 3339 time");
    if (!time_parse(json_str(v), &out->ns))
        return refuse(d, v, at, "an RFC 3339 time", "bad Timestamp: parsing time failed");
    out->set = true;
    return true;
}

static bool decode_bytes(struct decoder *d, const json_t *v, const struct path *at, struct str *out)
{
    struct arena *a = d->err->arena;
    size_t bad_at = 0;

    if (!json_is_string(v))
        return refuse_silently(
            d, at, "base64 text",
            arena_printf(a, "json: cannot unmarshal %s into Go value of type []uint8", json_kind_name(v)));
    if (!base64_decode(d->arena, json_str(v), out, &bad_at))
        return refuse_silently(d, at, "padded standard base64",
                               arena_printf(a, "illegal base64 data at input byte %zu", bad_at));
    return true;
}

/* Confs of backends, which may hold keys. */
static bool decode_free(struct decoder *d, const json_t *v, const struct path *at, struct free_json *out)
{
    if (!json_is_object(v))
        return refuse_silently(
            d, at, "an object",
            arena_printf(
                d->err->arena,
                "bad StructValue: json: cannot unmarshal %s into Go value of type map[string]json.RawMessage",
                json_kind_name(v)));
    out->text = json_format_canonical(d->arena, v);
    return true;
}

/* ---- lists and maps ---- */

static bool is_list(struct decoder *d, const json_t *v, const struct path *at)
{
    return json_is_array(v) || refuse_kind(d, v, at, "[]json.RawMessage", "a list");
}

static bool is_map(struct decoder *d, const json_t *v, const struct path *at)
{
    return json_is_object(v) || refuse_kind(d, v, at, "map[string]json.RawMessage", "an object");
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
