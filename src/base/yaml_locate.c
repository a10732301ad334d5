/* yaml_locate.c -- finds the line of a field that a check found fault with. Only faults pay for it. */
#include "ursa/base/yaml.h"

#include <string.h>
#include <yaml.h>

#include "ursa/base/buf.h"

struct finder {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    struct str path;     /* what is left of it */
    struct text_pos pos; /* of the deepest part found so far */
};

/* One step of a path: a name or key, or an index. */
struct step {
    bool is_index;
    uint64_t index;
    struct buf name;
};

static bool next_event(struct finder *f)
{
    if (f->has_event)
        yaml_event_delete(&f->event);
    f->has_event = yaml_parser_parse(&f->parser, &f->event) == 1;
    return f->has_event;
}

static void found_here(struct finder *f)
{
    f->pos =
        (struct text_pos){.line = f->event.start_mark.line + 1, .column = f->event.start_mark.column + 1};
}

/* Undoes buf_add_quoted()'s work of what follows the first quote; returns how much was read, the last quote
 * included, or 0 when there is none. */
static size_t unquote(struct str s, struct buf *out)
{
    static const char codes[] = "abtnvfr";

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            return i + 1;
        if (s.p[i] != '\\' || i + 1 == s.n) {
            buf_add_byte(out, (uint8_t)s.p[i]);
            continue;
        }
        char c = s.p[++i];
        const char *code = c ? strchr(codes, c) : NULL;

        if (c == 'x' || c == 'u') {
            unsigned value = 0;
            size_t digits = c == 'x' ? 2 : 4;

            for (; digits > 0 && i + 1 < s.n; digits--) {
                char d = s.p[++i];

                value = value << 4 | (unsigned)(d <= '9' ? d - '0' : (d | 0x20) - 'a' + 10);
            }
            if (c == 'u')
                buf_add_byte(out, 0xc2); /* it writes \u for U+0080 to U+009F only */
            buf_add_byte(out, (uint8_t)value);
        } else {
            buf_add_byte(out, code ? (uint8_t)(7 + (code - codes)) : (uint8_t)c);
        }
    }
    return 0;
}

/* Cuts the first step off 'path'; false at its end and for what is no path. */
static bool next_step(struct str *path, struct step *step)
{
    struct str s = *path;

    buf_clear(&step->name);
    step->is_index = false;
    if (str_has_prefix(s, STR("[\""))) {
        size_t n = unquote(str_slice(s, 2, s.n), &step->name);

        if (n == 0)
            return false;
        *path = str_slice(s, 2 + n + 1, s.n);
        return true;
    }
    if (str_has_prefix(s, STR("["))) {
        size_t end = str_chr(s, ']');

        step->is_index = true;
        *path = str_slice(s, end + 1, s.n);
        return str_to_uint(str_slice(s, 1, end), UINT64_MAX, &step->index);
    }
    if (str_has_prefix(s, STR(".")))
        s = str_slice(s, 1, s.n);
    size_t end = 0;

    while (end < s.n && s.p[end] != '.' && s.p[end] != '[')
        end++;
    buf_add_str(&step->name, str_slice(s, 0, end));
    *path = str_slice(s, end, s.n);
    return end > 0;
}

/* Reads to the end of the node that begins with the current event. */
static bool skip_node(struct finder *f)
{
    size_t depth = 0;

    for (;;) {
        yaml_event_type_t type = f->event.type;

        if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
            depth++;
        if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT)
            depth--;
        if (depth == 0)
            return true;
        if (!next_event(f))
            return false;
    }
}

/* Keys that are not strings go by the text of their value, as yaml_parse has it; the usual ones are their
 * own. */
static bool key_is(const yaml_event_t *ev, struct str name)
{
    return ev->type == YAML_SCALAR_EVENT &&
           str_eq(str_from(ev->data.scalar.value, ev->data.scalar.length), name);
}

/* Moves to the value of the key 'name' in the mapping that the current event opens. */
static bool enter_key(struct finder *f, struct str name)
{
    while (next_event(f) && f->event.type != YAML_MAPPING_END_EVENT) {
        bool hit = key_is(&f->event, name);

        if (hit)
            found_here(f);
        if (!skip_node(f) || !next_event(f))
            return false;
        if (hit)
            return true;
        if (!skip_node(f))
            return false;
    }
    return false;
}

/* Moves to the item 'index' of the sequence that the current event opens. */
static bool enter_index(struct finder *f, uint64_t index)
{
    while (next_event(f) && f->event.type != YAML_SEQUENCE_END_EVENT) {
        if (index-- == 0) {
            found_here(f);
            return true;
        }
        if (!skip_node(f))
            return false;
    }
    return false;
}

/* Moves to the root of document 'doc', counted as yaml_parse counts: without the empty ones. */
static bool enter_document(struct finder *f, size_t doc)
{
    while (next_event(f) && f->event.type != YAML_STREAM_END_EVENT) {
        if (f->event.type != YAML_DOCUMENT_START_EVENT)
            continue;
        if (!next_event(f))
            return false;
        const yaml_event_t *ev = &f->event;
        bool empty =
            ev->type == YAML_SCALAR_EVENT && ev->data.scalar.length == 0 && ev->data.scalar.plain_implicit;

        if (empty)
            continue;
        if (doc-- == 0) {
            found_here(f);
            return true;
        }
        if (!skip_node(f))
            return false;
    }
    return false;
}

struct text_pos yaml_locate(struct str text, size_t doc, struct str path)
{
    struct finder f = {.path = path};
    struct step step = {0};

    if (!yaml_parser_initialize(&f.parser))
        return f.pos;
    yaml_parser_set_encoding(&f.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&f.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    buf_init(&step.name, path.n);

    bool going = enter_document(&f, doc);

    while (going && next_step(&f.path, &step)) {
        if (step.is_index)
            going = f.event.type == YAML_SEQUENCE_START_EVENT && enter_index(&f, step.index);
        else
            going = f.event.type == YAML_MAPPING_START_EVENT && enter_key(&f, buf_str(&step.name));
    }
    if (f.has_event)
        yaml_event_delete(&f.event);
    yaml_parser_delete(&f.parser);
    buf_fini(&step.name);
    return f.pos;
}

/* ---- places in messages ---- */

/* Cuts "<label>N" off the front; false when it does not begin so. */
static bool take_number(struct str *rest, struct str label, size_t *n)
{
    size_t end = label.n;
    uint64_t number;

    if (!str_has_prefix(*rest, label))
        return false;
    while (end < rest->n && rest->p[end] >= '0' && rest->p[end] <= '9')
        end++;
    if (!str_to_uint(str_slice(*rest, label.n, end), SIZE_MAX, &number))
        return false;
    *n = (size_t)number;
    *rest = str_slice(*rest, end, rest->n);
    return true;
}

bool text_pos_take(struct str *text, struct text_pos *pos)
{
    struct text_pos found;
    struct str rest = *text;

    if (!take_number(&rest, STR("line "), &found.line) ||
        !take_number(&rest, STR(", column "), &found.column) || !str_has_prefix(rest, STR(": ")))
        return false;
    *pos = found;
    *text = str_slice(rest, 2, rest.n);
    return true;
}
