/* redact.c -- takes tokens and private keys out of what an Envoy tells of itself.
 *
 * The text may be any size and may come from a proxy that means ill, so it is scanned, not parsed: strings
 * are found, everything else is copied. */
#include "ursa/envoy.h"

#include <ctype.h>

#include "ursa/base/json.h"

#define REDACTED "\"[redacted]\""

/* How a string of base64 or PEM begins that is a private key. */
static const char *const keys[] = {"-----BEGIN PRIVATE KEY",
                                   "-----BEGIN EC PRIVATE KEY",
                                   "-----BEGIN RSA PRIVATE KEY",
                                   "-----BEGIN ENCRYPTED PRIVATE KEY",
                                   "LS0tLS1CRUdJTiBQUklWQVRFIEtFW",
                                   "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFW",
                                   "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV",
                                   "LS0tLS1CRUdJTiBFTkNSWVBURUQg"};

static bool is_base64_url(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Three parts with points between, the first of which is '{"' in base64; perhaps behind "Bearer ". */
static bool is_jwt(struct str s)
{
    size_t points = 0;

    if (str_has_prefix(s, STR("Bearer ")))
        s = str_slice(s, sizeof("Bearer ") - 1, s.n);
    if (!str_has_prefix(s, STR("eyJ")))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.')
            points++;
        else if (!is_base64_url(s.p[i]))
            return false;
    }
    return points == 2;
}

static bool is_key(struct str s)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (str_find(s, str_from_c(keys[i])) < s.n)
            return true;
    }
    return false;
}

/* The index behind the string that begins, with its quote, at 'at'. */
static size_t string_end(struct str text, size_t at)
{
    for (size_t i = at + 1; i < text.n; i++) {
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == '"')
            return i + 1;
    }
    return text.n;
}

static bool is_name(struct str text, size_t behind)
{
    while (behind < text.n && isspace((unsigned char)text.p[behind]))
        behind++;
    return behind < text.n && text.p[behind] == ':';
}

/* A header is {"key": ..., "value": ...} in this order, as protobuf prints it. */
struct place {
    struct str name;    /* of the member whose value comes */
    bool authorization; /* this object's "key" was that */
};

static bool is_secret(struct place *p, struct str content)
{
    if (content.n == 0)
        return false;
    if (str_eq(p->name, STR("key")))
        p->authorization = str_eq_nocase(content, STR("authorization"));
    bool value = p->authorization && (str_eq(p->name, STR("value")) || str_eq(p->name, STR("raw_value")));
    return value || is_jwt(content) || is_key(content);
}

void envoy_redact_dump(struct buf *buf)
{
    struct str text = buf_str(buf);
    struct place place = {0};
    struct buf out;
    size_t copied = 0;

    buf_init(&out, buf->n * 4 + sizeof(REDACTED)); /* the least secret is three bytes: "x" */
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '}')
            place = (struct place){0};
        if (text.p[i] != '"')
            continue;
        size_t end = string_end(text, i);
        struct str content = str_slice(text, i + 1, end - (end > i + 1 ? 1 : 0));
        if (is_name(text, end)) {
            place.name = content;
        } else if (is_secret(&place, content)) {
            buf_add(&out, text.p + copied, i - copied);
            buf_add_str(&out, STR(REDACTED));
            copied = end;
        }
        i = end - 1;
    }
    buf_add(&out, text.p + copied, text.n - copied);
    buf_fini(buf);
    *buf = out;
}
