/* path.c -- renders a place in a document: names joined by '.', [3] for elements, ["k"] for map keys. */
#include "ursa/base/err.h"

#include "ursa/base/buf.h"

#define PATH_MAX_BYTES 65536 /* keys come from outside; a longer path is cut there */

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
        buf_add_quoted(b, at->key);
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
