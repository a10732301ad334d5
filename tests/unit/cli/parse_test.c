/* Command lines: commands, flags wherever they stand, arguments, and what is told of wrong ones. */
#include "../../lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "../../../src/cli/command.h"
#include "ursa/base/clock.h"

#define MAX_ARGS 16

/* Splits at blanks: no argument of these tests holds one. */
static enum err_kind parse(const char *line, struct arena *a, struct parsed *out, struct err *e)
{
    struct str rest = str_from_c(line), word;
    char program[] = "ursactl", *argv[MAX_ARGS + 1] = {program};
    int argc = 1;

    while (rest.n > 0 && argc < MAX_ARGS && str_next(&rest, ' ', &word))
        argv[argc++] = arena_cstr(a, word);
    err_init(e, a);
    return parse_arguments(argc, argv, a, out, e);
}

TEST(commands_and_arguments_are_found)
{
    static const struct {
        const char *line, *words, *arguments;
    } rows[] = {
        {"version", "version", ""},
        {"get meshes", "get", "meshes"},
        {"get mesh blue", "get", "mesh blue"},
        {"--mesh blue get -o yaml dataplane web", "get", "dataplane web"},
        {"get dataplane web -mblue", "get", "dataplane web"},
        {"config control-planes add --name a --address http://x", "config control-planes add", ""},
        {"config --no-config view", "config view", ""},
        {"delete mesh -- -strange-", "delete", "mesh -strange-"},
        {"delete mesh --mesh -- x", "delete", "mesh x"},
        {"apply -f - --dry-run", "apply", ""},
        {"inspect timeout slow", "inspect POLICY", "slow"},
        {"inspect meshtrafficpermissions a", "inspect POLICY", "a"},
        {"inspect dataplane a", "inspect dataplane", "a"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct parsed p;
        struct err e;
        struct str arguments = STR("");

        EXPECT_INT(rows[i].line, parse(rows[i].line, &a, &p, &e), ERR_NONE);
        EXPECT_CSTR(rows[i].line, p.command->words, rows[i].words);
        for (size_t k = 0; k < p.n_arguments; k++)
            arguments = arena_printf(&a, STR_FMT "%s" STR_FMT, STR_ARG(arguments), k ? " " : "",
                                     STR_ARG(p.arguments[k]));
        EXPECT_STR(rows[i].line, arguments, rows[i].arguments);
    }
    arena_fini(&a);
}

TEST(flags_are_read)
{
    struct parsed p;
    struct arena a;
    struct err e;

    arena_init(&a);
    EXPECT_INT("defaults", parse("get meshes", &a, &p, &e), ERR_NONE);
    EXPECT_STR("mesh", p.options.mesh, "default");
    EXPECT_INT("size", p.options.size, -1);
    EXPECT_INT("offset", p.options.offset, -1);
    EXPECT_INT("time-out", p.options.api_timeout_ns, 60 * NS_PER_S);
    EXPECT_INT("output", p.options.output, OUTPUT_TABLE);

    EXPECT_INT("each form",
               parse("get -A --size=5 --offset 2 -ojson --mesh=m --skip-verify=false meshes", &a, &p, &e),
               ERR_NONE);
    EXPECT_INT("size", p.options.size, 5);
    EXPECT_INT("offset", p.options.offset, 2);
    EXPECT_INT("output", p.options.output, OUTPUT_JSON);
    EXPECT_STR("mesh", p.options.mesh, "m");
    EXPECT_TRUE("all meshes", p.options.all_meshes);
    EXPECT_TRUE("skip-verify", !p.options.skip_verify);
    arena_fini(&a);
}

TEST(lists_and_pairs_are_read)
{
    static const struct {
        const char *flags, *want;
    } rows[] = {
        {"-v a=1", "a=1"},         {"-v a=1 -v b=2", "a=1;b=2"},
        {"-v a=1,b=2", "a=1;b=2"}, {"-v a=1,2,b=3", "a=1,2;b=3"},
        {"-v a=", "a="},           {"-v a=b=c", "a=b=c"},
        {"-v a=1,", "a=1,"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str line = arena_printf(&a, "apply -f x -f y %s", rows[i].flags), got = STR("");
        struct parsed p;
        struct err e;

        EXPECT_INT(rows[i].flags, parse(line.p, &a, &p, &e), ERR_NONE);
        EXPECT_INT(rows[i].flags, p.options.files.n, 2);
        for (size_t k = 0; k < p.options.variables.n; k++)
            got =
                arena_printf(&a, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(got), k ? ";" : "",
                             STR_ARG(p.options.variables.v[k].key), STR_ARG(p.options.variables.v[k].value));
        EXPECT_STR(rows[i].flags, got, rows[i].want);
    }
    arena_fini(&a);
}

TEST(wrong_lines_say_what_is_wrong)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"gett meshes", "there is no command \"gett\"; did you mean get?"},
        {"config control-plane list",
         "there is no command \"config control-plane\"; did you mean control-planes?"},
        {"config control-planes lits",
         "there is no command \"config control-planes lits\"; did you mean list?"},
        {"inspect dataplans", "there is no command \"inspect dataplans\"; did you mean dataplanes?"},
        {"inspect tiemout x", "there is no command \"inspect tiemout\"; did you mean timeout?"},
        {"inspect secret x", "there is no command \"inspect secret\""},
        {"inspect timeout", "\"inspect POLICY\" needs NAME"},
        {"inspect dataplane a --type nothing",
         "--type: one of policies|rules|config-dump|stats|clusters is expected, not \"nothing\""},
        {"quetzalcoatl", "there is no command \"quetzalcoatl\""},
        {"help aply", "there is no command \"aply\"; did you mean apply?"},
        {"get", "\"get\" needs TYPE [NAME]"},
        {"delete mesh", "\"delete\" needs TYPE NAME"},
        {"get mesh a b", "\"get\" takes no \"b\""},
        {"apply", "\"apply\" needs --file FILE|DIR|-"},
        {"apply -f", "--file needs a value"},
        {"apply --fiel x", "\"apply\" has no flag --fiel; did you mean --file?"},
        {"apply -f x -z", "\"apply\" has no flag -z"},
        {"version --dry-run", "\"version\" has no flag --dry-run"},
        {"get meshes --size x", "--size: a number from 0 is expected, not \"x\""},
        {"get meshes --size -3", "--size: a number from 0 is expected, not \"-3\""},
        {"get meshes -o xml", "--output: one of table|wide|yaml|json is expected, not \"xml\""},
        {"get meshes --mesh=", "--mesh: a value is expected"},
        {"get meshes -Ax", "-A takes no value: write each flag by itself"},
        {"get meshes --all-meshes=maybe", "--all-meshes: true or false is expected, not \"maybe\""},
        {"version --api-timeout 5", "--api-timeout: a duration such as 90s or 24h is expected, not \"5\""},
        {"generate user-token --name a --valid-for 30d",
         "--valid-for: a duration such as 90s or 24h is expected, not \"30d\""},
        {"generate user-token --name a", "\"generate user-token\" needs --valid-for DURATION"},
        {"apply -f x -v novalue", "--var: KEY=VALUE is expected"},
        {"config control-planes add --name a --address http://x --auth-conf eyJ0b2tlbg",
         "--auth-conf: token=TOKEN is expected"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct parsed p;
        struct err e;

        EXPECT_INT(rows[i].line, parse(rows[i].line, &a, &p, &e), ERR_INVALID);
        EXPECT_STR(rows[i].line, e.text, rows[i].want);
    }
    arena_fini(&a);
}

