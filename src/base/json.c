/* json.c -- bounded JSON reading over jansson. Writing is in json_write.c. */
#include "ursa/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "json_check.h"
#include "ursa/base/alloc.h"
#include "ursa/base/buf.h"

/* Before main, since anybody may call jansson first. The seed is drawn here, while there is one thread. */
__attribute__((constructor)) static void json_start(void)
{
    json_set_alloc_funcs(xmalloc, free);
    json_object_seed(0);
}

static enum err_kind fail_at(struct err *e, struct str text, const struct json_fault *fault)
{
    size_t line = 1, start = 0; /* of the line */

    if (fault->at == text.n)
        return err_set(e, ERR_MALFORMED, "%s", fault->what);
    for (size_t i = 0; i < fault->at; i++) {
        if (text.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    return err_set(e, ERR_MALFORMED, "line %zu, column %zu: %s", line, fault->at - start + 1, fault->what);
}

/* The end of the string that begins at 'i'. */
static size_t string_end(struct str text, size_t i)
{
    for (i++; text.p[i] != '"'; i++)
        i += text.p[i] == '\\';
    return i + 1;
}

static size_t number_end(struct str text, size_t i, bool *is_integer)
{
    *is_integer = true;
    for (; i < text.n; i++) {
        char c = text.p[i];

        if (c == '.' || c == 'e' || c == 'E')
            *is_integer = false;
        else if (c != '-' && c != '+' && (c < '0' || c > '9'))
            break;
    }
    return i;
}

/* The half of a surrogate pair that is escaped at 'i': 0xd8 the first, 0xdc the second, 0 none. */
static unsigned escaped_half(struct str text, size_t i)
{
    char digits[5] = "";

    if (!str_has_prefix(str_slice(text, i, text.n), STR("\\u")) || text.n - i < 6)
        return 0;
    memcpy(digits, text.p + i + 2, 4);
    return (unsigned)(strtoul(digits, NULL, 16) >> 8) & 0xfc;
}

/* Copies a string with U+FFFD for every half of a surrogate pair that stands alone. */
static void mend_string(struct str s, struct buf *out)
{
    for (size_t i = 0, size; i < s.n; i += size) {
        unsigned half = escaped_half(s, i);
        bool is_pair = half == 0xd8 && escaped_half(s, i + 6) == 0xdc;

        size = s.p[i] != '\\' ? 1 : is_pair ? 12 : s.p[i + 1] == 'u' ? 6 : 2;
        if (!is_pair && (half == 0xd8 || half == 0xdc))
            buf_add_str(out, STR("\\ufffd"));
        else
            buf_add_str(out, str_slice(s, i, i + size));
    }
}

/* Copies 'text', whose syntax is right, without what jansson refuses and Go reads: integers that int64 cannot
 * hold get a ".0", since a real holds them well enough, and broken surrogate pairs become U+FFFD. */
static void mend(struct str text, struct buf *out)
{
    for (size_t i = 0, end; i < text.n; i = end) {
        char c = text.p[i];
        bool is_integer = false;
        int64_t ignored;

        if (c == '"') {
            end = string_end(text, i);
            mend_string(str_slice(text, i, end), out);
            continue;
        }
        end = c == '-' || (c >= '0' && c <= '9') ? number_end(text, i, &is_integer) : i + 1;
        buf_add_str(out, str_slice(text, i, end));
        if (is_integer && !str_to_int(str_slice(text, i, end), INT64_MIN, INT64_MAX, &ignored))
            buf_add_str(out, STR(".0"));
    }
}

enum err_kind json_parse(struct str text, json_t **out, struct err *e)
{
    struct json_fault fault;
    json_error_t refused;

    *out = NULL;
    if (!json_check(text, &fault))
        return fail_at(e, text, &fault);
    *out = json_loadb(text.p, text.n, JSON_DECODE_ANY, &refused);
    if (!*out) {
        struct buf mended;

        buf_init(&mended, SIZE_MAX / 2); /* hardly longer than the text */
        mend(text, &mended);
        *out = json_loadb((const char *)mended.p, mended.n, JSON_DECODE_ANY, &refused);
        buf_fini(&mended);
    }
    if (*out)
        return ERR_NONE;
    /* The syntax is right: it is NUL in a string, bad UTF-8, or a real that is out of range. */
    return err_set(e, ERR_MALFORMED, "line %d, column %d: %s", refused.line, refused.column, refused.text);
}

struct str json_str(const json_t *v)
{
    return json_is_string(v) ? str_from(json_string_value(v), json_string_length(v)) : STR_NONE;
}

/* jansson refuses invalid UTF-8; each bad byte becomes U+FFFD instead, so that the result is never NULL. */
json_t *json_from_str(struct str s)
{
    json_t *v = json_stringn(s.p ? s.p : "", s.n);

    if (v)
        return v;
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    while (s.n > 0) {
        size_t size = str_utf8_size(s);

        buf_add_str(&b, size ? str_slice(s, 0, size) : STR("\xef\xbf\xbd"));
        s = str_slice(s, size ? size : 1, s.n);
    }
    v = json_stringn((const char *)b.p, b.n);
    buf_fini(&b);
    return v;
}

struct str json_key_str(const char *key)
{
    return str_from_c(key);
}

json_t *json_get(const json_t *o, const char *key)
{
    return json_object_get(o, key);
}
