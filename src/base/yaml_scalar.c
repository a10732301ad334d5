/* yaml_scalar.c -- what a plain scalar of YAML 1.1 means.
 *
 * COMPAT: kumactl reads YAML with sigs.k8s.io/yaml, that is yaml.v2: y, n, yes, no, on, off are booleans,
 * 0777 and 0o777 are octal, 1_000 is 1000, there are no base-60 numbers, and a time stamp ends up as the text
 * it was. */
#include "yaml_scalar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/json.h"

#define LONGEST_NUMBER 400 /* more characters than any double needs; longer texts are strings */
#define LONGEST_WORD 5     /* characters of the longest of the words below */

enum meaning { MEANS_STRING, MEANS_NULL, MEANS_TRUE, MEANS_FALSE, MEANS_NO_JSON };

static enum meaning word_meaning(struct str s)
{
    static const struct {
        struct str word;
        enum meaning meaning;
    } words[] = {
        {STR_INIT("~"), MEANS_NULL},        {STR_INIT("null"), MEANS_NULL},
        {STR_INIT("Null"), MEANS_NULL},     {STR_INIT("NULL"), MEANS_NULL},
        {STR_INIT("y"), MEANS_TRUE},        {STR_INIT("Y"), MEANS_TRUE},
        {STR_INIT("yes"), MEANS_TRUE},      {STR_INIT("Yes"), MEANS_TRUE},
        {STR_INIT("YES"), MEANS_TRUE},      {STR_INIT("true"), MEANS_TRUE},
        {STR_INIT("True"), MEANS_TRUE},     {STR_INIT("TRUE"), MEANS_TRUE},
        {STR_INIT("on"), MEANS_TRUE},       {STR_INIT("On"), MEANS_TRUE},
        {STR_INIT("ON"), MEANS_TRUE},       {STR_INIT("n"), MEANS_FALSE},
        {STR_INIT("N"), MEANS_FALSE},       {STR_INIT("no"), MEANS_FALSE},
        {STR_INIT("No"), MEANS_FALSE},      {STR_INIT("NO"), MEANS_FALSE},
        {STR_INIT("false"), MEANS_FALSE},   {STR_INIT("False"), MEANS_FALSE},
        {STR_INIT("FALSE"), MEANS_FALSE},   {STR_INIT("off"), MEANS_FALSE},
        {STR_INIT("Off"), MEANS_FALSE},     {STR_INIT("OFF"), MEANS_FALSE},
        {STR_INIT(".nan"), MEANS_NO_JSON},  {STR_INIT(".NaN"), MEANS_NO_JSON},
        {STR_INIT(".NAN"), MEANS_NO_JSON},  {STR_INIT(".inf"), MEANS_NO_JSON},
        {STR_INIT(".Inf"), MEANS_NO_JSON},  {STR_INIT(".INF"), MEANS_NO_JSON},
        {STR_INIT("+.inf"), MEANS_NO_JSON}, {STR_INIT("+.Inf"), MEANS_NO_JSON},
        {STR_INIT("+.INF"), MEANS_NO_JSON}, {STR_INIT("-.inf"), MEANS_NO_JSON},
        {STR_INIT("-.Inf"), MEANS_NO_JSON}, {STR_INIT("-.INF"), MEANS_NO_JSON},
    };

    if (s.n == 0)
        return MEANS_NULL;
    if (s.n > LONGEST_WORD || !strchr("~nNyYtTfFoO.+", s.p[0]))
        return MEANS_STRING; /* nearly all texts: no need to look for each word */
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(words[i].word, s))
            return words[i].meaning;
    return MEANS_STRING;
}

static bool has_prefix_nocase(struct str s, struct str prefix)
{
    return str_eq_nocase(str_slice(s, 0, prefix.n), prefix);
}

/* Sign, an optional 0x, 0o, 0b or 0 prefix, digits; false when that is not all or it exceeds int64. */
static bool read_integer(struct str s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    unsigned base = 10;
    uint64_t value = 0;

    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_slice(s, 1, s.n);
    if (has_prefix_nocase(s, STR("0x")) || has_prefix_nocase(s, STR("0o")) ||
        has_prefix_nocase(s, STR("0b"))) {
        base = s.p[1] == 'x' || s.p[1] == 'X' ? 16 : s.p[1] == 'o' || s.p[1] == 'O' ? 8 : 2;
        s = str_slice(s, 2, s.n);
    } else if (s.n > 1 && s.p[0] == '0') {
        base = 8;
    }
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;

        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? -value : value);
    return true;
}

static size_t skip_digits(const char *p, size_t i)
{
    while (p[i] >= '0' && p[i] <= '9')
        i++;
    return i;
}

/* [+-] (digits [. digits] | . digits) [e [+-] digits]; 'p' ends with a NUL at 'n'. */
static bool looks_real(const char *p, size_t n)
{
    size_t i = p[0] == '+' || p[0] == '-', start = i;

    i = skip_digits(p, i);
    size_t digits = i - start;

    if (p[i] == '.') {
        size_t from = ++i;

        i = skip_digits(p, i);
        digits += i - from;
    }
    if (digits == 0)
        return false;
    if (p[i] == 'e' || p[i] == 'E') {
        i++;
        i += p[i] == '+' || p[i] == '-';
        start = i;
        i = skip_digits(p, i);
        if (i == start)
            return false;
    }
    return i == n;
}

static bool begins_like_number(struct str s)
{
    return s.n > 0 && s.p[0] != '\0' && strchr("+-.0123456789", s.p[0]);
}

/* NULL when the text is no number, or one that is too large: yaml.v2 leaves both as text. */
static json_t *read_number(struct str s)
{
    char plain[LONGEST_NUMBER + 1];
    size_t n = 0;
    int64_t integer;

    if (s.n > LONGEST_NUMBER || !begins_like_number(s))
        return NULL;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_' || s.p[0] == '.') /* yaml.v2 does not look for them there */
            plain[n++] = s.p[i];
    plain[n] = '\0';

    if (s.p[0] != '.' && read_integer(str_from(plain, n), &integer))
        return json_integer(integer);
    if (!looks_real(plain, n))
        return NULL;
    double real = strtod(plain, NULL);

    return isinf(real) ? NULL : json_real(real);
}

bool yaml_scalar_is_plain_text(struct str s)
{
    return word_meaning(s) == MEANS_STRING && !begins_like_number(s);
}

json_t *yaml_scalar_resolve(struct str s)
{
    switch (word_meaning(s)) {
    case MEANS_NULL:
        return json_null();
    case MEANS_TRUE:
        return json_true();
    case MEANS_FALSE:
        return json_false();
    case MEANS_NO_JSON:
        return NULL;
    case MEANS_STRING:
        break;
    }
    json_t *number = read_number(s);

    return number ? number : json_from_str(s);
}
