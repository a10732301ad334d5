/* quote.c -- text of others inside messages: as Go's %q writes it, for clients know these messages, or on one
 * line. */
#include "ursa/base/arena.h"

#include "ursa/base/buf.h"

void buf_add_quoted(struct buf *b, struct str s)
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

struct str str_quote(struct arena *a, struct str s)
{
    struct buf b;

    buf_init(&b, 4 * s.n + 2); /* no byte becomes more than \xNN, and U+0080 (two bytes) more than \u0080 */
    buf_add_quoted(&b, s);
    struct str quoted = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return quoted;
}

static char printable(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
}

void buf_add_printable(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_add_byte(b, (uint8_t)printable(s.p[i]));
}

struct str str_printable(struct arena *a, struct str s)
{
    char *copy = arena_cstr(a, s);

    for (size_t i = 0; i < s.n; i++)
        copy[i] = printable(copy[i]);
    return str_from(copy, s.n);
}
