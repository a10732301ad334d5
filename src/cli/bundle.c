/* bundle.c -- see bundle.h. */
#include "bundle.h"

#include <string.h>

#include "ursa/base/yaml.h"

#define MAX_BUNDLE ((size_t)64 << 20)

void bundle_init(struct bundle *b, struct arena *a)
{
    *b = (struct bundle){.arena = a};
    buf_init(&b->text, MAX_BUNDLE);
}

void bundle_fini(struct bundle *b)
{
    buf_fini(&b->text);
}

/* Line breaks as YAML's reader counts them: LF, CR, CRLF, and Unicode's NEL, LS and PS. */
static size_t count_breaks(struct str s)
{
    static const struct str unicode[] = {STR_INIT("\xc2\x85"), STR_INIT("\xe2\x80\xa8"),
                                         STR_INIT("\xe2\x80\xa9")};
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '\n' || (c == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')))
            n++;
        for (size_t k = 0; c >= 0x80 && k < ARRAY_LEN(unicode); k++)
            n += str_has_prefix(str_slice(s, i, s.n), unicode[k]);
    }
    return n;
}

static void append(struct bundle *b, struct str text)
{
    buf_add_str(&b->text, text);
    b->n_lines += count_breaks(text);
}

void bundle_add(struct bundle *b, struct str name, struct str text)
{
    if (b->n == b->n_slots) {
        size_t slots = b->n_slots ? 2 * b->n_slots : 8;
        struct source *grown = ARENA_ARRAY(b->arena, struct source, slots);

        if (b->n)
            memcpy(grown, b->sources, b->n * sizeof(grown[0]));
        b->sources = grown;
        b->n_slots = slots;
    }
    if (str_has_prefix(text, STR("\xef\xbb\xbf"))) /* a byte order mark may stand at the very start only */
        text = str_slice(text, 3, text.n);
    if (b->n > 0) /* what begins with a directive needs the document before it ended */
        append(b, str_has_prefix(text, STR("%")) ? STR("...\n") : STR("---\n"));
    b->sources[b->n++] = (struct source){.name = arena_str(b->arena, name), .first_line = b->n_lines + 1};
    append(b, text);
    if (text.n > 0 && text.p[text.n - 1] != '\n' && text.p[text.n - 1] != '\r')
        append(b, STR("\n"));
}

struct str bundle_place(const struct bundle *b, size_t line, size_t column)
{
    const struct source *s = &b->sources[0];

    for (size_t i = 1; i < b->n && b->sources[i].first_line <= line; i++)
        s = &b->sources[i];
    if (line == 0)
        return s->name;
    return arena_printf(b->arena, STR_FMT ":%zu:%zu", STR_ARG(s->name), line - s->first_line + 1, column);
}

struct str bundle_relate(struct arena *a, struct str name, struct str text)
{
    struct text_pos pos;

    if (text_pos_take(&text, &pos))
        return arena_printf(a, STR_FMT ":%zu:%zu: " STR_FMT, STR_ARG(name), pos.line, pos.column,
                            STR_ARG(text));
    return arena_printf(a, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(text));
}
