/* yaml.c -- YAML to jansson trees over libyaml's events, with every bound checked as they arrive. */
#include "ursa/base/yaml.h"

#include <string.h>
#include <yaml.h>

#include "ursa/base/json.h"
#include "ursa/base/vec.h"
#include "yaml_scalar.h"

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
    size_t n_values, max_values;
    size_t max_keys; /* of one mapping */
    struct err *err;
};

static struct text_pos pos_of(yaml_mark_t mark)
{
    return (struct text_pos){.line = mark.line + 1, .column = mark.column + 1};
}

PRINTF_LIKE(3, 4) static enum err_kind fail(struct reader *r, yaml_mark_t mark, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    struct str what = arena_vprintf(r->err->arena, fmt, args);
    va_end(args);
    struct text_pos pos = pos_of(mark);

    return err_set(r->err, ERR_MALFORMED, "line %zu, column %zu: " STR_FMT, pos.line, pos.column,
                   STR_ARG(what));
}

static void drop_event(struct reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = false;
}

static enum err_kind next_event(struct reader *r)
{
    drop_event(r);
    if (yaml_parser_parse(&r->parser, &r->event)) {
        r->has_event = true;
        return ERR_NONE;
    }
    const yaml_parser_t *p = &r->parser;

    if (p->error == YAML_MEMORY_ERROR)
        return err_set(r->err, ERR_LIMIT, "out of memory while reading YAML");
    /* A reader's fault (bad UTF-8, control characters) has no mark of its own, only the place reached. */
    return fail(r, p->error == YAML_READER_ERROR ? p->mark : p->problem_mark, "%s%s%s",
                p->context ? p->context : "", p->context ? ": " : "", p->problem ? p->problem : "not YAML");
}

#define CORE_TAG "tag:yaml.org,2002:"

static struct str text_of(const yaml_event_t *event)
{
    return str_from(event->data.scalar.value, event->data.scalar.length);
}

static const yaml_char_t *tag_of(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.tag;
    return event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.tag
                                                   : event->data.sequence_start.tag;
}

/* The part behind CORE_TAG; "" when there is no tag, "str" for the tag "!"; NULL when it is not a core tag.
 */
static const char *core_tag(const yaml_event_t *event)
{
    const char *tag = (const char *)tag_of(event);

    if (!tag)
        return "";
    if (strcmp(tag, "!") == 0)
        return event->type == YAML_SCALAR_EVENT ? "str" : "";
    return strncmp(tag, CORE_TAG, strlen(CORE_TAG)) == 0 ? tag + strlen(CORE_TAG) : NULL;
}

static bool tag_fits(const char *tag, const json_t *v)
{
    if (strcmp(tag, "null") == 0)
        return json_is_null(v);
    if (strcmp(tag, "bool") == 0)
        return json_is_boolean(v);
    if (strcmp(tag, "int") == 0)
        return json_is_integer(v);
    return strcmp(tag, "float") == 0 && json_is_real(v);
}

/* What can be wrong with a scalar before its value is looked at; its core tag. */
static enum err_kind check_scalar(struct reader *r, const char **tag)
{
    const yaml_event_t *ev = &r->event;
    struct str text = text_of(ev);

    if (str_chr(text, '\0') < text.n)
        return fail(r, ev->start_mark, "a NUL character is not allowed");
    *tag = core_tag(ev);
    if (!*tag)
        return fail(r, ev->start_mark, "the tag %s is not supported", (const char *)ev->data.scalar.tag);
    return ERR_NONE;
}

static bool is_text(const yaml_event_t *ev, const char *tag)
{
    return strcmp(tag, "str") == 0 ||
           (tag[0] == '\0' && (!ev->data.scalar.plain_implicit || yaml_scalar_is_plain_text(text_of(ev))));
}

/* The value of a scalar that check_scalar() has let pass. */
static enum err_kind read_scalar(struct reader *r, const char *tag, json_t **out)
{
    const yaml_event_t *ev = &r->event;
    struct str text = text_of(ev);

    if (is_text(ev, tag)) {
        *out = json_from_str(text);
        return ERR_NONE;
    }
    JSON_AUTO value = yaml_scalar_resolve(text);

    if (!value)
        return fail(r, ev->start_mark, "JSON cannot hold the number " STR_FMT, STR_ARG(text));
    if (strcmp(tag, "float") == 0 && json_is_integer(value)) {
        *out = json_real((double)json_integer_value(value));
        return ERR_NONE;
    }
    if (tag[0] != '\0' && !tag_fits(tag, value))
        return fail(r, ev->start_mark, "\"" STR_FMT "\" does not fit its tag !!%s", STR_ARG(text), tag);
    *out = json_incref(value);
    return ERR_NONE;
}

static enum err_kind read_node(struct reader *r, size_t depth, json_t **out);

static enum err_kind read_sequence(struct reader *r, size_t depth, json_t *array)
{
    for (;;) {
        json_t *item = NULL;

        if (next_event(r))
            return r->err->kind;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return ERR_NONE;
        if (read_node(r, depth, &item))
            return r->err->kind;
        json_array_append_new(array, item);
    }
}

/* The text of a key, as JSON wants one: that of the value it stands for. */
static enum err_kind read_key(struct reader *r, struct str *key)
{
    char real[JSON_REAL_TEXT];

