/* complete.c -- see complete.h: the shells ask the program itself, so what they offer is what the tables say.
 */
#include "complete.h"

#include "cli.h"
#include "config.h"
#include "render.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define NAMES_TIMEOUT_NS (2 * NS_PER_S) /* someone is waiting with a finger on a key */
#define NAMES_PAGE "1000"
#define MAX_WORDS 8 /* of commands */

struct completion {
    struct arena *arena;
    struct parsed parsed;
    struct str current; /* what has been typed of the word, behind 'lead' */
    struct str lead;    /* "--mesh=" */
    complete_names_fn *names;
    void *ctx;
    struct buf *out;
};

static void offer(struct completion *c, struct str candidate, const char *meaning)
{
    if (!str_has_prefix(candidate, c->current))
        return;
    for (size_t i = 0; i < candidate.n; i++) /* a line each */
        if ((unsigned char)candidate.p[i] < ' ' || candidate.p[i] == 0x7f)
            return;
    buf_printf(c->out, STR_FMT STR_FMT "%s%s\n", STR_ARG(c->lead), STR_ARG(candidate), meaning ? "\t" : "",
               meaning ? meaning : "");
}

static void offer_choices(struct completion *c, struct str choices)
{
    struct str choice;

    while (str_next(&choices, '|', &choice))
        offer(c, choice, NULL);
}

static void offer_names(struct completion *c, enum res_type type)
{
    struct buf names;
    struct str rest, name;

    buf_init(&names, 1 << 20);
    c->names(c->ctx, &c->parsed.options, type, &names);
    rest = buf_str(&names);
    while (rest.n > 0 && str_next(&rest, '\n', &name))
        if (name.n > 0)
            offer(c, name, NULL);
    buf_fini(&names);
}

static void offer_types(struct completion *c)
{
    for (enum res_type t = 0; t < RES_N_SHOWN; t++) {
        const struct res_type_info *info = res_type_info(t);

        offer(c, info->cli, arena_cstr(c->arena, info->name));
        if (!str_eq(info->cli, info->cli_plural))
            offer(c, info->cli_plural,
                  arena_printf(c->arena, "all " STR_FMT " resources", STR_ARG(info->name)).p);
    }
}

static void offer_entries(struct completion *c)
{
    struct config config;
    struct str name, address;
    struct err e;

    err_init(&e, c->arena);
    if (config_load(&c->parsed.options, c->arena, &config, &e) != ERR_NONE)
        return;
    for (size_t i = 0; config_at(&config, i, &name, &address); i++)
        offer(c, name, arena_cstr(c->arena, address));
    config_close(&config);
}

static struct str lower(struct arena *a, struct str s)
{
    char *text = arena_cstr(a, s);

    for (size_t i = 0; i < s.n; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    return str_from(text, s.n);
}

/* What the tables call a value or an argument says what it may be. */
static void offer_for(struct completion *c, struct str what)
{
    enum res_type type = res_type_by_cli(lower(c->arena, what));

    if (str_has_prefix(what, STR("FILE")))
        buf_printf(c->out, ":files\n");
    else if (str_eq(what, STR("TYPE")))
        offer_types(c);
    else if (str_eq(what, STR("ENTRY")))
        offer_entries(c);
    else if (type != RES_N)
        offer_names(c, type);
    else if (str_chr(what, '|') < what.n)
        offer_choices(c, what);
}

/* "NAME" is that of the type before it: an argument, or the command's last word. */
static enum res_type type_of_name(const struct completion *c, size_t at)
{
    struct str words = str_from_c(c->parsed.command->words);

