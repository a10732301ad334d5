/* parse.c -- see command.h: from argv to a command, its options and its arguments.
 *
 * Flags may stand anywhere, before the command's words too: whether a flag takes a value is known from its
 * name alone, since flags of one name are of one kind (tests/unit/cli holds that). */
#include <assert.h>
#include <string.h>

#include "command.h"
#include "ursa/base/clock.h"

#define MAX_WORDS 32

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

/* 'mask' of flag_id; NULL when there is none. */
static const struct flag *find_flag(uint64_t mask, const struct flag_use *use)
{
    for (unsigned i = 0; i < F_N; i++)
        if ((mask >> i & 1) && flag_has_name(&flags[i], use))
            return &flags[i];
    return NULL;
}

#define ALL_FLAGS UINT64_MAX

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
    case FLAG_DURATION:
        return duration_parse(text, member) && *(int64_t *)member >= 0;
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
        return STR("a duration such as 90s or 24h");
    case FLAG_NUMBER:
        return STR("a number from 0");
    case FLAG_CHOICE:
    case FLAG_CHOICE_TEXT:
        return arena_printf(a, "%s%s", strchr(f->value, '|') ? "one of " : "", f->value);
    case FLAG_PAIRS:
        return str_from_c(f->value);
    case FLAG_TEXT:
    case FLAG_LIST:
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

static enum err_kind unknown_flag(struct parser *p, const struct command *command, uint64_t allowed,
                                  const struct flag_use *use)
{
    struct str names[F_N], hint;
    size_t n = 0;

    for (unsigned i = 0; i < F_N; i++)
        if (allowed >> i & 1)
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
        if (i == n || !str_eq(word, words[i]))
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

static bool begins_with_words(struct str name, struct str words)
{
    return str_has_prefix(name, words) && (name.n == words.n || name.p[words.n] == ' ');
}

/* Some command is these words, or begins with them. */
static bool is_topic(struct str words)
{
    for (const struct command *c = commands; c->words; c++) {
        if (words.n == 0 || begins_with_words(str_from_c(c->words), words))
            return true;
    }
    return false;
}

/* Says which word is wrong, and which was meant. */
static enum err_kind unknown_command(struct parser *p, const struct str *words, size_t n)
{
    struct str group, candidates[64];
    size_t n_good = 0, n_candidates = 0;

    while (n_good < n && is_topic(join(p->arena, words, n_good + 1)))
        n_good++;
    group = join(p->arena, words, n_good);
    for (const struct command *c = commands; c->words && n_candidates < ARRAY_LEN(candidates); c++) {
        struct str rest = str_from_c(c->words);

        if (n_good > 0) {
            if (!begins_with_words(rest, group) || rest.n == group.n)
                continue;
            rest = str_slice(rest, group.n + 1, rest.n);
        }
        candidates[n_candidates++] = str_slice(rest, 0, str_chr(rest, ' '));
    }
    return err_set(p->err, ERR_INVALID, "there is no command \"" STR_FMT "\"" STR_FMT,
                   STR_ARG(join(p->arena, words, n_good + 1)),
                   STR_ARG(suggest_text(p->arena, words[n_good], candidates, n_candidates)));
}

/* ---- the passes ---- */

/* The next argument is the flag's value unless one is attached or it is a switch. */
static bool takes_next(const struct flag *f, const struct flag_use *use)
{
    return f && f->kind != FLAG_SWITCH && !use->value;
}

/* First pass: the words. */
static enum err_kind collect_words(struct parser *p, int argc, char **argv)
{
    struct flag_use use;
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && take_apart(argv[i], &use)) {
            i += takes_next(find_flag(ALL_FLAGS, &use), &use);
        } else {
            if (p->n_words == MAX_WORDS)
                return err_set(p->err, ERR_INVALID, "too many arguments");
            p->words[p->n_words++] = str_from_c(argv[i]);
        }
    }
    return ERR_NONE;
}

/* Second pass: the flags. */
static enum err_kind read_flags(struct parser *p, int argc, char **argv, uint64_t *seen)
{
    const struct command *command = p->out->command;
    uint64_t allowed = GLOBAL_FLAGS | (command ? command->flags : 0);
    struct flag_use use;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (!take_apart(argv[i], &use))
            continue;
        const struct flag *f = find_flag(allowed, &use);
        if (!f)
            return unknown_flag(p, command, allowed, &use);
        if (takes_next(f, &use)) {
            if (++i == argc)
                return err_set(p->err, ERR_INVALID, "--%s needs %s", f->name,
                               arena_cstr(p->arena, expected(p->arena, f)));
            use.value = argv[i];
        }
        if (f->kind == FLAG_SWITCH && use.is_letter && use.value)
            return err_set(p->err, ERR_INVALID, "-%c takes no value: write each flag by itself", f->letter);
        if (!set_flag(p->arena, &p->out->options, f, use.value))
            return wrong_value(p, f, use.value);
        *seen |= UINT64_C(1) << (f - flags);
    }
    return ERR_NONE;
}

static enum err_kind check_use(struct parser *p, uint64_t seen)
{
    const struct command *c = p->out->command;
    uint64_t missing = c->required & ~seen;

    if (p->out->n_arguments < c->min_arguments)
        return err_set(p->err, ERR_INVALID, "\"%s\" needs %s", c->words, c->arguments);
    for (unsigned i = 0; i < F_N; i++)
        if (missing >> i & 1)
            return err_set(p->err, ERR_INVALID, "\"%s\" needs --%s %s", c->words, flags[i].name,
                           flags[i].value);
    return ERR_NONE;
}

static void set_fallbacks(struct arena *a, struct options *o)
{
    *o = (struct options){.size = -1, .offset = -1};
    for (size_t i = 0; i < F_N; i++) {
        bool good = !flags[i].fallback || set_flag(a, o, &flags[i], flags[i].fallback);
        assert(good);
    }
}

enum err_kind parse_arguments(int argc, char **argv, struct arena *a, struct parsed *out, struct err *e)
{
    struct parser p = {.arena = a, .out = out, .err = e};
    size_t n_matched = 0;
    uint64_t seen = 0;

    *out = (struct parsed){.command = NULL, .topic = STR_NONE};
    set_fallbacks(a, &out->options);
    if (collect_words(&p, argc, argv) != ERR_NONE)
        return e->kind;
    bool wants_help = p.n_words > 0 && str_eq(p.words[0], STR("help"));
    for (const struct command *c = commands; c->words; c++) {
        size_t n = command_matches(c, p.words + wants_help, p.n_words - wants_help);
        if (n > n_matched) {
            n_matched = n;
            out->command = c;
        }
    }
    struct str words = join(a, p.words + wants_help, p.n_words - wants_help);
    if (!out->command && !is_topic(words))
        return unknown_command(&p, p.words + wants_help, p.n_words - wants_help);
    out->topic = out->command ? str_from_c(out->command->words) : words;
    if (read_flags(&p, argc, argv, &seen) != ERR_NONE)
        return e->kind;
    if (wants_help || out->options.help || !out->command) {
        out->options.help |= wants_help;
        out->command = NULL;
        return ERR_NONE;
    }
    for (size_t i = n_matched; i < p.n_words; i++) {
        if (out->n_arguments == out->command->max_arguments)
            return err_set(e, ERR_INVALID, "\"%s\" takes no \"" STR_FMT "\"", out->command->words,
                           STR_ARG(p.words[i]));
        out->arguments[out->n_arguments++] = p.words[i];
    }
    return check_use(&p, seen);
}
