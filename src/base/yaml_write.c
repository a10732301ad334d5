/* yaml_write.c -- jansson trees as block-style YAML. Strings that would read back as something else are
 * quoted. */
#include "ursa/base/yaml.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "ursa/base/alloc.h"
#include "ursa/base/buf.h"
#include "ursa/base/json.h"
#include "yaml_scalar.h"

/* libyaml's emitter keeps an error and refuses what follows, so the result is checked once, at the end. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    yaml_emitter_emit(emitter, event);
}

static void emit_scalar(yaml_emitter_t *emitter, struct str text, yaml_scalar_style_t style)
{
    yaml_event_t event;

    if (yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)(text.p ? text.p : ""),
                                     (int)text.n, 1, 1, style))
        emit(emitter, &event);
}

static void emit_string(yaml_emitter_t *emitter, struct str text)
{
    JSON_AUTO plain = yaml_scalar_resolve(text);
    yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE; /* the emitter quotes where syntax demands it */

    if (!json_is_string(plain) || str_eq(text, STR("<<"))) /* which would be a merge key */
        style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    else if (str_chr(text, '\n') < text.n)
        style = YAML_LITERAL_SCALAR_STYLE;
    emit_scalar(emitter, text, style);
}

static void emit_node(yaml_emitter_t *emitter, const json_t *v)
{
    char number[JSON_REAL_TEXT];
    yaml_event_t event;

    switch (json_typeof(v)) {
    case JSON_OBJECT: {
        /* jansson's iterators take a mutable object and only read it. */
        json_t *object = (json_t *)(uintptr_t)v;

        if (yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE))
            emit(emitter, &event);
        for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
            emit_string(emitter, str_from(json_object_iter_key(at), json_object_iter_key_len(at)));
            emit_node(emitter, json_object_iter_value(at));
        }
        if (yaml_mapping_end_event_initialize(&event))
            emit(emitter, &event);
        break;
    }
    case JSON_ARRAY:
        if (yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE))
            emit(emitter, &event);
        for (size_t i = 0; i < json_array_size(v); i++)
            emit_node(emitter, json_array_get(v, i));
        if (yaml_sequence_end_event_initialize(&event))
            emit(emitter, &event);
        break;
    case JSON_STRING:
        emit_string(emitter, json_str(v));
        break;
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        emit_scalar(emitter, str_from_c(number), YAML_PLAIN_SCALAR_STYLE);
        break;
    case JSON_REAL:
        json_real_text(json_real_value(v), number);
        emit_scalar(emitter, str_from_c(number), YAML_PLAIN_SCALAR_STYLE);
        break;
    case JSON_TRUE:
        emit_scalar(emitter, STR("true"), YAML_PLAIN_SCALAR_STYLE);
        break;
    case JSON_FALSE:
        emit_scalar(emitter, STR("false"), YAML_PLAIN_SCALAR_STYLE);
        break;
    case JSON_NULL:
        emit_scalar(emitter, STR("null"), YAML_PLAIN_SCALAR_STYLE);
        break;
    }
}

static int write_out(void *out, unsigned char *p, size_t n)
{
    buf_add(out, p, n);
    return 1;
}

struct str yaml_format(struct arena *a, const json_t *v)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    struct buf out;

    buf_init(&out, SIZE_MAX / 2); /* a tree in memory is bounded already */
    if (!yaml_emitter_initialize(&emitter))
        die_no_memory(sizeof(emitter));
    yaml_emitter_set_output(&emitter, write_out, &out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    if (yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING))
        emit(&emitter, &event);
    if (yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1))
        emit(&emitter, &event);
    emit_node(&emitter, v);
    if (yaml_document_end_event_initialize(&event, 1))
        emit(&emitter, &event);
    if (yaml_stream_end_event_initialize(&event))
        emit(&emitter, &event);
    yaml_emitter_flush(&emitter);
    if (emitter.error == YAML_MEMORY_ERROR)
        die_no_memory(out.n);
    yaml_emitter_delete(&emitter);
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}
