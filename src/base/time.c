/* time.c -- points in time and durations as text, in the forms that clients of Go programs know. */
#include "ursa/base/clock.h"

#include <inttypes.h>
#include <time.h>

#include "ursa/base/err.h"

/* Seconds and nanoseconds such that 0 <= *ns, for times before 1970 too. */
static int64_t split_seconds(int64_t t, int64_t *ns)
{
    int64_t s = t / NS_PER_S;

    *ns = t % NS_PER_S;
    if (*ns < 0) {
        *ns += NS_PER_S;
        s--;
    }
    return s;
}

static char *put_digits(char *to, int64_t v, int n)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        to[i] = (char)('0' + v % 10);
    return to + n;
}

/* By hand: every resource that is shown has two of these. */
size_t time_text(int64_t wall_ns, char text[TIME_TEXT])
{
    int64_t ns;
    time_t s = split_seconds(wall_ns, &ns);
    struct tm t;
    char *p = text;

    gmtime_r(&s, &t);
    p = put_digits(p, t.tm_year + 1900, 4);
    *p++ = '-';
    p = put_digits(p, t.tm_mon + 1, 2);
    *p++ = '-';
    p = put_digits(p, t.tm_mday, 2);
    *p++ = 'T';
    p = put_digits(p, t.tm_hour, 2);
    *p++ = ':';
    p = put_digits(p, t.tm_min, 2);
    *p++ = ':';
    p = put_digits(p, t.tm_sec, 2);
    if (ns > 0) {
        *p++ = '.';
        p = put_digits(p, ns, 9);
        while (p[-1] == '0')
            p--;
    }
    *p++ = 'Z';
    return (size_t)(p - text);
}

struct str time_format(struct arena *a, int64_t wall_ns)
{
    char text[TIME_TEXT];

    return arena_str(a, str_from(text, time_text(wall_ns, text)));
}

/* Takes 'n' digits off the front; false when they are not there or out of range. */
static bool take_number(struct str *s, size_t n, int64_t min, int64_t max, int *out)
{
    uint64_t value;

    if (s->n < n || !str_to_uint(str_slice(*s, 0, n), (uint64_t)max, &value) || (int64_t)value < min)
        return false;
    *out = (int)value;
    *s = str_slice(*s, n, s->n);
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_slice(*s, 1, s->n);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits past the ninth are below the resolution and dropped, as Go does. */
static bool take_fraction(struct str *s, int64_t *ns)
{
    int64_t unit = NS_PER_S;

    *ns = 0;
    if (s->n == 0 || !is_digit(s->p[0]))
        return false;
    for (; s->n > 0 && is_digit(s->p[0]); *s = str_slice(*s, 1, s->n)) {
        unit /= 10;
        *ns += (s->p[0] - '0') * unit;
    }
    return true;
}

/* "Z" or "+hh:mm". */
static bool take_offset(struct str *s, int64_t *seconds)
{
    int hours, minutes;

    *seconds = 0;
    if (take_char(s, 'Z'))
        return true;
    bool negative = s->n > 0 && s->p[0] == '-';

    if (!take_char(s, '+') && !take_char(s, '-'))
        return false;
    if (!take_number(s, 2, 0, 23, &hours) || !take_char(s, ':') || !take_number(s, 2, 0, 59, &minutes))
        return false;
    *seconds = (hours * 60 + minutes) * (negative ? -60 : 60);
    return true;
}

bool time_parse(struct str s, int64_t *wall_ns)
{
    struct tm t = {0};
    int year, month, day;
    int64_t ns = 0, offset, result;

    if (!take_number(&s, 4, 0, 9999, &year) || !take_char(&s, '-') || !take_number(&s, 2, 1, 12, &month) ||
        !take_char(&s, '-') || !take_number(&s, 2, 1, 31, &day) || !take_char(&s, 'T') ||
        !take_number(&s, 2, 0, 23, &t.tm_hour) || !take_char(&s, ':') ||
        !take_number(&s, 2, 0, 59, &t.tm_min) || !take_char(&s, ':') || !take_number(&s, 2, 0, 59, &t.tm_sec))
        return false;
    if ((take_char(&s, '.') || take_char(&s, ',')) && !take_fraction(&s, &ns))
        return false;
    if (!take_offset(&s, &offset) || s.n > 0)
        return false;

    t.tm_year = year - 1900;
    t.tm_mon = month - 1;
    t.tm_mday = day;
    time_t seconds = timegm(&t);

    if (t.tm_mday != day) /* timegm made March of February 30 */
        return false;
    if (__builtin_mul_overflow(seconds - offset, NS_PER_S, &result) ||
        __builtin_add_overflow(result, ns, &result))
        return false;
    *wall_ns = result;
    return true;
}

static const struct unit {
    struct str name;
    uint64_t ns;
} units[] = {
    {STR_INIT("ns"), 1},
    {STR_INIT("us"), 1000},
    {STR_INIT("\u00b5s"), 1000}, /* micro sign */
    {STR_INIT("\u03bcs"), 1000}, /* Greek letter mu */
    {STR_INIT("ms"), 1000000},
    {STR_INIT("s"), 1000000000},
    {STR_INIT("m"), 60 * UINT64_C(1000000000)},
    {STR_INIT("h"), 3600 * UINT64_C(1000000000)},
};

static const struct unit *unit_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_eq(units[i].name, name))
            return &units[i];
    return NULL;
}