    if (r->event.type != YAML_SCALAR_EVENT)
        return fail(r, r->event.start_mark,
                    r->event.type == YAML_ALIAS_EVENT ? "aliases are not supported"
                                                      : "a key must be a scalar");
    if (str_eq(text_of(&r->event), STR("<<")) && r->event.data.scalar.plain_implicit)
        return fail(r, r->event.start_mark, "merge keys are not supported");
    JSON_AUTO value = NULL;
    struct arena *a = r->err->arena;
    const char *tag;

    if (check_scalar(r, &tag))
        return r->err->kind;
    if (is_text(&r->event, tag)) { /* nearly all keys: no tree for them */
        *key = arena_str(a, text_of(&r->event));
        return ERR_NONE;
    }
    if (read_scalar(r, tag, &value))
        return r->err->kind;
    switch (json_typeof(value)) {
    case JSON_STRING:
        *key = arena_str(a, json_str(value));
        return ERR_NONE;
    case JSON_INTEGER:
        *key = arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return ERR_NONE;
    case JSON_REAL:
        json_real_text(json_real_value(value), real);
        *key = arena_str(a, str_from_c(real));
        return ERR_NONE;
    case JSON_TRUE:
        *key = STR("true");
        return ERR_NONE;
    case JSON_FALSE:
        *key = STR("false");
        return ERR_NONE;
    case JSON_NULL:
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    return fail(r, r->event.start_mark, "a key must not be null");
}

static enum err_kind read_mapping(struct reader *r, size_t depth, json_t *object)
{
    size_t n_keys = 0;

    for (;;) {
        struct str key = STR_NONE;
        json_t *value = NULL;

        if (next_event(r))
            return r->err->kind;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return ERR_NONE;
        if (read_key(r, &key))
            return r->err->kind;
        yaml_mark_t mark = r->event.start_mark;

        if (next_event(r) || read_node(r, depth, &value))
            return r->err->kind;
        json_object_setn_new_nocheck(object, key.p, key.n, value); /* libyaml has checked that it is UTF-8 */
        if (json_object_size(object) != ++n_keys)
            return fail(r, mark, "the key \"" STR_FMT "\" is given twice", STR_ARG(key));
        if (n_keys > r->max_keys)
            return fail(r, mark, "more than %zu keys in one mapping", r->max_keys);
    }
}

/* Reads the node that begins with the current event. */
static enum err_kind read_node(struct reader *r, size_t depth, json_t **out)
{
    yaml_event_type_t type = r->event.type;
    yaml_mark_t mark = r->event.start_mark;
    const char *tag;

    if (++r->n_values > r->max_values)
        return fail(r, mark, "more than %zu values", r->max_values);
    if (type == YAML_ALIAS_EVENT)
        return fail(r, mark, "aliases are not supported");
    if (type == YAML_SCALAR_EVENT)
        return check_scalar(r, &tag) ? r->err->kind : read_scalar(r, tag, out);
    if (depth == YAML_MAX_DEPTH)
        return fail(r, mark, "nested more than %d levels deep", YAML_MAX_DEPTH);
    tag = core_tag(&r->event);
    bool mapping = type == YAML_MAPPING_START_EVENT;

    if (!tag || (tag[0] != '\0' && strcmp(tag, mapping ? "map" : "seq") != 0))
        return fail(r, mark, "the tag %s is not supported here", (const char *)tag_of(&r->event));
    JSON_AUTO node = mapping ? json_object() : json_array();

    if (mapping ? read_mapping(r, depth + 1, node) : read_sequence(r, depth + 1, node))
        return r->err->kind;
    *out = json_incref(node);
    return ERR_NONE;
}

static bool is_empty_node(const yaml_event_t *ev)
{
    return ev->type == YAML_SCALAR_EVENT && ev->data.scalar.length == 0 && ev->data.scalar.plain_implicit &&
           ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !ev->data.scalar.anchor;
}

struct docs VEC(struct yaml_doc);

static enum err_kind read_stream(struct reader *r, size_t max, struct docs *docs)
{
    for (;;) {
        if (next_event(r))
            return r->err->kind;
        if (r->event.type == YAML_STREAM_END_EVENT)
            return ERR_NONE;
        if (r->event.type != YAML_DOCUMENT_START_EVENT)
            continue;
        if (next_event(r))
            return r->err->kind;
        if (is_empty_node(&r->event))
            continue;
        struct yaml_doc doc = {.pos = pos_of(r->event.start_mark)};

        if (docs->n == max)
            return fail(r, r->event.start_mark, "more than %zu documents", max);
        if (read_node(r, 0, &doc.root))
            return r->err->kind;
        VEC_PUSH(docs, doc);
    }
}

enum err_kind yaml_parse(struct str text, size_t max, struct yaml_doc **out, size_t *n, struct err *e)
{
    struct reader r = {.max_values = json_max_values(text.n), .max_keys = json_max_keys(text.n), .err = e};
    struct docs docs = {0};

    *out = NULL;
    *n = 0;
    if (!yaml_parser_initialize(&r.parser))
        return err_set(e, ERR_LIMIT, "out of memory while reading YAML");
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);

    enum err_kind kind = read_stream(&r, max, &docs);

    drop_event(&r);
    yaml_parser_delete(&r.parser);
    if (kind == ERR_NONE && docs.n > 0) {
        *out = ARENA_ARRAY(e->arena, struct yaml_doc, docs.n);
        memcpy(*out, docs.v, docs.n * sizeof(docs.v[0]));
        *n = docs.n;
    }
    for (size_t i = 0; kind != ERR_NONE && i < docs.n; i++)
        json_decref(docs.v[i].root);
    VEC_FINI(&docs);
    return kind;
}
