/* json.c -- bounded JSON reading into jansson trees: json_check.c, then json_build.c. Writing is in
 * json_write.c. */
#include "ursa/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "json_check.h"
#include "ursa/base/alloc.h"
#include "ursa/base/buf.h"

/* Before main, since anybody may call jansson first. The seed is drawn here, while there is one thread. */
__attribute__((constructor)) static void json_start(void)
{
    /* Which trees hold a secret is not known down here: all are wiped. It costs less than the free itself. */
    json_set_alloc_funcs(xmalloc, free_wiped);
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

enum err_kind json_parse(struct str text, json_t **out, struct err *e)
{
    struct json_fault fault;

    *out = json_check(text, &fault) ? json_build(text, &fault) : NULL;
    return *out ? ERR_NONE : fail_at(e, text, &fault);
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
