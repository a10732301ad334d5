/* command.c -- see command.h: what the tables say of a command. */
#include "command.h"

/* What its list says of the flag; F_NONE when nothing. */
static unsigned entry_of(const struct command *c, enum flag_id id)
{
    for (size_t i = 0; c && i < MAX_FLAGS && c->flags[i] != F_NONE; i++)
        if ((c->flags[i] & ~(unsigned)NEEDED) == id)
            return c->flags[i];
    return F_NONE;
}

bool command_takes(const struct command *c, enum flag_id id)
{
    return (id > F_NONE && id < F_N_GLOBAL) || entry_of(c, id) != F_NONE;
}

bool command_needs(const struct command *c, enum flag_id id)
{
    return entry_of(c, id) & NEEDED;
}

void command_count_arguments(const struct command *c, size_t *min, size_t *max)
{
    struct str rest = str_from_c(c->arguments), word;

    *min = *max = 0;
    while (rest.n > 0 && str_next(&rest, ' ', &word)) {
        ++*max;
        *min += word.p[0] != '[';
    }
}

struct str flag_usage(struct arena *a, const struct flag *f)
{
    const char *value = f->value ? f->value : "";

    if (f->kind == FLAG_OPTIONAL_DURATION)
        return arena_printf(a, "--%s[=%s]", f->name, value);
    return arena_printf(a, "--%s%s%s", f->name, *value ? " " : "", value);
}

bool word_matches(struct str pattern, struct str word)
{
    enum res_type type;

    if (str_eq(pattern, word)) /* as help writes it, too */
        return true;
    if (!str_eq(pattern, STR("POLICY")))
        return false;
    type = res_type_by_cli(word);
    return type != RES_N && (res_type_info(type)->traits & RES_INSPECT);
}

bool command_begins_with(const struct command *c, const struct str *words, size_t n, struct str *rest)
{
    struct str word;

    *rest = str_from_c(c->words);
    for (size_t i = 0; i < n; i++)
        if (!str_next(rest, ' ', &word) || !word_matches(word, words[i]))
            return false;
    return true;
}

size_t command_word_choices(struct str pattern, struct str *choices)
{
    size_t n = 0;

    if (!str_eq(pattern, STR("POLICY"))) {
        choices[n++] = pattern;
        return n;
    }
    for (enum res_type t = 0; t < RES_N_SHOWN; t++)
        if (word_matches(pattern, res_type_info(t)->cli))
            choices[n++] = res_type_info(t)->cli;
    return n;
}
