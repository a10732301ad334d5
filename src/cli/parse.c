/* parse.c -- see command.h: from argv to a command, its options and its arguments.
 *
 * Flags may stand anywhere, before the command's words too: whether a flag takes a value is known from its
 * name alone, since flags of one name agree in that (tests/unit/cli holds it). */
#include <assert.h>
#include <string.h>

#include "command.h"
#include "ursa/base/clock.h"

#define MAX_WORDS 32
#define DEFAULT_WAIT_NS (30 * NS_PER_S)
#define MAX_CANDIDATES 64 /* of a suggestion, without the policies */

struct parser {
    struct arena *arena;
    struct parsed *out;
    struct str words[MAX_WORDS]; /* what is no flag */
    size_t n_words;
    struct err *err;
};

/* One argument that is a flag, taken apart. */
struct flag_use {
    struct str name; /* without dashes */
    bool is_letter;
    const char *value; /* NULL: none is attached */
};

/* ---- flags ---- */

static bool take_apart(const char *arg, struct flag_use *use)
{
    struct str text = str_from_c(arg);
    size_t equals = str_chr(text, '=');

    if (text.n < 2 || text.p[0] != '-')
        return false; /* a word; "-" is a file */
    use->is_letter = text.p[1] != '-';
    if (use->is_letter) {
        use->name = str_slice(text, 1, 2);
        use->value = text.n == 2 ? NULL : arg + (text.p[2] == '=' ? 3 : 2);
    } else {
        use->name = str_slice(text, 2, equals);
        use->value = equals < text.n ? arg + equals + 1 : NULL;
    }
    return true;
}

static bool flag_has_name(const struct flag *f, const struct flag_use *use)
{
    return use->is_letter ? f->letter && f->letter == use->name.p[0] : str_eq(str_from_c(f->name), use->name);
}

/* One that the command takes; NULL when there is none. */
static const struct flag *find_flag(const struct command *c, const struct flag_use *use)
{
    for (enum flag_id i = F_NONE + 1; i < F_N; i++)
        if (command_takes(c, i) && flag_has_name(&flags[i], use))
            return &flags[i];
    return NULL;
}

/* Any of that name: either all of them take a value or none. */
static const struct flag *find_any_flag(const struct flag_use *use)
{
    for (enum flag_id i = F_NONE + 1; i < F_N; i++)
        if (flag_has_name(&flags[i], use))
            return &flags[i];
    return NULL;
}

/* Grows an arena's list by one. */
#define LIST_ADD(arena, list, item)                                                                          \
    do {                                                                                                     \
        if ((list)->n == (list)->n_slots) {                                                                  \
            size_t slots_ = (list)->n_slots ? 2 * (list)->n_slots : 4;                                       \
            void *grown_ = arena_alloc((arena), slots_ * sizeof((list)->v[0]));                              \
            if ((list)->n)                                                                                   \
                memcpy(grown_, (list)->v, (list)->n * sizeof((list)->v[0]));                                 \
            (list)->v = grown_;                                                                              \
            (list)->n_slots = slots_;                                                                        \
        }                                                                                                    \
        (list)->v[(list)->n++] = (item);                                                                     \
    } while (0)

/* "a=1,b=2" are two pairs; what follows a comma and has no '=' belongs to the value before it: "a=1,2". */
static bool add_pairs(struct arena *a, struct str text, struct pair_list *list)
{
    struct str rest = text, part;

    while (str_next(&rest, ',', &part)) {
        size_t equals = str_chr(part, '=');
        struct pair *last = list->n ? &list->v[list->n - 1] : NULL;

        if (equals < part.n && equals > 0) {
            struct pair pair = {arena_str(a, str_slice(part, 0, equals)),
                                arena_str(a, str_slice(part, equals + 1, part.n))};
            LIST_ADD(a, list, pair);
        } else if (equals == part.n && last && part.p != text.p) {
            last->value = arena_printf(a, STR_FMT "," STR_FMT, STR_ARG(last->value), STR_ARG(part));
        } else {
            return false;
        }
    }
    return true;
}

