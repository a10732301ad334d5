/* envoy/time_text.c -- Duration and Timestamp as protobuf's JSON writes them.
 *
 * Not base/clock.h's: protobuf's range is wider than 64 bits of nanoseconds, and its forms are stricter than
 * Go's. */
#include "scalar.h"

#include <stdlib.h>
#include <time.h>

#define NANOS_PER_SECOND 1000000000
#define DURATION_MAX INT64_C(315576000000)    /* 10,000 years */
#define TIMESTAMP_MIN (-INT64_C(62135596800)) /* 0001-01-01T00:00:00Z */
#define TIMESTAMP_MAX INT64_C(253402300799)   /* 9999-12-31T23:59:59Z */

/* Up to nine digits after a point, as nanoseconds; no point: 0. Cuts what it read off '*s'. */
static bool read_fraction(struct str *s, int32_t *nanos)
{
    *nanos = 0;
    if (s->n == 0 || s->p[0] != '.')
        return true;
    size_t i = 1;
    int32_t scale = NANOS_PER_SECOND;
    for (; i < s->n && i <= 9 && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
        scale /= 10;
        *nanos += (s->p[i] - '0') * scale;
    }
    *s = str_slice(*s, i, s->n);
    return i > 1;
}

bool duration_from_text(struct str s, struct time_value *out)
{
    bool negative = str_has_prefix(s, STR("-"));
    if (negative)
        s = str_slice(s, 1, s.n);
    size_t n_digits = 0;
    while (n_digits < s.n && s.p[n_digits] >= '0' && s.p[n_digits] <= '9')
        n_digits++;
    if (!str_to_int(str_slice(s, 0, n_digits), 0, DURATION_MAX, &out->seconds))
        return false;
    s = str_slice(s, n_digits, s.n);
    if (!read_fraction(&s, &out->nanos) || !str_eq(s, STR("s")))
        return false;
    if (negative) {
        out->seconds = -out->seconds;
        out->nanos = -out->nanos;
    }
    return llabs(out->seconds) < DURATION_MAX || out->nanos == 0;
}

/* 0, 3, 6 or 9 decimals: as few as hold the value. */
static struct str format_fraction(int32_t nanos, struct arena *a)
{
    if (nanos == 0)
        return STR_NONE;
    if (nanos % 1000000 == 0)
        return arena_printf(a, ".%03d", nanos / 1000000);
    if (nanos % 1000 == 0)
        return arena_printf(a, ".%06d", nanos / 1000);
    return arena_printf(a, ".%09d", nanos);
}

struct str duration_to_text(struct time_value t, struct arena *a)
{
    if (t.seconds < -DURATION_MAX || t.seconds > DURATION_MAX || t.nanos <= -NANOS_PER_SECOND ||
        t.nanos >= NANOS_PER_SECOND || (t.seconds > 0 && t.nanos < 0) || (t.seconds < 0 && t.nanos > 0))
        return STR_NONE;
    bool negative = t.seconds < 0 || t.nanos < 0;
    long long seconds = negative ? -t.seconds : t.seconds;
    struct str fraction = format_fraction(negative ? -t.nanos : t.nanos, a);
    return arena_printf(a, "%s%lld" STR_FMT "s", negative ? "-" : "", seconds, STR_ARG(fraction));
}

/* 'n' digits at the start of '*s', then 'end' (0: whatever follows); cuts them off. */
static bool read_digits(struct str *s, size_t n, char end, int64_t min, int64_t max, int *out)
{
    int64_t v;
    size_t used = n + (end != '\0');
    if (s->n < used || (end != '\0' && s->p[n] != end) || s->p[0] < '0' || s->p[0] > '9' ||
        !str_to_int(str_slice(*s, 0, n), min, max, &v))
        return false;
    *s = str_slice(*s, used, s->n);
    *out = (int)v;
    return true;
}

/* "Z" or "+hh:mm", as seconds east of Greenwich. */
static bool read_offset(struct str s, int *offset)
{
    *offset = 0;
    if (str_eq(s, STR("Z")))
        return true;
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-'))
        return false;
    int hours, minutes, sign = s.p[0] == '-' ? -1 : 1;
    s = str_slice(s, 1, s.n);
    if (!read_digits(&s, 2, ':', 0, 23, &hours) || !read_digits(&s, 2, '\0', 0, 59, &minutes))
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool timestamp_from_text(struct str s, struct time_value *out)
{
    struct tm tm = {0};
    int offset;
    if (!read_digits(&s, 4, '-', 1, 9999, &tm.tm_year) || !read_digits(&s, 2, '-', 1, 12, &tm.tm_mon) ||
        !read_digits(&s, 2, 'T', 1, 31, &tm.tm_mday) || !read_digits(&s, 2, ':', 0, 23, &tm.tm_hour) ||
        !read_digits(&s, 2, ':', 0, 59, &tm.tm_min) || !read_digits(&s, 2, '\0', 0, 59, &tm.tm_sec) ||
        !read_fraction(&s, &out->nanos) || !read_offset(s, &offset))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int day = tm.tm_mday;
    out->seconds = timegm(&tm);
    if (tm.tm_mday != day) /* 31 April became 1 May */
        return false;
    out->seconds -= offset;
    return out->seconds >= TIMESTAMP_MIN && out->seconds <= TIMESTAMP_MAX;
}

struct str timestamp_to_text(struct time_value t, struct arena *a)
{
    struct tm tm;
    time_t seconds = t.seconds;
    if (t.seconds < TIMESTAMP_MIN || t.seconds > TIMESTAMP_MAX || t.nanos < 0 ||
        t.nanos >= NANOS_PER_SECOND || !gmtime_r(&seconds, &tm))
        return STR_NONE;
    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d" STR_FMT "Z", tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, STR_ARG(format_fraction(t.nanos, a)));
}
