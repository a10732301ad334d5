/* json_build.c -- a tree from text whose syntax json_check.c has found right.
 *
 * Done here and not by jansson's own reader, which takes each byte through its UTF-8 decoder and a token
 * buffer: that was half of the time that starting on a large store took. Go reads two things that it refuses:
 * integers that int64 cannot hold, and halves of surrogate pairs. */
#include "json_check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/buf.h"
#include "ursa/base/json.h"

struct builder {
    struct str text;
    size_t at;
    struct buf scratch; /* a string without its escapes, a number with a NUL */
    struct json_fault *fault;
};

/* Always false. */
static bool refuse(struct builder *b, const char *what)
{
    b->fault->at = b->at;
    snprintf(b->fault->what, sizeof(b->fault->what), "%s", what);
    return false;
}

static char peek(const struct builder *b)
{
    return b->text.p[b->at];
}

static void skip_blanks(struct builder *b)
{
    while (b->at < b->text.n && (peek(b) == ' ' || peek(b) == '\t' || peek(b) == '\r' || peek(b) == '\n'))
        b->at++;
}

/* ---- strings ---- */

static unsigned hex4(const char *p)
{
    unsigned v = 0;

    for (size_t i = 0; i < 4; i++)
        v = v << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    return v;
}

static void add_utf8(struct buf *out, unsigned c)
{
    if (c < 0x80) {
        buf_add_byte(out, (uint8_t)c);
        return;
    }
    if (c < 0x800) {
        buf_add_byte(out, (uint8_t)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            buf_add_byte(out, (uint8_t)(0xe0 | c >> 12));
        } else {
            buf_add_byte(out, (uint8_t)(0xf0 | c >> 18));
            buf_add_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        }
        buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    }
    buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
}

static bool is_low_half(struct str rest)
{
    return str_has_prefix(rest, STR("\\u")) && (hex4(rest.p + 2) & 0xfc00) == 0xdc00;
}

/* \uXXXX; half of a surrogate pair that stands alone is U+FFFD. */
static bool add_code_point(struct builder *b)
{
    unsigned c = hex4(b->text.p + b->at + 2);

    if (c == 0)
        return refuse(b, "NUL in a string");
    b->at += 6;
    if ((c & 0xf800) == 0xd800) {
        struct str rest = str_slice(b->text, b->at, b->text.n);
        bool is_pair = c < 0xdc00 && is_low_half(rest);

        c = is_pair ? 0x10000 + ((c & 0x3ff) << 10) + (hex4(rest.p + 2) & 0x3ff) : 0xfffd;
        b->at += is_pair ? 6 : 0;
    }
    add_utf8(&b->scratch, c);
    return true;
}

static bool add_escaped(struct builder *b)
{
    static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    char c = b->text.p[b->at + 1];
    const char *letter = strchr(letters, c);

    if (c == 'u')
        return add_code_point(b);
    buf_add_byte(&b->scratch, (uint8_t)(letter ? bytes[letter - letters] : c));
    b->at += 2;
    return true;
}

/* Goes over the bytes up to the next quote or backslash. */
static bool skip_plain(struct builder *b)
{
    for (;;) {
        unsigned char c = (unsigned char)peek(b);
        size_t size = 1;

        if (c == '"' || c == '\\')
            return true;
        if (c >= 0x80)
            size = str_utf8_size(str_slice(b->text, b->at, b->text.n));
        if (size == 0)
            return refuse(b, "invalid UTF-8 in a string");
        b->at += size;
    }
}

/* The string's content, in the text or in the scratch: valid until the next one. */
static bool read_string(struct builder *b, struct str *out)
{
    size_t start = ++b->at;

    if (!skip_plain(b))
        return false;
    *out = str_slice(b->text, start, b->at);
    if (peek(b) == '\\') {
        buf_clear(&b->scratch);
        buf_add_str(&b->scratch, *out);
        while (peek(b) == '\\') {
            if (!add_escaped(b))
                return false;
            start = b->at;
            if (!skip_plain(b))
                return false;
            buf_add_str(&b->scratch, str_slice(b->text, start, b->at));
        }
        *out = buf_str(&b->scratch);
    }
    b->at++;
    return true;
}