static size_t count_digits(struct str s)
{
    size_t n = 0;

    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

/* Takes "1.5h" off the front. */
static bool take_part(struct str *s, uint64_t *ns)
{
    struct str whole = str_slice(*s, 0, count_digits(*s)), fraction = STR_NONE;
    uint64_t value = 0;

    if (whole.n > 0 && !str_to_uint(whole, UINT64_C(1) << 63, &value))
        return false;
    *s = str_slice(*s, whole.n, s->n);
    if (take_char(s, '.')) {
        fraction = str_slice(*s, 0, count_digits(*s));
        *s = str_slice(*s, fraction.n, s->n);
    }
    if (whole.n + fraction.n == 0)
        return false;

    size_t n = 0;
    while (n < s->n && s->p[n] != '.' && !is_digit(s->p[n]))
        n++;
    const struct unit *unit = unit_find(str_slice(*s, 0, n));

    if (!unit || __builtin_mul_overflow(value, unit->ns, &value))
        return false;
    *s = str_slice(*s, n, s->n);
    /* In floating point and with as many digits as Go takes, so that both cut the same rest off. */
    uint64_t numerator = 0;
    double scale = 1;

    for (size_t i = 0; i < fraction.n && numerator <= INT64_MAX / 10; i++) {
        numerator = numerator * 10 + (uint64_t)(fraction.p[i] - '0');
        scale *= 10;
    }
    *ns = value + (uint64_t)((double)numerator * ((double)unit->ns / scale));
    return *ns <= UINT64_C(1) << 63;
}

bool duration_parse(struct str s, int64_t *ns)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t total = 0, part;

    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_slice(s, 1, s.n);
    if (str_eq(s, STR("0"))) {
        *ns = 0;
        return true;
    }
    if (s.n == 0)
        return false;
    while (s.n > 0) {
        if (!take_part(&s, &part) || __builtin_add_overflow(total, part, &total) ||
            total > (uint64_t)INT64_MAX + negative)
            return false;
    }
    *ns = (int64_t)(negative ? -total : total);
    return true;
}

/* Goes the way of duration_parse() to the part that it stumbled over. */
struct str duration_explain(struct arena *a, struct str s)
{
    struct str quoted = str_quote(a, s), rest = s;

    if (rest.n > 0 && (rest.p[0] == '-' || rest.p[0] == '+'))
        rest = str_slice(rest, 1, rest.n);
    while (rest.n > 0 && (is_digit(rest.p[0]) || rest.p[0] == '.')) {
        size_t unit = 0, end;

        while (unit < rest.n && (is_digit(rest.p[unit]) || rest.p[unit] == '.'))
            unit++;
        for (end = unit; end < rest.n && !is_digit(rest.p[end]) && rest.p[end] != '.';)
            end++;
        if (end == unit)
            return arena_printf(a, "time: missing unit in duration " STR_FMT, STR_ARG(quoted));
        if (!unit_find(str_slice(rest, unit, end)))
            return arena_printf(a, "time: unknown unit " STR_FMT " in duration " STR_FMT,
                                STR_ARG(str_quote(a, str_slice(rest, unit, end))), STR_ARG(quoted));
        rest = str_slice(rest, end, rest.n);
    }
    return arena_printf(a, "time: invalid duration " STR_FMT, STR_ARG(quoted));
}

static uint64_t magnitude(int64_t ns)
{
    return ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
}

struct str duration_format_proto(struct arena *a, int64_t ns)
{
    const char *sign = ns < 0 ? "-" : "";
    uint64_t s = magnitude(ns) / (uint64_t)NS_PER_S, rest = magnitude(ns) % (uint64_t)NS_PER_S;

    if (rest == 0)
        return arena_printf(a, "%s%" PRIu64 "s", sign, s);
    if (rest % 1000000 == 0)
        return arena_printf(a, "%s%" PRIu64 ".%03" PRIu64 "s", sign, s, rest / 1000000);
    if (rest % 1000 == 0)
        return arena_printf(a, "%s%" PRIu64 ".%06" PRIu64 "s", sign, s, rest / 1000);
    return arena_printf(a, "%s%" PRIu64 ".%09" PRIu64 "s", sign, s, rest);
}

/* "1.5ms": value / unit with as many decimals as it takes. */
static struct str format_unit(struct arena *a, const char *sign, uint64_t value, uint64_t unit, int decimals,
                              const char *name)
{
    uint64_t rest = value % unit;

    while (decimals > 0 && rest % 10 == 0) {
        rest /= 10;
        decimals--;
    }
    if (decimals == 0)
        return arena_printf(a, "%s%" PRIu64 "%s", sign, value / unit, name);
    return arena_printf(a, "%s%" PRIu64 ".%0*" PRIu64 "%s", sign, value / unit, decimals, rest, name);
}

struct str duration_format_go(struct arena *a, int64_t ns)
{
    const char *sign = ns < 0 ? "-" : "";
    uint64_t total = magnitude(ns), s = total / (uint64_t)NS_PER_S;

    if (total == 0)
        return arena_str(a, STR("0s"));
    if (total < 1000)
        return arena_printf(a, "%s%" PRIu64 "ns", sign, total);
    if (total < 1000000)
        return format_unit(a, sign, total, 1000, 3, "\u00b5s");
    if (s == 0)
        return format_unit(a, sign, total, 1000000, 6, "ms");
    struct str seconds = format_unit(a, "", total % (60 * (uint64_t)NS_PER_S), (uint64_t)NS_PER_S, 9, "s");

    if (s < 60)
        return arena_printf(a, "%s" STR_FMT, sign, STR_ARG(seconds));
    if (s < 3600)
        return arena_printf(a, "%s%" PRIu64 "m" STR_FMT, sign, s / 60, STR_ARG(seconds));
    return arena_printf(a, "%s%" PRIu64 "h%" PRIu64 "m" STR_FMT, sign, s / 3600, s / 60 % 60,
                        STR_ARG(seconds));
}
