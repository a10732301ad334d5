/* help.c -- see command.h: help, read from the tables. */
#include <string.h>

#include "command.h"
#include "ursa/resource.h"

#define FLAG_WIDTH 30

static void print_flags(uint64_t mask, uint64_t required, FILE *out)
{
    char text[96];

    for (unsigned i = 0; i < F_N; i++) {
        const struct flag *f = &flags[i];
        char letter[] = {'-', f->letter, ',', ' ', '\0'};

        if (!(mask >> i & 1))
            continue;
        snprintf(text, sizeof(text), "%s--%s%s%s", f->letter ? letter : "    ", f->name, f->value ? " " : "",
                 f->value ? f->value : "");
        if (strlen(text) > FLAG_WIDTH) /* what it says begins on the next line */
            fprintf(out, "  %s\n", text);
        fprintf(out, "  %-*s %s%s%s%s%s\n", FLAG_WIDTH, strlen(text) > FLAG_WIDTH ? "" : text, f->help,
                f->fallback ? " (default " : "", f->fallback ? f->fallback : "", f->fallback ? ")" : "",
                required >> i & 1 ? " (required)" : "");
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

static void print_command(const struct command *c, FILE *out)
{
    fprintf(out, "%s.\n\nusage: ursactl %s%s%s [flags]\n", c->summary, c->words, *c->arguments ? " " : "",
            c->arguments);
    if (c->details)
        fprintf(out, "\n%s\n", c->details);
    if (str_has_prefix(str_from_c(c->arguments), STR("TYPE")))
        print_types(out);
    if (c->flags) {
        fputs("\nflags:\n", out);
        print_flags(c->flags, c->required, out);
    }
    fputs("\nflags of every command:\n", out);
    print_flags(GLOBAL_FLAGS, c->required, out);
}

static void print_group(struct str topic, FILE *out)
{
    fprintf(out, "ursactl: manage the meshes of Ursa.\n\nusage: ursactl " STR_FMT "%sCOMMAND [flags]\n\n",
            STR_ARG(topic), topic.n ? " " : "");
    for (const struct command *c = commands; c->words; c++) {
        char usage[80];

        if (topic.n > 0 && (!str_has_prefix(str_from_c(c->words), topic) || c->words[topic.n] != ' '))
            continue;
        snprintf(usage, sizeof(usage), "%s%s%s", c->words, *c->arguments ? " " : "", c->arguments);
        fprintf(out, "  %-30s %s\n", usage, c->summary);
    }
    fputs("\n'ursactl help COMMAND' explains a command. Flags of every command:\n", out);
    print_flags(GLOBAL_FLAGS, 0, out);
}

void help_print(struct str topic, FILE *out)
{
    for (const struct command *c = commands; c->words; c++) {
        if (str_eq(str_from_c(c->words), topic)) {
            print_command(c, out);
            return;
        }
    }
    print_group(topic, out);
}
