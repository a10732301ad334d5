/* encode.c -- typed specs to JSON, driven by field tables; the rules of protobuf JSON output
 * (resources.md 1.4). */
#include <inttypes.h>
#include <string.h>

#include "field.h"
#include "ursa/base/base64.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* A number without a name is printed as the number. */
static json_t *encode_enum(const struct enum_names *names, uint32_t number)
{
    struct str name = enum_name(names, number);

    return name.p ? json_from_str(name) : json_integer((int32_t)number);
}

static json_t *encode_bytes(struct str bytes, struct arena *scratch)
{
    struct str text = base64_encode(scratch, bytes);
    json_t *v = json_from_str(text);

    str_wipe(text);
    return v;
}

/* RFC 3339 with 0, 3, 6 or 9 decimals. */
static json_t *encode_time(int64_t ns, struct arena *scratch)
{
    struct str text = time_format(scratch, ns);
    size_t point = str_chr(text, '.');
    size_t decimals = point < text.n ? text.n - point - 2 : 0; /* between the point and the Z */

    return json_from_str(arena_printf(scratch, STR_FMT "%.*sZ", STR_ARG(str_slice(text, 0, text.n - 1)),
                                      (int)((3 - decimals % 3) % 3), "00"));
}

static json_t *encode_tags(const struct tags *tags)
{
    json_t *o = json_object();

    for (size_t i = 0; i < tags->n; i++)
        json_object_setn_new_nocheck(o, tags->v[i].key.p, tags->v[i].key.n, json_from_str(tags->v[i].value));
    return o;
}

static json_t *encode_str_list(const struct str_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(array, json_from_str(list->v[i]));
    return array;
}

static json_t *encode_bytes_list(const struct str_list *list, struct arena *scratch)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(array, encode_bytes(list->v[i], scratch));
    return array;
}

static json_t *encode_u32_list(const struct field *f, const struct u32_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(array, f->names ? encode_enum(f->names, list->v[i]) : json_integer(list->v[i]));
    return array;
}

static json_t *encode_i32_list(const struct i32_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(array, json_integer(list->v[i]));
    return array;
}

/* An empty list that is printed all the same. */
static bool keeps_empty(const struct field *f, const void *items)
{
    return f->required || (f->keep_empty && items);
}

/* What a LIST or MAP member points to, and how many. */
static const char *items_of(const struct field *f, const void *spec, size_t *n)
{
    *n = *(const size_t *)(const void *)((const char *)spec + f->count);
    return *(const char *const *)(const void *)((const char *)spec + f->offset);
}

static json_t *encode_list(const struct field *f, const void *spec, struct arena *scratch)
{
    size_t n;
    const char *items = items_of(f, spec, &n);
    json_t *array = n || keeps_empty(f, items) ? json_array() : NULL;

    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, fields_encode(f->fields, items + i * f->size, scratch));
    return array;
}

static json_t *encode_map(const struct field *f, const void *spec, struct arena *scratch)
{
    size_t n;
    const char *items = items_of(f, spec, &n);
    json_t *o = n ? json_object() : NULL;

    for (size_t i = 0; i < n; i++) {
        const char *item = items + i * f->size;
        const struct str *key = (const struct str *)(const void *)item;

        json_object_setn_new_nocheck(o, key->p, key->n, fields_encode(f->fields, item + f->value, scratch));
    }
    return o;
}

