/* help.c -- see command.h: help, read from the tables. */
#include "command.h"
#include "ursa/resource.h"

#define FLAG_WIDTH 30

/* Those from 'first' up to 'end' that the command takes. */
static void print_flags(struct arena *a, const struct command *c, enum flag_id first, enum flag_id end,
                        FILE *out)
{
    for (enum flag_id i = first; i < end; i++) {
        const struct flag *f = &flags[i];
        const char letter[] = {'-', f->letter, ',', ' ', '\0'};

        if (!command_takes(c, i))
            continue;
        struct str text =
            arena_printf(a, "%s" STR_FMT, f->letter ? letter : "    ", STR_ARG(flag_usage(a, f)));
        if (text.n > FLAG_WIDTH) { /* what it says begins on the next line */
            fprintf(out, "  %s\n", text.p);
            text = STR("");
        }
        fprintf(out, "  %-*s %s%s%s%s%s\n", FLAG_WIDTH, text.p, f->help, f->fallback ? " (default " : "",
                f->fallback ? f->fallback : "", f->fallback ? ")" : "",
                command_needs(c, i) ? " (required)" : "");
    }
}

static void print_types(FILE *out)
{
    int column = 0;

    fputs("\nTYPE is one of these, or its plural:", out);
    for (unsigned i = 0; i < RES_N; i++) {
        struct str word = res_type_info((enum res_type)i)->cli;

        column = i == 0 || column + (int)word.n > 100 ? fprintf(out, "\n  ") : column + fprintf(out, " ");
        column += fprintf(out, STR_FMT "%s", STR_ARG(word), i + 1 < RES_N ? "," : "\n");
    }
}

static void print_command(struct arena *a, const struct command *c, FILE *out)
{
    fprintf(out, "%s.\n\nusage: ursactl %s%s%s [flags]\n", c->summary ? c->summary : "For scripts", c->words,
            *c->arguments ? " " : "", c->arguments);
    if (c->details)
        fprintf(out, "\n%s\n", c->details);
    if (str_has_prefix(str_from_c(c->arguments), STR("TYPE")))
        print_types(out);
    if (c->flags[0] != F_NONE) {
        fputs("\nflags:\n", out);
        print_flags(a, c, F_N_GLOBAL, F_N, out);
    }
    fputs("\nflags of every command:\n", out);
    print_flags(a, c, F_NONE + 1, F_N_GLOBAL, out);
}

static void print_group(struct arena *a, struct str topic, FILE *out)
{
    fprintf(out, "ursactl: manage the meshes of Ursa.\n\nusage: ursactl " STR_FMT "%sCOMMAND [flags]\n\n",
            STR_ARG(topic), topic.n ? " " : "");
    for (const struct command *c = commands; c->words; c++) {
        char usage[80];

        if (!c->summary)
            continue;
        if (topic.n > 0 && (!str_has_prefix(str_from_c(c->words), topic) || c->words[topic.n] != ' '))
            continue;
        snprintf(usage, sizeof(usage), "%s%s%s", c->words, *c->arguments ? " " : "", c->arguments);
        fprintf(out, "  %-30s %s\n", usage, c->summary);
    }
    fputs("\n'ursactl help COMMAND' explains a command. Flags of every command:\n", out);
    print_flags(a, NULL, F_NONE + 1, F_N_GLOBAL, out);
}

void help_print(struct arena *a, struct str topic, FILE *out)
{
    for (const struct command *c = commands; c->words; c++) {
        if (str_eq(str_from_c(c->words), topic)) {
            print_command(a, c, out);
            return;
        }
    }
    print_group(a, topic, out);
}
