/* base64.c -- RFC 4648, standard with padding and URL-safe without. */
#include "ursa/base/base64.h"

#define NO_DIGIT 0xff

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str encode(struct arena *a, struct str s, const char *digits, bool pad)
{
    char *out = arena_alloc(a, (s.n + 2) / 3 * 4 + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i += 3) {
        size_t have = s.n - i < 3 ? s.n - i : 3;
        uint32_t group = 0;

        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < have ? (uint8_t)s.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++) {
            if (k <= have)
                out[n++] = digits[group >> (18 - 6 * k) & 63];
            else if (pad)
                out[n++] = '=';
        }
    }
    return (struct str){.p = out, .n = n};
}

struct str base64_encode(struct arena *a, struct str s)
{
    return encode(a, s, standard, true);
}

struct str base64_encode_url(struct arena *a, struct str s)
{
    return encode(a, s, url_safe, false);
}

static uint8_t digit_value(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    return c == c62 ? 62 : c == c63 ? 63 : NO_DIGIT;
}

static size_t skip_newlines(struct str s, size_t i)
{
    while (i < s.n && (s.p[i] == '\n' || s.p[i] == '\r'))
        i++;
    return i;
}

/* Writes the have - 1 bytes that 'have' digits hold. */
static size_t put_group(char *to, uint32_t group, size_t have)
{
    group <<= 6 * (4 - have);
    for (size_t k = 0; k + 1 < have; k++)
        to[k] = (char)(group >> (16 - 8 * k) & 0xff);
    return have - 1;
}

/* COMPAT: offsets of faults are those that Go's encoding/base64 reports, since they reach clients. */
bool base64_decode(struct arena *a, struct str s, struct str *out, size_t *bad_at)
{
    char *bytes = arena_alloc(a, s.n / 4 * 3 + 3);
    size_t n = 0, i = 0, have = 0;
    uint32_t group = 0;

    while ((i = skip_newlines(s, i)) < s.n && s.p[i] != '=') {
        uint8_t digit = digit_value(s.p[i], '+', '/');

        if (digit == NO_DIGIT) {
            *bad_at = i;
            return false;
        }
        i++;
        group = group << 6 | digit;
        if (++have == 4) {
            n += put_group(bytes + n, group, have);
            have = 0;
            group = 0;
        }
    }
    if (i == s.n && have > 0) { /* no padding: the group that was begun is at fault */
        *bad_at = i - have;
        return false;
    }
    if (i < s.n) {
        if (have < 2) {
            *bad_at = i;
            return false;
        }
        if (have == 2) { /* two are needed */
            size_t first = i;

            i = skip_newlines(s, i + 1);
            if (i == s.n || s.p[i] != '=') {
                *bad_at = i == s.n ? s.n : first;
                return false;
            }
        }
        i = skip_newlines(s, i + 1);
        if (i < s.n) {
            *bad_at = i;
            return false;
        }
        n += put_group(bytes + n, group, have);
    }
    *out = (struct str){.p = bytes, .n = n};
    return true;
}

/* Strict, since only tokens come this way: one value has one spelling. */
bool base64_decode_url(struct arena *a, struct str s, struct str *out)
{
    char *bytes = arena_alloc(a, s.n / 4 * 3 + 3);
    size_t n = 0, have = 0;
    uint32_t group = 0;

    for (size_t i = 0; i < s.n; i++) {
        uint8_t digit = digit_value(s.p[i], '-', '_');

        if (digit == NO_DIGIT)
            return false;
        group = group << 6 | digit;
        if (++have == 4) {
            n += put_group(bytes + n, group, have);
            have = 0;
            group = 0;
        }
    }
    if (have == 1 || (have == 2 && group & 15) || (have == 3 && group & 3))
        return false;
    if (have > 0)
        n += put_group(bytes + n, group, have);
    *out = (struct str){.p = bytes, .n = n};
    return true;
}
