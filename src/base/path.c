/* path.c -- renders a place in a document: names joined by '.', [3] for elements, ["k"] for map keys. */
#include "ursa/base/err.h"

#include "ursa/base/buf.h"

#define PATH_MAX_BYTES 65536 /* keys come from outside; a longer path is cut there */

/* As Go's %q: quotes, backslashes and what cannot be printed are escaped. */
static void add_quoted(struct buf *b, struct str s)
{
    static const char short_escapes[] = "abtnvfr"; /* 7 to 13 */

    buf_add_byte(b, '"');
    while (s.n > 0) {
        size_t size = str_utf8_size(s);
        uint8_t c = (uint8_t)s.p[0];

        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c >= 7 && c <= 13)
            buf_printf(b, "\\%c", short_escapes[c - 7]);
        else if (c < 0x20 || c == 0x7f || size == 0)
            buf_printf(b, "\\x%02x", c);
        else if (c == 0xc2 && (uint8_t)s.p[1] < 0xa0)
            buf_printf(b, "\\u00%02x", (uint8_t)s.p[1]); /* the second set of control characters */
        else
            buf_add(b, s.p, size);
        s = str_slice(s, size ? size : 1, s.n);
    }
    buf_add_byte(b, '"');
}

static void add(struct buf *b, const struct path *at)
{
    if (!at)
        return;
    add(b, at->up);
    if (at->field.p) {
        if (b->n > 0)
            buf_add_byte(b, '.');
        buf_add_str(b, at->field);
    } else if (at->key.p) {
        buf_add_byte(b, '[');
        add_quoted(b, at->key);
        buf_add_byte(b, ']');
    } else {
        buf_printf(b, "[%zu]", at->index);
    }
}

struct str path_render(const struct path *at, struct arena *a)
{
    struct buf b;

    buf_init(&b, PATH_MAX_BYTES);
    add(&b, at);
    struct str text = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return text;
}