TEST(help_is_about_what_was_named)
{
    static const struct {
        const char *line, *topic;
        bool asked;
    } rows[] = {
        {"", "", false},
        {"help", "", true},
        {"--help", "", true},
        {"config", "config", false},
        {"help config control-planes", "config control-planes", true},
        {"apply --help", "apply", true},
        {"help apply", "apply", true},
        {"get -h meshes", "get", true},
        {"help inspect POLICY", "inspect POLICY", true},
        {"help inspect timeouts", "inspect POLICY", true},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct parsed p;
        struct err e;

        EXPECT_INT(rows[i].line, parse(rows[i].line, &a, &p, &e), ERR_NONE);
        EXPECT_TRUE(rows[i].line, p.command == NULL);
        EXPECT_STR(rows[i].line, p.topic, rows[i].topic);
        EXPECT_INT(rows[i].line, p.options.help, rows[i].asked);
    }
    arena_fini(&a);
}

static bool takes_value(const struct flag *f)
{
    return f->kind != FLAG_SWITCH && f->kind != FLAG_OPTIONAL_DURATION;
}

/* What parse.c and help.c take for granted of the tables. */
TEST(tables_are_consistent)
{
    size_t min, max;

    for (size_t i = F_NONE + 1; i < F_N; i++) {
        EXPECT_TRUE("every flag has a row", flags[i].name != NULL);
        EXPECT_TRUE(flags[i].name, flags[i].help != NULL);
        EXPECT_TRUE(flags[i].name, (flags[i].kind == FLAG_SWITCH) == (flags[i].value == NULL));
        for (size_t k = F_NONE + 1; k < i; k++) {
            if (strcmp(flags[i].name, flags[k].name) == 0)
                EXPECT_INT(flags[i].name, takes_value(&flags[i]), takes_value(&flags[k]));
            else if (flags[i].letter)
                EXPECT_TRUE(flags[i].name, flags[i].letter != flags[k].letter);
        }
    }
    for (const struct command *c = commands; c->words; c++) {
        EXPECT_TRUE(c->words, c->run != NULL);
        command_count_arguments(c, &min, &max);
        EXPECT_TRUE(c->words, max <= MAX_ARGUMENTS);
        EXPECT_INT(c->words, c->flags[MAX_FLAGS - 1], F_NONE);
    }
}

TEST(help_names_every_command_and_flag)
{
    struct arena a;

    arena_init(&a);
    for (const struct command *c = commands; c->words; c++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        help_print(&a, str_from_c(c->words), out);
        fclose(out);
        EXPECT_TRUE(c->words, strstr(text, c->words) != NULL);
        for (enum flag_id i = F_NONE + 1; i < F_N; i++)
            if (command_takes(c, i))
                EXPECT_TRUE(flags[i].name, strstr(text, flags[i].help) != NULL);
        free(text);
        out = open_memstream(&text, &size);
        help_print(&a, STR(""), out);
        fclose(out);
        EXPECT_INT(c->words, strstr(text, arena_printf(&a, "\n  %s ", c->words).p) == NULL,
                   c->summary == NULL);
        free(text);
    }
    arena_fini(&a);
}

TEST(suggestions_are_near)
{
    static const struct str candidates[] = {STR_INIT("mesh"), STR_INIT("meshes"), STR_INIT("dataplane"),
                                            STR_INIT("timeout")};
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"mehs", "mesh"},
        {"dataplan", "dataplane"},
        {"dtaplaen", "dataplane"},
        {"timeuot", "timeout"},
        {"meshess", "meshes"},
        {"x", ""},
        {"", ""},
        {"secret", ""},
        {"completely-else", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].word, suggest_nearest(str_from_c(rows[i].word), candidates, ARRAY_LEN(candidates)),
                   rows[i].want);
}
