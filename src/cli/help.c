/* help.c -- see command.h: help, read from the tables. */
#include <string.h>

#include "command.h"
#include "ursa/resource.h"

#define FLAG_WIDTH 30
#define LINE_WIDTH 100

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

/* The types that may stand where a command says 'what': any for TYPE. */
static void print_types(const char *what, FILE *out)
{
    bool any = strcmp(what, "TYPE") == 0;
    int column = LINE_WIDTH;

    fprintf(out, "\n%s is one of these, or its plural:", what);
    for (enum res_type i = 0; i < RES_N_SHOWN; i++) {
        struct str word = res_type_info(i)->cli;

        if (!any && !word_matches(str_from_c(what), word))
            continue;
        column = column + (int)word.n > LINE_WIDTH ? fprintf(out, "\n ") : column;
        column += fprintf(out, " " STR_FMT, STR_ARG(word));
    }
    fputc('\n', out);
}

static void print_command(struct arena *a, const struct command *c, FILE *out)
{
    fprintf(out, "%s.\n\nusage: ursactl %s%s%s [flags]\n", c->summary ? c->summary : "For scripts", c->words,
            *c->arguments ? " " : "", c->arguments);
    if (c->details)
        fprintf(out, "\n%s\n", c->details);
    if (str_find(str_from_c(c->arguments), STR("TYPE")) < strlen(c->arguments))
        print_types("TYPE", out);
    if (str_has_suffix(str_from_c(c->words), STR("POLICY")))
        print_types("POLICY", out);
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
        fprintf(out, "  %-34s %s\n", usage, c->summary);
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