/* ---- values ---- */

static json_t *build_value(struct builder *b);

static json_t *build_number(struct builder *b)
{
    size_t start = b->at;
    bool is_integer = true;
    int64_t integer;

    for (; b->at < b->text.n; b->at++) {
        char c = peek(b);

        if (c == '.' || c == 'e' || c == 'E')
            is_integer = false;
        else if (c != '-' && c != '+' && (c < '0' || c > '9'))
            break;
    }
    struct str digits = str_slice(b->text, start, b->at);
    if (is_integer && str_to_int(digits, INT64_MIN, INT64_MAX, &integer))
        return json_integer(integer);
    buf_clear(&b->scratch);
    buf_add_str(&b->scratch, digits);
    buf_add_byte(&b->scratch, '\0');
    double real = strtod((const char *)b->scratch.p, NULL);
    if (isfinite(real))
        return json_real(real);
    refuse(b, "number out of range");
    return NULL;
}

static json_t *build_string(struct builder *b)
{
    struct str s;

    return read_string(b, &s) ? json_stringn_nocheck(s.p, s.n) : NULL;
}

static json_t *build_array(struct builder *b)
{
    json_t *array = json_array();

    for (;;) {
        b->at++; /* the bracket, or the comma */
        skip_blanks(b);
        if (peek(b) == ']')
            break; /* empty */
        json_t *item = build_value(b);
        if (!item) {
            json_decref(array);
            return NULL;
        }
        json_array_append_new(array, item);
        skip_blanks(b);
        if (peek(b) == ']')
            break;
    }
    b->at++;
    return array;
}

static bool build_member(struct builder *b, json_t *object)
{
    struct str key;
    struct buf kept; /* of a key in the scratch, which its value may use */

    if (!read_string(b, &key))
        return false;
    bool in_scratch = b->scratch.p && key.p == (const char *)b->scratch.p;
    if (in_scratch) {
        kept = b->scratch;
        buf_init(&b->scratch, kept.cap);
    }
    skip_blanks(b);
    b->at++; /* the colon */
    json_t *value = build_value(b);
    if (value)
        json_object_setn_new_nocheck(object, key.p, key.n, value);
    if (in_scratch)
        buf_fini(&kept);
    return value != NULL;
}

static json_t *build_object(struct builder *b)
{
    json_t *object = json_object();

    for (;;) {
        b->at++; /* the brace, or the comma */
        skip_blanks(b);
        if (peek(b) == '}')
            break; /* empty */
        if (!build_member(b, object)) {
            json_decref(object);
            return NULL;
        }
        skip_blanks(b);
        if (peek(b) == '}')
            break;
    }
    b->at++;
    return object;
}

static json_t *build_literal(struct builder *b, size_t size, json_t *value)
{
    b->at += size;
    return value;
}

/* NULL and the fault when it is refused. The nesting is bounded by json_check. */
static json_t *build_value(struct builder *b)
{
    skip_blanks(b);
    switch (peek(b)) {
    case '{':
        return build_object(b);
    case '[':
        return build_array(b);
    case '"':
        return build_string(b);
    case 't':
        return build_literal(b, sizeof("true") - 1, json_true());
    case 'f':
        return build_literal(b, sizeof("false") - 1, json_false());
    case 'n':
        return build_literal(b, sizeof("null") - 1, json_null());
    default:
        return build_number(b);
    }
}

json_t *json_build(struct str text, struct json_fault *fault)
{
    struct builder b = {.text = text, .fault = fault};

    buf_init(&b.scratch, SIZE_MAX / 2); /* never longer than the text */
    json_t *tree = build_value(&b);
    buf_fini(&b.scratch);
    return tree;
}
