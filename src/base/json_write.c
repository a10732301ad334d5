/* json_write.c -- JSON as Go's encoding/json writes it: numbers, escapes, kuma-cp's indented shape. */
#include "ursa/base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/buf.h"

struct writer {
    struct buf *out;
    bool pretty, sorted;
};

/* The shortest digits that read back as 'v', laid out as Go does: plain from 1e-6 up to 1e21. */
void json_real_text(double v, char text[JSON_REAL_TEXT])
{
    char digits[32]; /* d.ddde+xx */
    int precision = 0;

    assert(isfinite(v));
    v += 0.0; /* no negative zero, which would read back as the integer 0 */
    do
        snprintf(digits, sizeof(digits), "%.*e", precision, v);
    while (strtod(digits, NULL) != v && ++precision < 17);

    const char *sign = digits[0] == '-' ? "-" : "";
    char *mantissa = digits + strlen(sign);
    char *e = strchr(mantissa, 'e');
    assert(e);
    int exponent = (int)strtol(e + 1, NULL, 10);

    *e = '\0';
    if (v != 0 && (exponent < -6 || exponent >= 21)) {
        snprintf(text, JSON_REAL_TEXT, "%s%se%+d", sign, mantissa, exponent);
        return;
    }
    /* Without the point the digits mean 0.ddd * 10^(exponent + 1). */
    if (mantissa[1] == '.')
        memmove(mantissa + 1, mantissa + 2, strlen(mantissa + 2) + 1);
    int n = (int)strlen(mantissa), whole = exponent + 1;

    if (whole <= 0)
        snprintf(text, JSON_REAL_TEXT, "%s0.%.*s%s", sign, -whole, "000000", mantissa);
    else if (whole >= n)
        snprintf(text, JSON_REAL_TEXT, "%s%s%.*s", sign, mantissa, whole - n, "00000000000000000000");
    else
        snprintf(text, JSON_REAL_TEXT, "%s%.*s.%s", sign, whole, mantissa, mantissa + whole);
}

void json_write_string(struct buf *out, struct str s)
{
    buf_add_byte(out, '"');
    for (size_t plain = 0; plain < s.n;) {
        size_t i = plain;

        while (i < s.n && (unsigned char)s.p[i] >= 0x20 && s.p[i] != '"' && s.p[i] != '\\' &&
               s.p[i] != '\xe2')
            i++;
        buf_add(out, s.p + plain, i - plain);
        plain = i + 1;
        if (i == s.n)
            break;
        unsigned char c = (unsigned char)s.p[i];
        struct str rest = str_slice(s, i, s.n);

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n' || c == '\r' || c == '\t')
            buf_printf(out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else if (str_has_prefix(rest, STR("\u2028")) || str_has_prefix(rest, STR("\u2029"))) {
            /* They end a line in JavaScript. */
            buf_printf(out, "\\u202%c", s.p[i + 2] == '\xa8' ? '8' : '9');
            plain = i + 3;
        } else
            buf_add_byte(out, c);
    }
    buf_add_byte(out, '"');
}

/* A new line, indented by one blank a level. */
static void line_break(struct buf *out, size_t level)
{
    static const char blanks[] = "                                                                      ";

    buf_add_byte(out, '\n');
    for (size_t n; level > 0; level -= n) {
        n = level < sizeof(blanks) ? level : sizeof(blanks) - 1;
        buf_add(out, blanks, n);
    }
}

static void write_break(struct writer *w, size_t level)
{
    if (w->pretty)
        line_break(w->out, level);
}

static void write_value(struct writer *w, const json_t *v, size_t level);

static void write_array(struct writer *w, const json_t *v, size_t level)
{
    size_t n = json_array_size(v);

    buf_add_byte(w->out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_add_byte(w->out, ',');
        write_break(w, level + 1);
        write_value(w, json_array_get(v, i), level + 1);
    }
    if (n > 0)
        write_break(w, level);
    buf_add_byte(w->out, ']');
}

struct member {
    struct str key;
    const json_t *value;
};

static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    return str_cmp(x->key, y->key);
}

static void write_object(struct writer *w, const json_t *v, size_t level)
{
    /* jansson's iterators take a mutable object and only read it. */
    json_t *object = (json_t *)(uintptr_t)v;
    size_t n = json_object_size(v), i = 0;
    struct member *members = xcalloc(n, sizeof(members[0]));

    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
        members[i++] =
            (struct member){.key = str_from(json_object_iter_key(at), json_object_iter_key_len(at)),
                            .value = json_object_iter_value(at)};
    if (w->sorted)
        qsort(members, n, sizeof(members[0]), by_key);
    buf_add_byte(w->out, '{');
    for (i = 0; i < n; i++) {
        if (i > 0)
            buf_add_byte(w->out, ',');
        write_break(w, level + 1);
        json_write_string(w->out, members[i].key);
        buf_add_str(w->out, w->pretty ? STR(": ") : STR(":"));
        write_value(w, members[i].value, level + 1);
    }
    if (n > 0)
        write_break(w, level);
    buf_add_byte(w->out, '}');
    free(members);
}

