/* str.c -- string slices: comparing, searching, cutting, reading integers. */
#include "ursa/base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct str str_from_c(const char *s)
{
    return s ? (struct str){.p = s, .n = strlen(s)} : STR_NONE;
}

struct str str_from(const void *p, size_t n)
{
    return (struct str){.p = p, .n = n};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

int str_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

size_t str_sort_distinct(struct str *v, size_t n)
{
    size_t kept = 0;

    if (n)
        qsort(v, n, sizeof(v[0]), str_order);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(v[i], v[kept - 1]))
            v[kept++] = v[i];
    return kept;
}

bool str_has_prefix(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_slice(s, 0, prefix.n), prefix);
}

bool str_has_suffix(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_slice(s, s.n - suffix.n, s.n), suffix);
}

size_t str_chr(struct str s, char c)
{
    const char *hit = s.n == 0 ? NULL : memchr(s.p, c, s.n);

    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_rchr(struct str s, char c)
{
    const char *hit = s.n == 0 ? NULL : memrchr(s.p, c, s.n);

    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    const char *hit = s.n == 0 ? NULL : memmem(s.p, s.n, needle.p, needle.n);

    return hit ? (size_t)(hit - s.p) : s.n;
}

void str_wipe(struct str s)
{
    if (s.n > 0)
        explicit_bzero((char *)(uintptr_t)s.p, s.n);
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return (struct str){.p = s.p ? s.p + from : NULL, .n = to - from};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_cut(struct str s, size_t max)
{
    size_t n = s.n < max ? s.n : max;

    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80) /* amid a character */
        n--;
    return str_slice(s, 0, n);
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    return s;
}

bool str_next(struct str *rest, char sep, struct str *part)
{
    if (!rest->p)
        return false;
    size_t at = str_chr(*rest, sep);

    *part = str_slice(*rest, 0, at);
    *rest = at < rest->n ? str_slice(*rest, at + 1, rest->n) : STR_NONE;
    return true;
}

bool str_eq_secret(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    volatile unsigned char differ = 0;

    for (size_t i = 0; i < a.n; i++)
        differ |= (unsigned char)(a.p[i] ^ b.p[i]);
    return differ == 0;
}

size_t str_utf8_size(struct str s)
{
    if (s.n == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)s.p;
    size_t size = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

    if (size > s.n)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool too_big = p[0] == 0xf4 && p[1] > 0x8f;

    return overlong || surrogate || too_big ? 0 : size;
}

bool str_to_uint(struct str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return false;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

bool str_to_int(struct str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t size;

    if (!str_to_uint(str_slice(s, negative, s.n), (uint64_t)INT64_MAX + negative, &size))
        return false;
    /* Unsigned, since the smallest number has no positive counterpart. */
    int64_t value = (int64_t)(negative ? -size : size);

    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}
