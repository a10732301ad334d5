/* regex.c -- checks a regular expression against RE2's syntax without compiling it: Envoy and the reference's
 * Go library share it. */
#include <string.h>

#include "rules.h"

#define REPEAT_MAX 1000 /* as RE2 */
#define DEPTH_MAX 1000

struct scanner {
    struct str s;
    size_t i;         /* of the next byte */
    size_t depth;     /* open groups */
    bool operand;     /* something stands there that can be repeated */
    bool repeated;    /* and it is repeated already */
    size_t repeat_at; /* where the last repetition began */
    struct arena *arena;
    struct str fault; /* p == NULL: none */
};

static char peek(const struct scanner *sc, size_t ahead)
{
    return sc->i + ahead < sc->s.n ? sc->s.p[sc->i + ahead] : '\0';
}

/* Notes the fault 'what' about the text [from, to). */
static bool fail(struct scanner *sc, const char *what, size_t from, size_t to)
{
    struct str about = str_slice(sc->s, from, to);

    sc->fault = arena_printf(sc->arena, "error parsing regexp: %s: `" STR_FMT "`", what, STR_ARG(about));
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* \x7F or \x{10FFFF}; stands behind the 'x'. */
static bool scan_hex(struct scanner *sc)
{
    size_t n = 0, value = 0;

    if (peek(sc, 0) != '{') {
        bool two = is_hex(peek(sc, 0)) && is_hex(peek(sc, 1));

        sc->i += two ? 2 : 0;
        return two;
    }
    for (sc->i++; is_hex(peek(sc, 0)) && n < 8; sc->i++, n++) {
        char c = peek(sc, 0);

        value = value * 16 + (size_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n > 0 && value <= 0x10ffff && peek(sc, 0) == '}' && sc->i++ < sc->s.n;
}

/* \pL or \p{Name}; stands behind the 'p'. Names are not looked up. */
static bool scan_property(struct scanner *sc)
{
    if (peek(sc, 0) != '{')
        return is_word(peek(sc, 0)) && sc->i++ < sc->s.n;
    size_t n = 0;

    sc->i++;
    if (peek(sc, 0) == '^')
        sc->i++;
    for (; is_word(peek(sc, 0)); n++)
        sc->i++;
    return n > 0 && peek(sc, 0) == '}' && sc->i++ < sc->s.n;
}

/* What a backslash begins. 'in_class': only single characters and sets of them are allowed. */
static bool scan_escape(struct scanner *sc, bool in_class)
{
    size_t start = sc->i++;
    char c = peek(sc, 0);

    if (sc->i == sc->s.n)
        return fail(sc, "trailing backslash at end of expression", sc->s.n, sc->s.n);
    sc->i++;
    if (!is_word(c) || c == '_' || strchr("dDsSwWafnrtv", c) || (!in_class && strchr("AbBz", c)))
        return !((unsigned char)c & 0x80) || fail(sc, "invalid escape sequence", start, sc->i);
    if ((c == 'p' || c == 'P') && scan_property(sc))
        return true;
    if (c == 'x' && scan_hex(sc))
        return true;
    /* A single digit but 0 would be a reference to a group, which RE2 has not. */
    if (c == '0' || (is_octal(c) && is_octal(peek(sc, 0)))) {
        for (size_t n = 0; n < 2 && is_octal(peek(sc, 0)); n++)
            sc->i++;
        return true;
    }
    if (!in_class && c == 'Q') {
        size_t end = str_find(str_slice(sc->s, sc->i, sc->s.n), STR("\\E"));

        sc->i += end;
        sc->i += sc->i < sc->s.n ? 2 : 0;
        return true;
    }
    return fail(sc, "invalid escape sequence", start, sc->i);
}

/* [:alpha:] within a class. */
static bool scan_posix_class(struct scanner *sc)
{
    static const char names[] =
        " alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit ";
    size_t start = sc->i, end = str_find(str_slice(sc->s, start + 2, sc->s.n), STR(":]")) + start + 2;

    if (end >= sc->s.n) {
        sc->i++; /* no end: the bracket stands for itself */
        return true;
    }
    struct str name = str_slice(sc->s, start + 2, end);

    if (str_has_prefix(name, STR("^")))
        name = str_slice(name, 1, name.n);
    struct str wanted = arena_printf(sc->arena, " " STR_FMT " ", STR_ARG(name));

    sc->i = end + 2;
    return str_find(str_from_c(names), wanted) < sizeof(names) - 1 ||
           fail(sc, "invalid character class range", start, sc->i);
}

/* One character of a class; its code point is compared only when both ends of a range are plain bytes. */
static bool scan_class_char(struct scanner *sc, int *plain)
{
    *plain = -1;
    if (peek(sc, 0) == '\\')
        return scan_escape(sc, true);
    if ((unsigned char)peek(sc, 0) < 0x80)
        *plain = peek(sc, 0);
    sc->i++;
    while (((unsigned char)peek(sc, 0) & 0xc0) == 0x80)
        sc->i++;
    return true;
}

static bool scan_class(struct scanner *sc)
{
    size_t start = sc->i++;

    if (peek(sc, 0) == '^')
        sc->i++;
    for (bool first = true; sc->i < sc->s.n && (first || peek(sc, 0) != ']'); first = false) {
        size_t item = sc->i;
        int low, high;

        if (peek(sc, 0) == '[' && peek(sc, 1) == ':') {
            if (!scan_posix_class(sc))
                return false;
            continue;
        }
        if (!scan_class_char(sc, &low))
            return false;
        if (peek(sc, 0) != '-' || sc->i + 1 >= sc->s.n || peek(sc, 1) == ']')
            continue;
        sc->i++;
        if (!scan_class_char(sc, &high))
            return false;
        if (low >= 0 && high >= 0 && high < low)
            return fail(sc, "invalid character class range", item, sc->i);
    }
    if (sc->i >= sc->s.n)
        return fail(sc, "missing closing ]", start, sc->s.n);
    sc->i++;
    return true;
}

/* {n}, {n,} or {n,m}; anything else is literal text. */
static bool scan_count(struct scanner *sc, bool *is_count)
{
    size_t start = sc->i, k = sc->i + 1, low = 0, high = 0, n_low = 0, n_high = 0;
    bool open = false;

    for (; k < sc->s.n && is_digit(sc->s.p[k]); k++, n_low++)
        low = low > REPEAT_MAX ? low : low * 10 + (size_t)(sc->s.p[k] - '0');
    if (k < sc->s.n && sc->s.p[k] == ',') {
        open = true;
        for (k++; k < sc->s.n && is_digit(sc->s.p[k]); k++, n_high++)
            high = high > REPEAT_MAX ? high : high * 10 + (size_t)(sc->s.p[k] - '0');
    }
    *is_count = n_low > 0 && k < sc->s.n && sc->s.p[k] == '}';
    if (!*is_count)
        return true;
    sc->i = k + 1;
    if (low > REPEAT_MAX || high > REPEAT_MAX || (open && n_high > 0 && high < low))
        return fail(sc, "invalid repeat count", start, sc->i);
    return true;
}

/* '*', '+', '?' or a count, each possibly followed by '?'. */
static bool scan_repeat(struct scanner *sc)
{
    size_t start = sc->i;
    bool is_count = false;

    if (peek(sc, 0) == '{') {
        if (!scan_count(sc, &is_count))
            return false;
        if (!is_count) {
            sc->i++;
            sc->operand = true;
            sc->repeated = false;
            return true;
        }
    } else {
        sc->i++;
    }
    if (peek(sc, 0) == '?')
        sc->i++;
    if (!sc->operand)
        return fail(sc, "missing argument to repetition operator", start, sc->i);
    if (sc->repeated)
        return fail(sc, "invalid nested repetition operator", sc->repeat_at, sc->i);
    sc->repeated = true;
    sc->repeat_at = start;
    return true;
}

/* What "(?" begins: a name, flags, or flags of a group. */
static bool scan_group_options(struct scanner *sc)
{
    size_t start = sc->i, n = 0;

    sc->i += 2;
    if (peek(sc, 0) == 'P' && peek(sc, 1) == '<') {
        for (sc->i += 2; is_word(peek(sc, 0)); n++)
            sc->i++;
        sc->depth++;
        return (n > 0 && peek(sc, 0) == '>' && sc->i++ < sc->s.n) ||
               fail(sc, "invalid named capture", start, sc->i);
    }
    while (peek(sc, 0) && strchr("imsU-", peek(sc, 0)))
        sc->i++;
    char end = peek(sc, 0);

    sc->i += sc->i < sc->s.n;
    if (end == ':')
        sc->depth++;
    return end == ':' || end == ')' || fail(sc, "invalid or unsupported Perl syntax", start, sc->i);
}

static bool scan_group(struct scanner *sc)
{
    sc->operand = sc->repeated = false;
    if (sc->depth >= DEPTH_MAX)
        return fail(sc, "expression nests too deeply", 0, sc->s.n);
    if (peek(sc, 1) == '?')
        return scan_group_options(sc);
    sc->depth++;
    sc->i++;
    return true;
}

static bool scan_one(struct scanner *sc)
{
    bool fine = true;

    switch (peek(sc, 0)) {
    case '(':
        return scan_group(sc);
    case '|':
        sc->operand = sc->repeated = false;
        sc->i++;
        return true;
    case '*':
    case '+':
    case '?':
    case '{':
        return scan_repeat(sc);
    case ')':
        if (sc->depth == 0)
            return fail(sc, "unexpected )", 0, sc->s.n);
        sc->depth--;
        sc->i++;
        break;
    case '[':
        fine = scan_class(sc);
        break;
    case '\\':
        fine = scan_escape(sc, false);
        break;
    default:
        sc->i++;
        break;
    }
    sc->operand = true;
    sc->repeated = false;
    return fine;
}

bool regex_check(struct str regex, struct arena *a, struct str *reason)
{
    struct scanner sc = {.s = regex, .arena = a};

    while (sc.i < sc.s.n)
        if (!scan_one(&sc))
            break;
    if (!sc.fault.p && sc.depth > 0)
        fail(&sc, "missing closing )", 0, sc.s.n);
    *reason = sc.fault;
    return !sc.fault.p;
}