static void write_value(struct writer *w, const json_t *v, size_t level)
{
    char real[JSON_REAL_TEXT];

    if (!v) {
        buf_add_str(w->out, STR("null"));
        return;
    }
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        write_object(w, v, level);
        break;
    case JSON_ARRAY:
        write_array(w, v, level);
        break;
    case JSON_STRING:
        json_write_string(w->out, json_str(v));
        break;
    case JSON_INTEGER:
        buf_printf(w->out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL:
        json_real_text(json_real_value(v), real);
        buf_add_str(w->out, str_from_c(real));
        break;
    case JSON_TRUE:
        buf_add_str(w->out, STR("true"));
        break;
    case JSON_FALSE:
        buf_add_str(w->out, STR("false"));
        break;
    case JSON_NULL:
        buf_add_str(w->out, STR("null"));
        break;
    }
}

/* ---- from a tree ---- */

static struct str format(struct arena *a, const json_t *v, bool sorted)
{
    struct buf out;
    struct writer w = {.out = &out, .sorted = sorted};

    buf_init(&out, SIZE_MAX / 2); /* a tree in memory is bounded already */
    write_value(&w, v, 0);
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

struct str json_format(struct arena *a, const json_t *v)
{
    return format(a, v, false);
}

struct str json_format_canonical(struct arena *a, const json_t *v)
{
    return format(a, v, true);
}

void json_write_pretty(struct buf *out, const json_t *v, size_t level)
{
    struct writer w = {.out = out, .pretty = true};

    write_value(&w, v, level);
}

struct str json_format_pretty(struct arena *a, const json_t *v)
{
    struct buf out;

    buf_init(&out, SIZE_MAX / 2);
    json_write_pretty(&out, v, 0);
    buf_add_byte(&out, '\n');
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

/* ---- from text ---- */

/* Lays out text in the room that a buffer has. An answer is thousands of pieces of a few bytes each, so
 * pieces are copied by a fixed size where they fit, which takes no call. */
struct layout {
    struct buf *out;
    uint8_t *to, *end; /* the room; NULL when there is none yet, or no more */
    struct str text;
    size_t start; /* of what is not copied yet */
};

#define PIECE 16 /* bytes */

static void layout_end(struct layout *l)
{
    if (l->to)
        buf_grown(l->out, (size_t)(l->to - l->out->p) - l->out->n);
    l->to = l->end = NULL;
}

/* Room for n bytes, and a piece more where the buffer's cap allows it. */
static bool layout_more(struct layout *l, size_t n)
{
    struct buf *out = l->out;

    layout_end(l);
    l->to = buf_room(out, n);
    if (!l->to)
        return false;
    size_t room = out->size - out->n - 1, allowed = out->cap - out->n;
    l->end = l->to + (room < allowed ? room : allowed);
    return true;
}

static inline size_t layout_room(const struct layout *l)
{
    return (size_t)(l->end - l->to);
}

/* Copies up to 'end'. */
static inline void layout_copy(struct layout *l, size_t end)
{
    size_t n = end - l->start;
    const char *from = l->text.p + l->start;

    if (layout_room(l) < n && !layout_more(l, n))
        return;
    if (n <= PIECE && layout_room(l) >= PIECE && l->text.n - l->start >= PIECE)
        memcpy(l->to, from, PIECE);
    else if (n > 0)
        memcpy(l->to, from, n);
    l->to += n;
    l->start = end;
}

static inline void layout_break(struct layout *l, size_t level)
{
    if (layout_room(l) < level + 1 && !layout_more(l, level + 1))
        return;
    *l->to++ = '\n';
    if (level <= PIECE && layout_room(l) >= PIECE)
        memcpy(l->to, "                ", PIECE);
    else
        memset(l->to, ' ', level);
    l->to += level;
}

static inline void layout_blank(struct layout *l)
{
    if (layout_room(l) > 0 || layout_more(l, 1))
        *l->to++ = ' ';
}

/* Behind the closing quote of the string that begins at 'i'. */
static size_t string_end(struct str text, size_t i)
{
    const char *quote = memchr(text.p + i + 1, '"', text.n - i - 1);

    if (quote && quote[-1] != '\\')
        return (size_t)(quote - text.p) + 1;
    for (i++; i < text.n && text.p[i] != '"'; i++)
        i += text.p[i] == '\\';
    return i + 1;
}

void json_indent(struct buf *out, struct str text, size_t level)
{
    struct layout l = {.out = out, .text = text};

    for (size_t i = 0; i < text.n;) {
        char c = text.p[i], next = i + 1 < text.n ? text.p[i + 1] : '\0';

        switch (c) {
        case '"':
            i = string_end(text, i);
            break;
        case '{':
        case '[':
            if (next == '}' || next == ']') {
                i += 2;
                break;
            }
            layout_copy(&l, ++i);
            layout_break(&l, ++level);
            break;
        case ',':
            layout_copy(&l, ++i);
            layout_break(&l, level);
            break;
        case ':':
            layout_copy(&l, ++i);
            layout_blank(&l);
            break;
        case '}':
        case ']':
            layout_copy(&l, i++);
            layout_break(&l, --level);
            break;
        default:
            i++;
        }
    }
    layout_copy(&l, text.n);
    layout_end(&l);
}