    if (at > 0)
        return res_type_by_cli(c->parsed.arguments[at - 1]);
    if (c->parsed.policy != RES_N)
        return c->parsed.policy;
    return res_type_by_cli(str_slice(words, str_rchr(words, ' ') + 1, words.n));
}

static void offer_argument(struct completion *c)
{
    struct str rest = str_from_c(c->parsed.command->arguments), what = STR_NONE;
    size_t at = c->parsed.n_arguments;

    for (size_t i = 0; i <= at; i++)
        if (rest.n == 0 || !str_next(&rest, ' ', &what))
            return;
    if (str_has_prefix(what, STR("[")))
        what = str_slice(what, 1, what.n - 1);
    if (!str_eq(what, STR("NAME")))
        offer_for(c, what);
    else if (type_of_name(c, at) != RES_N)
        offer_names(c, type_of_name(c, at));
}

/* The next words of the commands that begin with those typed. */
static void offer_words(struct completion *c)
{
    struct str words[MAX_WORDS], choices[RES_N], rest = c->parsed.topic, word, seen = STR(" ");
    size_t n = 0;

    while (rest.n > 0 && n < MAX_WORDS && str_next(&rest, ' ', &words[n]))
        n++;
    size_t skip = n > 0 && str_eq(words[0], STR("help"));
    for (const struct command *command = commands; command->words; command++) {
        if (!command->summary || !command_begins_with(command, words + skip, n - skip, &rest) || !rest.p ||
            !str_next(&rest, ' ', &word))
            continue;
        struct str mark = arena_printf(c->arena, " " STR_FMT " ", STR_ARG(word));
        if (str_find(seen, mark) < seen.n)
            continue;
        seen = arena_printf(c->arena, STR_FMT STR_FMT, STR_ARG(seen), STR_ARG(mark));
        size_t n_choices = command_word_choices(word, choices);
        for (size_t i = 0; i < n_choices; i++) /* a group's first command would explain it badly */
            offer(c, choices[i], rest.p ? NULL : command->summary);
    }
    if (n == 0)
        offer(c, STR("help"), "Explain a command");
}

static void offer_flags(struct completion *c)
{
    for (enum flag_id i = F_NONE + 1; i < F_N; i++)
        if (command_takes(c->parsed.command, i))
            offer(c, arena_printf(c->arena, "--%s", flags[i].name), flags[i].help);
}

/* "--mesh=bl": the flag of that name that the command takes, and what follows the sign. */
static const struct flag *split_flag(struct completion *c)
{
    size_t equals = str_chr(c->current, '=');

    if (!str_has_prefix(c->current, STR("--")) || equals == c->current.n)
        return NULL;
    for (enum flag_id i = F_NONE + 1; i < F_N; i++) {
        if (command_takes(c->parsed.command, i) &&
            str_eq(str_from_c(flags[i].name), str_slice(c->current, 2, equals))) {
            c->lead = str_slice(c->current, 0, equals + 1);
            c->current = str_slice(c->current, equals + 1, c->current.n);
            return &flags[i];
        }
    }
    return NULL;
}

void complete_line(int argc, char **argv, struct arena *a, complete_names_fn *names, void *ctx,
                   struct buf *out)
{
    struct completion c = {.arena = a,
                           .current = argc > 1 ? str_from_c(argv[argc - 1]) : STR(""),
                           .lead = STR(""),
                           .names = names,
                           .ctx = ctx,
                           .out = out};
    const struct flag *flag;

    parse_unfinished(argc - 1, argv, a, &c.parsed, &flag);
    if (!flag)
        flag = split_flag(&c);
    if (flag) {
        offer_for(&c, flag->kind == FLAG_SWITCH ? STR("true|false") : str_from_c(flag->value));
        return;
    }
    if (str_has_prefix(c.current, STR("-"))) {
        offer_flags(&c);
        return;
    }
    offer_words(&c);
    if (c.parsed.command)
        offer_argument(&c);
}

/* ---- asking the control plane: whatever goes wrong, there are no names ---- */

static void names_of_control_plane(void *ctx, const struct options *given, enum res_type type,
                                   struct buf *out)
{
    struct arena *a = ctx;
    struct options options = *given;
    struct cli cli = {.arena = a, .options = &options};
    JSON_AUTO list = NULL;
    const json_t *item;
    size_t i;

    err_init(&cli.err, a);
    options.api_timeout_ns = NAMES_TIMEOUT_NS;
    struct str path =
        arena_printf(a, STR_FMT "?size=" NAMES_PAGE, STR_ARG(url_of_type(a, type, options.mesh, STR(""))));
    if (cli_connect(&cli) == ERR_NONE &&
        connection_get(cli.connection, path, a, &list, &cli.err) == ERR_NONE) {
        json_array_foreach(json_get(list, "items"), i, item)
        {
            buf_printf(out, STR_FMT "\n", STR_ARG(json_str(json_get(item, "name"))));
        }
    }
    connection_close(cli.connection);
}

int complete_main(int argc, char **argv, struct arena *a)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    complete_line(argc, argv, a, names_of_control_plane, a, &out);
    render_text(buf_str(&out));
    buf_fini(&out);
    return 0;
}
