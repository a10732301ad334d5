/* roff.c -- see ursa/base/roff.h. */
#include "ursa/base/roff.h"

/* A dot or a quote at the start of a line would be a request; a bare hyphen would be set as another sign. */
static void add_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if ((c == '.' || c == '\'') && (i == 0 || text.p[i - 1] == '\n'))
            buf_printf(out, "\\&%c", c);
        else if (c == '\\')
            buf_printf(out, "\\e");
        else if (c == '-')
            buf_printf(out, "\\-");
        else if (c == '~')
            buf_printf(out, "\\(ti");
        else if (c == '^')
            buf_printf(out, "\\(ha");
        else
            buf_add_byte(out, (uint8_t)c);
    }
}

void roff_begin(struct buf *out, const char *name, int section, const char *version, const char *summary)
{
    buf_printf(out, ".TH \"");
    for (const char *c = name; *c; c++)
        buf_printf(out, "%s",
                   *c == '-' ? "\\-" : (char[]){(char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c), '\0'});
    buf_printf(out, "\" %d \"\" \"Ursa %s\" \"Ursa\"\n.SH NAME\n", section, version);
    add_text(out, str_from_c(name));
    buf_printf(out, " \\- ");
    add_text(out, str_from_c(summary));
    buf_printf(out, "\n");
}

void roff_heading(struct buf *out, const char *text)
{
    buf_printf(out, ".SH ");
    add_text(out, str_from_c(text));
    buf_printf(out, "\n");
}

void roff_subheading(struct buf *out, const char *text)
{
    buf_printf(out, ".SS ");
    add_text(out, str_from_c(text));
    buf_printf(out, "\n");
}

/* A heading is a break by itself. */
static void add_break(struct buf *out)
{
    struct str last = str_slice(buf_str(out), 0, out->n - 1);

    size_t before = str_rchr(last, '\n');
    last = str_slice(last, before < last.n ? before + 1 : 0, last.n);
    if (!str_has_prefix(last, STR(".SH")) && !str_has_prefix(last, STR(".SS")))
        buf_printf(out, ".PP\n");
}

void roff_paragraph(struct buf *out, struct str text)
{
    add_break(out);
    add_text(out, text);
    buf_printf(out, "\n");
}

void roff_item(struct buf *out, struct str term, struct str text)
{
    buf_printf(out, ".TP\n\\fB");
    add_text(out, term);
    buf_printf(out, "\\fR\n");
    add_text(out, text);
    buf_printf(out, "\n");
}

void roff_prose(struct buf *out, struct str text)
{
    struct str rest = text, line;
    bool in_example = false, in_paragraph = false;

    while (str_next(&rest, '\n', &line)) {
        bool is_example = str_has_prefix(line, STR("  "));

        if (line.n == 0) {
            in_paragraph = false;
            continue;
        }
        if (in_example && !is_example)
            buf_printf(out, ".EE\n");
        if (is_example ? !in_example : !in_paragraph)
            add_break(out);
        if (is_example && !in_example)
            buf_printf(out, ".EX\n");
        add_text(out, line);
        buf_printf(out, "\n");
        in_example = is_example;
        in_paragraph = !is_example;
    }
    if (in_example)
        buf_printf(out, ".EE\n");
}