static bool add_words(struct arena *a, struct str text, struct text_list *list)
{
    struct str rest = text, word;

    while (str_next(&rest, ',', &word)) {
        if (!word.n)
            return false;
        LIST_ADD(a, list, word);
    }
    return true;
}

/* Which of "a|b|c" it is, or -1. */
static int choice_of(const char *choices, struct str word)
{
    struct str rest = str_from_c(choices), choice;

    for (int i = 0; str_next(&rest, '|', &choice); i++)
        if (str_eq(choice, word))
            return i;
    return -1;
}

/* False when the value is not of the flag's kind. */
static bool set_flag(struct arena *a, struct options *o, const struct flag *f, const char *value)
{
    void *member = (char *)o + f->offset;
    struct str text = str_from_c(value);
    int64_t ns;

    switch (f->kind) {
    case FLAG_SWITCH:
        *(bool *)member = !value || str_eq(text, STR("true"));
        return !value || *(bool *)member || str_eq(text, STR("false"));
    case FLAG_TEXT:
        *(struct str *)member = text;
        return text.n > 0;
    case FLAG_ANY_TEXT:
        *(struct str *)member = text;
        return true;
    case FLAG_DURATION:
        return duration_parse(text, member) && *(int64_t *)member >= 0;
    case FLAG_OPTIONAL_DURATION:
        *(int64_t *)member = DEFAULT_WAIT_NS;
        return !value || (duration_parse(text, member) && *(int64_t *)member > 0);
    case FLAG_DURATION_TEXT:
        *(struct str *)member = text;
        return duration_parse(text, &ns);
    case FLAG_NUMBER:
        return str_to_int(text, 0, INT32_MAX, member);
    case FLAG_CHOICE:
        *(int *)member = choice_of(f->value, text);
        return *(int *)member >= 0;
    case FLAG_CHOICE_TEXT:
        *(struct str *)member = text;
        return choice_of(f->value, text) >= 0;
    case FLAG_LIST:
        LIST_ADD(a, (struct text_list *)member, text);
        return text.n > 0;
    case FLAG_WORDS:
        return add_words(a, text, member);
    case FLAG_PAIRS:
        return add_pairs(a, text, member);
    }
    return false;
}

static struct str expected(struct arena *a, const struct flag *f)
{
    switch (f->kind) {
    case FLAG_SWITCH:
        return STR("true or false");
    case FLAG_DURATION:
    case FLAG_DURATION_TEXT:
    case FLAG_OPTIONAL_DURATION:
        return STR("a duration such as 90s or 24h");
    case FLAG_NUMBER:
        return STR("a number from 0");
    case FLAG_CHOICE:
    case FLAG_CHOICE_TEXT:
        return arena_printf(a, "%s%s", strchr(f->value, '|') ? "one of " : "", f->value);
    case FLAG_PAIRS:
        return str_from_c(f->value);
    case FLAG_TEXT:
    case FLAG_ANY_TEXT:
    case FLAG_LIST:
    case FLAG_WORDS:
        break;
    }
    return STR("a value");
}

/* Pairs are not shown: they may hold a token. */
static enum err_kind wrong_value(struct parser *p, const struct flag *f, const char *value)
{
    struct str wanted = expected(p->arena, f);

    if (f->kind == FLAG_PAIRS || !*value)
        return err_set(p->err, ERR_INVALID, "--%s: " STR_FMT " is expected", f->name, STR_ARG(wanted));
    return err_set(p->err, ERR_INVALID, "--%s: " STR_FMT " is expected, not \"%s\"", f->name, STR_ARG(wanted),
                   value);
}

static enum err_kind unknown_flag(struct parser *p, const struct command *command, const struct flag_use *use)
{
    struct str names[F_N], hint;
    size_t n = 0;

    for (enum flag_id i = F_NONE + 1; i < F_N; i++)
        if (command_takes(command, i))
            names[n++] = arena_printf(p->arena, "--%s", flags[i].name);
    hint = suggest_text(p->arena, arena_printf(p->arena, "--" STR_FMT, STR_ARG(use->name)), names, n);
    return err_set(p->err, ERR_INVALID, "%s has no flag %s" STR_FMT STR_FMT,
                   command ? arena_printf(p->arena, "\"%s\"", command->words).p : "ursactl",
                   use->is_letter ? "-" : "--", STR_ARG(use->name), STR_ARG(use->is_letter ? STR("") : hint));
}

