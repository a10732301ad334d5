/* json.c -- bounded JSON reading over jansson. Writing is in json_write.c. */
#include "ursa/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/buf.h"

/* Before main, since anybody may call jansson first. The seed is drawn here, while there is one thread. */
__attribute__((constructor)) static void json_start(void)
{
    json_set_alloc_funcs(xmalloc, free);
    json_object_seed(0);
}

static enum err_kind fail_at(struct err *e, struct str text, size_t offset, const char *what)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < offset && i < text.n; i++) {
        column++;
        if (text.p[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return err_set(e, ERR_MALFORMED, "line %zu, column %zu: %s", line, column, what);
}

/* jansson recurses with the nesting, so the brackets are counted before it starts. */
static bool nests_too_deep(struct str text, size_t *at)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_MAX_NESTING) {
                *at = i;
                return true;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* Whether the text stops within a literal or a number, which jansson takes for a wrong one. */
static bool ends_in_token(struct str text)
{
    static const char *const literals[] = {"true", "false", "null"};
    size_t start = text.n;

    while (start > 0 && strchr("abcdefghijklmnopqrstuvwxyz0123456789+-.E", text.p[start - 1]) &&
           text.p[start - 1])
        start--;
    struct str token = str_slice(text, start, text.n);

    if (token.n == 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(literals); i++)
        if (token.n < strlen(literals[i]) && str_has_prefix(str_from_c(literals[i]), token))
            return true;
    return strchr("-.eE+", token.p[token.n - 1]) &&
           (token.p[0] == '-' || (token.p[0] >= '0' && token.p[0] <= '9'));
}

enum err_kind json_parse(struct str text, json_t **out, struct err *e)
{
    json_error_t fault;
    size_t at;

    *out = NULL;
    if (nests_too_deep(text, &at))
        return fail_at(e, text, at, "nested too deeply");
    *out = json_loadb(text.p ? text.p : "", text.n, JSON_DECODE_ANY, &fault);
    if (*out)
        return ERR_NONE;
    if (json_error_code(&fault) == json_error_premature_end_of_input ||
        (fault.position >= 0 && (size_t)fault.position >= text.n && ends_in_token(text)))
        return err_set(e, ERR_MALFORMED, "unexpected end of JSON input");
    return err_set(e, ERR_MALFORMED, "line %d, column %d: %s", fault.line, fault.column, fault.text);
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
