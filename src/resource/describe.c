/* describe.c -- field tables as JSON Schemas (draft 2020-12): what editors and other tools may know of a type
 * before they ask.
 *
 * A schema tells less than decoding and the type's check do -- rules between fields are beyond it -- but
 * never more: what the API takes, its schema takes. So a lenient one leaves room for unknown members, which
 * the reference drops without a word, and a strict one, which finds slips of the pen, does not. */
#include "ursa/resource.h"

#include "field.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define NAME_PATTERN "^[0-9a-z_-]+$" /* meta.c */
#define SECRET_NAME_PATTERN "^[0-9a-z_.-]+$"
#define DIGITS_PATTERN "^[0-9]+$"
#define NUMBER_PATTERN "^[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?$"
#define TIME_PATTERN                                                                                         \
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})$"
/* Groups of four digits, the last one filled up; line breaks anywhere. */
#define BREAKS "[\r\n]*"
#define DIGIT "([A-Za-z0-9+/]" BREAKS ")"
#define FILL "=" BREAKS
#define BASE64_PATTERN "^" BREAKS "(" DIGIT "{4})*(" DIGIT "{2}" FILL FILL "|" DIGIT "{3}" FILL ")?$"

struct describer {
    bool loose; /* null is as good as absent, and numbers may stand in quotes: what protobuf's decoding takes
                 */
    enum schema_of of;
    struct arena *arena;
};

static json_t *describe_object(const struct describer *, const struct field *);

/* ---- scalars ---- */

static json_t *typed(const struct describer *d, const char *type)
{
    return d->loose ? json_pack("{s:[s, s]}", "type", type, "null") : json_pack("{s:s}", "type", type);
}

static json_t *number(const struct describer *d, const char *type, const char *pattern)
{
    if (!d->loose)
        return typed(d, type);
    return json_pack("{s:[s, s, s], s:s}", "type", type, "string", "null", "pattern", pattern);
}

static json_t *pattern(const struct describer *d, const char *regex)
{
    json_t *schema = typed(d, "string");

    json_object_set_new(schema, "pattern", json_string(regex));
    return schema;
}

static json_t *describe_time(const struct describer *d)
{
    json_t *schema = pattern(d, TIME_PATTERN);

    json_object_set_new(schema, "format", json_string("date-time"));
    return schema;
}

static json_t *bounded(json_t *schema, int64_t min, int64_t max)
{
    json_object_set_new(schema, "minimum", json_integer(min));
    if (max)
        json_object_set_new(schema, "maximum", json_integer(max));
    return schema;
}

static json_t *names_list(const struct enum_names *names, bool as_numbers)
{
    json_t *list = json_array();

    for (size_t i = 0; i < names->n; i++) {
        int64_t n;

        if (!names->v[i])
            continue;
        if (as_numbers && str_to_int(str_from_c(names->v[i]), INT64_MIN, INT64_MAX, &n))
            json_array_append_new(list, json_integer(n));
        else
            json_array_append_new(list, json_string(names->v[i]));
    }
    return list;
}

/* By name, or by number: any. */
static json_t *describe_enum(const struct describer *d, const struct enum_names *names)
{
    json_t *named = json_pack("{s:o}", "enum", names_list(names, false));

    return json_pack("{s:[o, o]}", "anyOf", named, bounded(typed(d, "integer"), INT32_MIN, INT32_MAX));
}

/* ---- lists and maps ---- */

static json_t *list_of(const struct describer *d, json_t *items)
{
    json_t *schema = typed(d, "array");

    json_object_set_new(schema, "items", items);
    return schema;
}

static json_t *map_of(const struct describer *d, json_t *values)
{
    json_t *schema = typed(d, "object");

    json_object_set_new(schema, "additionalProperties", values);
    return schema;
}

/* ---- members ---- */

static json_t *describe_kind(const struct describer *d, const struct field *f)
{
    switch (f->kind) {
    case FIELD_STR:
    case FIELD_OPT_STR:
        return typed(d, "string");
    case FIELD_BYTES:
    case FIELD_OPT_BYTES:
        return pattern(d, BASE64_PATTERN);
    case FIELD_BOOL:
    case FIELD_OPT_BOOL:
        return typed(d, "boolean");
    case FIELD_U32:
    case FIELD_OPT_U32:
        return bounded(number(d, "integer", DIGITS_PATTERN), 0, UINT32_MAX);
    case FIELD_U64:
        if (d->of == SCHEMA_SHOWN)
            return pattern(d, DIGITS_PATTERN);
        return bounded(number(d, "integer", DIGITS_PATTERN), 0, 0);
    case FIELD_ENUM:
        return describe_enum(d, f->names);
    case FIELD_OPT_DOUBLE:
    case FIELD_OPT_FLOAT:
        return number(d, "number", NUMBER_PATTERN);
    case FIELD_DURATION:
    case FIELD_SPAN:
        return pattern(d, DURATION_PATTERN);
    case FIELD_TIME:
        return describe_time(d);
    case FIELD_SUB:
    case FIELD_INLINE:
    case FIELD_SPEC:
        return describe_object(d, f->fields);
    case FIELD_FREE:
        return typed(d, "object");
    case FIELD_TAGS:
        return map_of(d, typed(d, "string"));
    case FIELD_STR_LIST:
        return list_of(d, typed(d, "string"));
    case FIELD_BYTES_LIST:
        return list_of(d, pattern(d, BASE64_PATTERN));
    case FIELD_U32_LIST:
        return list_of(d, bounded(number(d, "integer", DIGITS_PATTERN), 0, UINT32_MAX));
    case FIELD_ENUM_LIST:
        return list_of(d, describe_enum(d, f->names));
    case FIELD_LIST:
        return list_of(d, describe_object(d, f->fields));
    case FIELD_MAP:
        return map_of(d, describe_object(d, f->fields));
    case FIELD_CHOICE:
        return json_pack("{s:o}", "enum", names_list(f->names, false));
    case FIELD_INT_OR_STR:
        return json_pack("{s:[s, s, s]}", "type", "integer", "string", "null");
    case FIELD_I32:
    case FIELD_OPT_I32:
        return bounded(typed(d, "integer"), INT32_MIN, INT32_MAX);
    case FIELD_OPT_I64:
        return typed(d, "integer");
    case FIELD_I32_LIST:
        return list_of(d, bounded(typed(d, "integer"), INT32_MIN, INT32_MAX));
    case FIELD_ANY:
        return json_object();
    }
    return json_object();
}