/* ---- words ---- */

/* The number of its words when 'words' begin with the command's, else 0. */
static size_t command_matches(const struct command *c, const struct str *words, size_t n)
{
    struct str rest = str_from_c(c->words), word;
    size_t i = 0;

    while (str_next(&rest, ' ', &word)) {
        if (i == n || !word_matches(word, words[i]))
            return 0;
        i++;
    }
    return i;
}

/* The words joined by blanks. */
static struct str join(struct arena *a, const struct str *words, size_t n)
{
    struct str out = STR("");

    for (size_t i = 0; i < n; i++)
        out = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(out), i ? " " : "", STR_ARG(words[i]));
    return out;
}

/* Some command is these words, or begins with them. */
static bool is_topic(const struct str *words, size_t n)
{
    struct str rest;

    for (const struct command *c = commands; c->words; c++) {
        if (command_begins_with(c, words, n, &rest))
            return true;
    }
    return false;
}

/* Says which word is wrong, and which was meant. */
static enum err_kind unknown_command(struct parser *p, const struct str *words, size_t n)
{
    struct str candidates[MAX_CANDIDATES + RES_N], rest, word;
    size_t n_good = 0, n_candidates = 0;

    while (n_good < n && is_topic(words, n_good + 1))
        n_good++;
    for (const struct command *c = commands; c->words && n_candidates < MAX_CANDIDATES; c++) {
        if (c->summary && command_begins_with(c, words, n_good, &rest) && str_next(&rest, ' ', &word))
            n_candidates += command_word_choices(word, candidates + n_candidates);
    }
    return err_set(p->err, ERR_INVALID, "there is no command \"" STR_FMT "\"" STR_FMT,
                   STR_ARG(join(p->arena, words, n_good + 1)),
                   STR_ARG(suggest_text(p->arena, words[n_good], candidates, n_candidates)));
}

/* ---- the passes ---- */

/* The next argument is the flag's value unless one is attached or it needs none. */
static bool takes_next(const struct flag *f, const struct flag_use *use)
{
    return f && f->kind != FLAG_SWITCH && f->kind != FLAG_OPTIONAL_DURATION && !use->value;
}

/* First pass: the words. *open is the flag that the last argument is, when its value is missing. */
static enum err_kind collect_words(struct parser *p, int argc, char **argv, const struct flag **open)
{
    struct flag_use use;
    bool only_words = false;

    *open = NULL;
    for (int i = 1; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && take_apart(argv[i], &use)) {
            if (!takes_next(find_any_flag(&use), &use))
                continue;
            if (++i == argc)
                *open = find_any_flag(&use);
        } else {
            if (p->n_words == MAX_WORDS)
                return err_set(p->err, ERR_INVALID, "too many arguments");
            p->words[p->n_words++] = str_from_c(argv[i]);
        }
    }
    return ERR_NONE;
}

/* Second pass: the flags. With 'unfinished' what is wrong is passed over. */
static enum err_kind read_flags(struct parser *p, int argc, char **argv, bool unfinished, bool seen[F_N])
{
    const struct command *command = p->out->command;
    struct flag_use use;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (!take_apart(argv[i], &use))
            continue;
        const struct flag *f = find_flag(command, &use);
        if (!f && unfinished)
            continue;
        if (!f)
            return unknown_flag(p, command, &use);
        if (takes_next(f, &use)) {
            if (++i == argc)
                return unfinished ? ERR_NONE
                                  : err_set(p->err, ERR_INVALID, "--%s needs %s", f->name,
                                            arena_cstr(p->arena, expected(p->arena, f)));
            use.value = argv[i];
        }
        if (f->kind == FLAG_SWITCH && use.is_letter && use.value && !unfinished)
            return err_set(p->err, ERR_INVALID, "-%c takes no value: write each flag by itself", f->letter);
        if (!set_flag(p->arena, &p->out->options, f, use.value) && !unfinished)
            return wrong_value(p, f, use.value);
        seen[f - flags] = true;
        p->out->options.mesh_given |= f == &flags[F_MESH];
    }
    return ERR_NONE;
}