/* NULL when the member is absent. */
static json_t *encode_member(const struct field *f, const void *spec, struct arena *scratch)
{
    const void *member = (const char *)spec + f->offset;

    switch (f->kind) {
    case FIELD_STR: {
        const struct str *s = member;
        return s->n || f->required ? json_from_str(*s) : NULL;
    }
    case FIELD_BYTES: {
        const struct str *s = member;
        return s->n ? encode_bytes(*s, scratch) : NULL;
    }
    case FIELD_BOOL: {
        const bool *v = member;
        return *v ? json_true() : NULL;
    }
    case FIELD_U32: {
        const uint32_t *v = member;
        return *v || f->required ? json_integer(*v) : NULL;
    }
    case FIELD_U64: {
        const uint64_t *v = member;
        return *v ? json_from_str(arena_printf(scratch, "%" PRIu64, *v)) : NULL;
    }
    case FIELD_ENUM: {
        const uint32_t *v = member;
        return *v ? encode_enum(f->names, *v) : NULL;
    }
    case FIELD_OPT_STR: {
        const struct str *s = member;
        return s->p ? json_from_str(*s) : NULL;
    }
    case FIELD_OPT_BYTES: {
        const struct str *s = member;
        return s->p ? encode_bytes(*s, scratch) : NULL;
    }
    case FIELD_OPT_BOOL: {
        const struct opt_bool *v = member;
        return v->set ? json_boolean(v->v) : NULL;
    }
    case FIELD_OPT_U32: {
        const struct opt_u32 *v = member;
        return v->set ? json_integer(v->v) : NULL;
    }
    case FIELD_OPT_DOUBLE:
    case FIELD_OPT_FLOAT: {
        const struct opt_double *v = member;
        return v->set ? json_real(v->v) : NULL;
    }
    case FIELD_DURATION: {
        const struct opt_dur *v = member;
        return v->set ? json_from_str(duration_format_proto(scratch, v->ns)) : NULL;
    }
    case FIELD_TIME: {
        const struct opt_time *v = member;
        return v->set ? encode_time(v->ns, scratch) : NULL;
    }
    case FIELD_SUB: {
        const void *const *sub = member;
        return *sub ? fields_encode(f->fields, *sub, scratch) : NULL;
    }
    case FIELD_INLINE:
        return fields_encode(f->fields, member, scratch);
    case FIELD_FREE: {
        const struct free_json *v = member;
        return v->text.p ? json_read_own(v->text) : NULL;
    }
    case FIELD_TAGS: {
        const struct tags *tags = member;
        return tags->n ? encode_tags(tags) : NULL;
    }
    case FIELD_STR_LIST: {
        const struct str_list *list = member;
        return list->n || keeps_empty(f, list->v) ? encode_str_list(list) : NULL;
    }
    case FIELD_BYTES_LIST: {
        const struct str_list *list = member;
        return list->n ? encode_bytes_list(list, scratch) : NULL;
    }
    case FIELD_U32_LIST:
    case FIELD_ENUM_LIST: {
        const struct u32_list *list = member;
        return list->n ? encode_u32_list(f, list) : NULL;
    }
    case FIELD_LIST:
        return encode_list(f, spec, scratch);
    case FIELD_MAP:
        return encode_map(f, spec, scratch);
    case FIELD_SPEC:
        return fields_encode(f->fields, member, scratch);
    case FIELD_CHOICE: {
        const uint32_t *v = member;
        return *v ? json_from_str(enum_name(f->names, *v)) : NULL;
    }
    case FIELD_SPAN: {
        const struct opt_dur *v = member;
        return v->set ? json_from_str(duration_format_go(scratch, v->ns)) : NULL;
    }
    case FIELD_INT_OR_STR: {
        const struct int_or_str *v = member;
        return !v->set && !f->required ? NULL : v->text.p ? json_from_str(v->text) : json_integer(v->n);
    }
    case FIELD_I32: {
        const int32_t *v = member;
        return *v ? json_integer(*v) : NULL;
    }
    case FIELD_OPT_I32: {
        const struct opt_i32 *v = member;
        return v->set ? json_integer(v->v) : NULL;
    }
    case FIELD_OPT_I64: {
        const struct opt_i64 *v = member;
        return v->set ? json_integer(v->v) : NULL;
    }
    case FIELD_I32_LIST: {
        const struct i32_list *list = member;
        return list->n || keeps_empty(f, list->v) ? encode_i32_list(list) : NULL;
    }
    case FIELD_ANY: {
        const struct any_json *v = member;
        return v->text.p ? json_read_own(v->text) : NULL;
    }
    }
    return NULL;
}

json_t *fields_encode(const struct field *fields, const void *spec, struct arena *scratch)
{
    json_t *o = json_object();

    for (const struct field *f = fields; f->name; f++) {
        json_t *v = encode_member(f, spec, scratch);

        if (v)
            json_object_set_new_nocheck(o, f->name, v);
    }
    return o;
}