static void put_size(json_t *schema, const char *key, size_t n)
{
    if (n)
        json_object_set_new(schema, key, json_integer((json_int_t)n));
}

static void add_limits(json_t *schema, const struct field *f)
{
    const struct field_limits *limits = f->limits;

    if (!limits)
        return;
    if (limits->bounded)
        bounded(schema, limits->min, limits->max);
    put_size(schema, "minLength", limits->min_len);
    put_size(schema, "maxLength", limits->max_len);
    put_size(schema, "minItems", limits->min_items);
    put_size(schema, "maxItems", limits->max_items);
    if (limits->pattern)
        json_object_set_new(schema, "pattern", json_string(limits->pattern->regex));
    if (limits->one_of)
        json_object_set_new(schema, "enum",
                            names_list(limits->one_of, f->kind != FIELD_STR && f->kind != FIELD_OPT_STR));
}

/* COMPAT: members of which one is meant are no fault side by side. */
static void add_rivals(const struct describer *d, json_t *schema, const struct field *fields,
                       const struct field *f)
{
    struct str names = STR("");

    for (const struct field *rival = fields; f->oneof && rival->name; rival++)
        if (rival->oneof == f->oneof)
            names = arena_printf(d->arena, STR_FMT "%s%s", STR_ARG(names), names.n ? ", " : "", rival->name);
    if (names.n)
        json_object_set_new(schema, "description",
                            json_from_str(arena_printf(d->arena, "Of " STR_FMT " the last one given counts.",
                                                       STR_ARG(names))));
}

static void add_members(const struct describer *d, const struct field *fields, json_t *properties,
                        json_t *required)
{
    for (const struct field *f = fields; f->name; f++) {
        json_t *schema = describe_kind(d, f);

        add_limits(schema, f);
        add_rivals(d, schema, fields, f);
        json_object_set(properties, f->name, schema);
        if (f->alias && d->of != SCHEMA_SHOWN) {
            JSON_AUTO other = json_copy(schema);
            json_object_set_new(other, "deprecated", json_true());
            json_object_set(properties, f->alias, other);
        }
        json_decref(schema);
        if (f->required)
            json_array_append_new(required, json_string(f->name));
    }
}

/* Takes the members. */
static void close_object(const struct describer *d, json_t *schema, json_t *properties, json_t *required)
{
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required))
        json_object_set(schema, "required", required);
    json_decref(required);
    if (d->of == SCHEMA_STRICT)
        json_object_set_new(schema, "additionalProperties", json_false());
}

static json_t *describe_object(const struct describer *d, const struct field *fields)
{
    json_t *schema = typed(d, "object"), *properties = json_object(), *required = json_array();

    add_members(d, fields, properties, required);
    close_object(d, schema, properties, required);
    return schema;
}

static json_t *describe_name(const char *regex)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", regex);
}

/* A time of the control plane's. */
static json_t *describe_stamp(struct arena *a)
{
    const struct describer any = {.loose = true, .arena = a};
    json_t *schema = describe_time(&any);

    json_object_set_new(schema, "description",
                        json_string("Set by the control plane; what a document says is ignored."));
    return schema;
}

/* COMPAT: the case of these keys does not matter when a document is read, so there they may seem to miss. */
static void add_meta(const struct describer *d, const struct res_type_info *info, json_t *properties,
                     json_t *required)
{
    bool of_mesh = info->scope == SCOPE_MESH;

    json_object_set_new(properties, "type", json_pack("{s:o}", "const", json_from_str(info->name)));
    if (of_mesh)
        json_object_set_new(properties, "mesh", describe_name(NAME_PATTERN));
    json_object_set_new(properties, "name",
                        describe_name(info->traits & RES_ADMIN ? SECRET_NAME_PATTERN : NAME_PATTERN));
    json_object_set_new(properties, "creationTime", describe_stamp(d->arena));
    json_object_set_new(properties, "modificationTime", describe_stamp(d->arena));
    if (d->of == SCHEMA_TAKEN)
        return;
    json_array_append_new(required, json_string("type"));
    if (of_mesh)
        json_array_append_new(required, json_string("mesh"));
    json_array_append_new(required, json_string("name"));
}

json_t *resource_schema(enum res_type type, enum schema_of of)
{
    const struct res_type_info *info = res_type_info(type);
    json_t *schema = json_object(), *properties = json_object(), *required = json_array();
    struct arena arena;

    arena_init(&arena);
    const struct describer d = {
        .loose = !(info->traits & RES_TARGET_REF) && of != SCHEMA_SHOWN, .of = of, .arena = &arena};
    json_object_set_new(schema, "title", json_from_str(info->name));
    json_object_set_new(schema, "type", json_string("object"));
    add_meta(&d, info, properties, required);
    add_members(&d, info->fields, properties, required);
    close_object(&d, schema, properties, required);
    arena_fini(&arena);
    return schema;
}
