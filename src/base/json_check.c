/* json_check.c -- the syntax of JSON, checked before any tree is built.
 *
 * It needs no memory and no recursion, so the nesting is bounded before json_build.c recurses. COMPAT: the
 * faults are worded as Go's encoding/json words them, since kuma-cp passes them on to its clients. */
#include "json_check.h"

#include <stdio.h>
#include <string.h>

#include "ursa/base/json.h"

#define AT_END (-1)

struct scanner {
    struct str text;
    size_t at;
    struct json_fault *fault;
};

static int peek(const struct scanner *s)
{
    return s->at < s->text.n ? (unsigned char)s->text.p[s->at] : AT_END;
}

/* The byte as Go's %q shows the Latin-1 character of that number. */
static void quote(int c, char out[16])
{
    static const char short_escapes[] = "abtnvfr"; /* 7 to 13 */

    if (c == '\'' || c == '\\')
        snprintf(out, 16, "'\\%c'", c);
    else if (c >= 7 && c <= 13)
        snprintf(out, 16, "'\\%c'", short_escapes[c - 7]);
    else if (c < 0x20 || c == 0x7f)
        snprintf(out, 16, "'\\x%02x'", (unsigned)c);
    else if (c < 0x7f)
        snprintf(out, 16, "'%c'", c);
    else if (c <= 0xa0 || c == 0xad)
        snprintf(out, 16, "'\\u%04x'", (unsigned)c);
    else
        snprintf(out, 16, "'%c%c'", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
}

/* Always false. */
static bool refuse(struct scanner *s, const char *where)
{
    char shown[16];

    s->fault->at = s->at;
    if (peek(s) == AT_END) {
        snprintf(s->fault->what, sizeof(s->fault->what), "unexpected end of JSON input");
        return false;
    }
    quote(peek(s), shown);
    snprintf(s->fault->what, sizeof(s->fault->what), "invalid character %s %s", shown, where);
    return false;
}

/* Always false. */
static bool refuse_many(struct scanner *s, size_t max, const char *of_what)
{
    s->fault->at = s->at;
    snprintf(s->fault->what, sizeof(s->fault->what), "more than %zu %s", max, of_what);
    return false;
}

static void skip_blanks(struct scanner *s)
{
    while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\r' || peek(s) == '\n')
        s->at++;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool check_escape(struct scanner *s)
{
    int c = peek(s);

    if (c == AT_END || c == '\0' || !strchr("bfnrt\\/\"u", c))
        return refuse(s, "in string escape code");
    s->at++;
    for (int digits = c == 'u' ? 4 : 0; digits > 0; digits--) {
        if (!is_hex_digit(peek(s)))
            return refuse(s, "in \\u hexadecimal character escape");
        s->at++;
    }
    return true;
}

static bool check_string(struct scanner *s)
{
    for (s->at++;;) {
        int c = peek(s);

        if (c < 0x20) /* the end of the text too */
            return refuse(s, "in string literal");
        s->at++;
        if (c == '"')
            return true;
        if (c == '\\' && !check_escape(s))
            return false;
    }
}

static bool check_digits(struct scanner *s, const char *where)
{
    if (!is_digit(peek(s)))
        return refuse(s, where);
    while (is_digit(peek(s)))
        s->at++;
    return true;
}

static bool check_number(struct scanner *s)
{
    if (peek(s) == '-')
        s->at++;
    if (peek(s) == '0')
        s->at++;
    else if (!check_digits(s, "in numeric literal"))
        return false;
    if (peek(s) == '.') {
        s->at++;
        if (!check_digits(s, "after decimal point in numeric literal"))
            return false;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        return check_digits(s, "in exponent of numeric literal");
    }
    return true;
}

static bool check_literal(struct scanner *s, const char *literal)
{
    for (size_t i = 0; literal[i]; i++, s->at++) {
        char where[48];

        if (peek(s) == literal[i])
            continue;
        snprintf(where, sizeof(where), "in literal %s (expecting '%c')", literal, literal[i]);
        return refuse(s, where);
    }
    return true;
}

static bool check_scalar(struct scanner *s)
{
    int c = peek(s);

    if (c == '"')
        return check_string(s);
    if (c == '-' || is_digit(c))
        return check_number(s);
    if (c == 't')
        return check_literal(s, "true");
    if (c == 'f')
        return check_literal(s, "false");
    if (c == 'n')
        return check_literal(s, "null");
    return refuse(s, "looking for beginning of value");
}

/* What is open around the current place: a bit for each level, set for an object. */
struct nesting {
    uint64_t objects;
    unsigned depth;
    size_t n_keys[JSON_MAX_NESTING]; /* so far, of the object on that level */
    size_t max_keys;
};

_Static_assert(JSON_MAX_NESTING <= 64, "struct nesting has a bit for each level");

static bool check_key(struct scanner *s, struct nesting *in)
{
    skip_blanks(s);
    if (peek(s) != '"')
        return refuse(s, "looking for beginning of object key string");
    if (!check_string(s))
        return false;
    skip_blanks(s);
    if (peek(s) != ':')
        return refuse(s, "after object key");
    if (++in->n_keys[in->depth - 1] > in->max_keys)
        return refuse_many(s, in->max_keys, "keys in one object");
    s->at++;
    return true;
}

/* Behind a value: closes what ends here and reads on to the next value; '*done' at the end of the text. */
static bool check_after_value(struct scanner *s, struct nesting *in, bool *done)
{
    for (;;) {
        bool in_object = in->objects & 1;

        skip_blanks(s);
        if (in->depth == 0) {
            *done = true;
            return peek(s) == AT_END || refuse(s, "after top-level value");
        }
        int c = peek(s);

        if (c == ',') {
            s->at++;
            return !in_object || check_key(s, in);
        }
        if (c != (in_object ? '}' : ']'))
            return refuse(s, in_object ? "after object key:value pair" : "after array element");
        s->at++;
        in->objects >>= 1;
        in->depth--;
    }
}

bool json_check(struct str text, struct json_fault *fault)
{
    struct scanner s = {.text = text, .fault = fault};
    struct nesting in = {.max_keys = json_max_keys(text.n)};
    size_t n_values = 0, max_values = json_max_values(text.n);

    for (bool done = false; !done;) {
        skip_blanks(&s);
        int c = peek(&s);

        if (++n_values > max_values)
            return refuse_many(&s, max_values, "values");
        if (c == '{' || c == '[') {
            if (in.depth == JSON_MAX_NESTING) {
                *fault = (struct json_fault){.at = s.at, .what = "nested too deeply"};
                return false;
            }
            s.at++;
            in.objects = in.objects << 1 | (c == '{');
            in.n_keys[in.depth++] = 0;
            skip_blanks(&s);
            if (peek(&s) != (c == '{' ? '}' : ']')) {
                if (c == '{' && !check_key(&s, &in))
                    return false;
                continue; /* the first value inside */
            }
        } else if (!check_scalar(&s)) {
            return false;
        }
        if (!check_after_value(&s, &in, &done))
            return false;
    }
    return true;
}