static enum err_kind check_use(struct parser *p, const bool seen[F_N])
{
    const struct command *c = p->out->command;
    size_t min, max;

    command_count_arguments(c, &min, &max);
    if (p->out->n_arguments < min)
        return err_set(p->err, ERR_INVALID, "\"%s\" needs %s", c->words, c->arguments);
    for (enum flag_id i = F_NONE + 1; i < F_N; i++)
        if (command_needs(c, i) && !seen[i])
            return err_set(p->err, ERR_INVALID, "\"%s\" needs --%s %s", c->words, flags[i].name,
                           flags[i].value);
    return ERR_NONE;
}

static void set_fallbacks(struct arena *a, struct options *o)
{
    *o = (struct options){
        .size = -1, .offset = -1, .wait_ns = -1, .since = -1, .revision = -1, .from = -1, .to = -1};
    for (size_t i = 0; i < F_N; i++) {
        bool good = !flags[i].fallback || set_flag(a, o, &flags[i], flags[i].fallback);
        assert(good);
    }
}

static void start(struct parser *p)
{
    *p->out = (struct parsed){.command = NULL, .topic = STR_NONE, .policy = RES_N};
    set_fallbacks(p->arena, &p->out->options);
}

/* The command that most of the words name; returns how many. */
static size_t find_command(struct parser *p, const struct str *words, size_t n)
{
    size_t n_matched = 0;

    for (const struct command *c = commands; c->words; c++) {
        size_t n_own = command_matches(c, words, n);
        if (n_own > n_matched) {
            n_matched = n_own;
            p->out->command = c;
        }
    }
    if (p->out->command && str_has_suffix(str_from_c(p->out->command->words), STR("POLICY")))
        p->out->policy = res_type_by_cli(words[n_matched - 1]);
    return n_matched;
}

enum err_kind parse_arguments(int argc, char **argv, struct arena *a, struct parsed *out, struct err *e)
{
    struct parser p = {.arena = a, .out = out, .err = e};
    const struct flag *open;
    bool seen[F_N] = {false};
    size_t min, max;

    start(&p);
    if (collect_words(&p, argc, argv, &open) != ERR_NONE)
        return e->kind;
    bool wants_help = p.n_words > 0 && str_eq(p.words[0], STR("help"));
    const struct str *words = p.words + wants_help;
    size_t n_words = p.n_words - wants_help, n_matched = find_command(&p, words, n_words);
    if (!out->command && !is_topic(words, n_words))
        return unknown_command(&p, words, n_words);
    out->topic = out->command ? str_from_c(out->command->words) : join(a, words, n_words);
    if (read_flags(&p, argc, argv, false, seen) != ERR_NONE)
        return e->kind;
    if (wants_help || out->options.help || !out->command) {
        out->options.help |= wants_help;
        out->command = NULL;
        return ERR_NONE;
    }
    command_count_arguments(out->command, &min, &max);
    for (size_t i = n_matched; i < n_words; i++) {
        if (out->n_arguments == max)
            return err_set(e, ERR_INVALID, "\"%s\" takes no \"" STR_FMT "\"", out->command->words,
                           STR_ARG(words[i]));
        out->arguments[out->n_arguments++] = words[i];
    }
    return check_use(&p, seen);
}

void parse_unfinished(int argc, char **argv, struct arena *a, struct parsed *out, const struct flag **open)
{
    struct err ignored;
    struct parser p = {.arena = a, .out = out, .err = &ignored};
    bool seen[F_N] = {false};

    err_init(&ignored, a);
    start(&p);
    if (collect_words(&p, argc, argv, open) != ERR_NONE)
        return;
    size_t n_matched = find_command(&p, p.words, p.n_words);
    out->topic = join(a, p.words, p.n_words);
    for (size_t i = n_matched; i < p.n_words && out->n_arguments < MAX_ARGUMENTS; i++)
        out->arguments[out->n_arguments++] = p.words[i];
    if (read_flags(&p, argc, argv, true, seen) != ERR_NONE)
        out->command = NULL;
}
