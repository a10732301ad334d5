/* shape.c -- see shape.h. */
#include "shape.h"

#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

static const struct {
    struct str name, shape;
} shapes[] = {
#define SHAPE(name, shape) {STR_INIT(#name), STR_INIT(shape)},
#include "shapes.def"
#undef SHAPE
};

/* ---- words ---- */

static const char *const json_types[] = {"string", "integer", "number", "boolean", "object", "array", "null"};

static bool is_json_type(struct str word)
{
    for (size_t i = 0; i < ARRAY_LEN(json_types); i++)
        if (str_eq(word, str_from_c(json_types[i])))
            return true;
    return false;
}

static json_t *word_to_schema(struct str word)
{
    if (str_eq(word, STR("any")))
        return json_object();
    if (str_eq(word, STR("time")))
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    if (str_eq(word, STR("duration")))
        return json_pack("{s:s, s:s}", "type", "string", "pattern", DURATION_PATTERN);
    if (str_has_prefix(word, STR("$")))
        return json_pack("{s:o}", "$ref",
                         json_sprintf(SHAPE_REF STR_FMT, STR_ARG(str_slice(word, 1, word.n))));
    return json_pack("{s:o}", is_json_type(word) ? "type" : "const", json_from_str(word));
}

/* Types alone, or words alone, make one keyword; what is mixed is any of its parts. */
static json_t *words_to_schema(struct str text)
{
    struct str rest = text, word;
    json_t *types = json_array(), *words = json_array(), *all = json_array(), *schema = json_object();
    size_t n = 0;

    for (; str_next(&rest, '|', &word); n++) {
        json_t *one = word_to_schema(word);

        if (json_get(one, "type") && json_object_size(one) == 1)
            json_array_append(types, json_get(one, "type"));
        if (json_get(one, "const"))
            json_array_append(words, json_get(one, "const"));
        json_array_append_new(all, one);
    }
    if (n == 1)
        json_object_update(schema, json_array_get(all, 0));
    else if (json_array_size(types) == n)
        json_object_set(schema, "type", types);
    else if (json_array_size(words) == n)
        json_object_set(schema, "enum", words);
    else
        json_object_set(schema, "anyOf", all);
    json_decref(types);
    json_decref(words);
    json_decref(all);
    return schema;
}

/* ---- objects and arrays ---- */

static bool add_member(json_t *schema, struct str key, const json_t *shape, struct err *e)
{
    json_t *member = shape_to_schema(shape, e);
    bool optional = str_has_suffix(key, STR("?"));
    const char *name = arena_cstr(e->arena, optional ? str_slice(key, 0, key.n - 1) : key);

    if (!member)
        return false;
    if (str_has_prefix(key, STR("("))) {
        json_object_set_new(schema, "additionalProperties", member);
        return true;
    }
    json_object_set_new(json_object_get(schema, "properties"), name, member);
    if (!optional)
        json_array_append_new(json_object_get(schema, "required"), json_string(name));
    return true;
}

static void drop_if_empty(json_t *schema, const char *key)
{
    json_t *v = json_object_get(schema, key);

    if (json_object_size(v) + json_array_size(v) == 0)
        json_object_del(schema, key);
}

static json_t *object_to_schema(const json_t *shape, struct err *e)
{
    json_t *o = (json_t *)(uintptr_t)shape; /* jansson's iterators only read it */
    json_t *schema = json_pack("{s:s, s:{}, s:[]}", "type", "object", "properties", "required");

    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it))
        if (!add_member(schema, json_key_str(json_object_iter_key(it)), json_object_iter_value(it), e)) {
            json_decref(schema);
            return NULL;
        }
    drop_if_empty(schema, "properties");
    drop_if_empty(schema, "required");
    return schema;
}

static json_t *array_to_schema(const json_t *shape, struct err *e)
{
    json_t *items;

    if (json_array_size(shape) != 1) {
        err_set(e, ERR_INVALID, "an array has one shape for all its items");
        return NULL;
    }
    items = shape_to_schema(json_array_get(shape, 0), e);
    return items ? json_pack("{s:s, s:o}", "type", "array", "items", items) : NULL;
}

/* ---- all ---- */

json_t *shape_to_schema(const json_t *shape, struct err *e)
{
    if (json_is_object(shape))
        return object_to_schema(shape, e);
    if (json_is_array(shape))
        return array_to_schema(shape, e);
    if (json_is_string(shape))
        return words_to_schema(json_str(shape));
    if (json_is_null(shape))
        return words_to_schema(STR("null"));
    err_set(e, ERR_INVALID, "a shape is a word, an object or an array");
    return NULL;
}

json_t *shape_parse(struct str text, struct err *e)
{
    struct yaml_doc *docs;
    json_t *schema = NULL;
    size_t n;

    if (yaml_parse(text, 1, &docs, &n, e) != ERR_NONE)
        return NULL;
    if (n == 1) {
        schema = shape_to_schema(docs[0].root, e);
        json_decref(docs[0].root);
    } else {
        err_set(e, ERR_INVALID, "there is no shape");
    }
    return schema;
}

json_t *shape_find(struct str name, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        if (str_eq(name, shapes[i].name))
            return shape_parse(shapes[i].shape, e);
    return NULL;
}

enum err_kind shape_add_all(json_t *schemas, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        json_t *schema = shape_parse(shapes[i].shape, e);

        if (!schema) {
            err_add_context(e, "shapes.def, " STR_FMT, STR_ARG(shapes[i].name));
            return e->kind;
        }
        json_object_set_new(schemas, arena_cstr(e->arena, shapes[i].name), schema);
    }
    return ERR_NONE;
}
