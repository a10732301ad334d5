/* Completion: what may come next, from the tables and from what the control plane has. */
#include "../../lib/test.h"

#include <string.h>

#include "../../../src/cli/cli.h"
#include "../../../src/cli/complete.h"

#define MAX_ARGS 16

/* One of the type "<type>-of-<mesh>", and one that no line of a terminal may show. */
static void names(void *ctx, const struct options *o, enum res_type type, struct buf *out)
{
    (void)ctx;
    buf_printf(out, STR_FMT "-of-" STR_FMT "\nbad\x1b[31m\n", STR_ARG(res_type_info(type)->cli),
               STR_ARG(o->mesh));
}

/* The candidates without what they mean, joined by blanks. */
static struct str complete(struct arena *a, const char *line)
{
    struct str rest = str_from_c(line), word, text = STR("");
    char program[] = "ursactl", *argv[MAX_ARGS] = {program};
    struct buf out;
    int argc = 1;

    while (argc < MAX_ARGS && str_next(&rest, ' ', &word))
        argv[argc++] = arena_cstr(a, word);
    buf_init(&out, 1 << 20);
    complete_line(argc, argv, a, names, NULL, &out);
    rest = buf_str(&out);
    while (rest.n > 0 && str_next(&rest, '\n', &word))
        text = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(text), text.n ? " " : "",
                            STR_ARG(str_slice(word, 0, str_chr(word, '\t'))));
    buf_fini(&out);
    return text;
}

TEST(what_may_come_next)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"app", "apply"},
        {"hel", "help"},
        {"xyz", ""},
        {"config ", "control-planes view"},
        {"config control-planes s", "switch"},
        {"help config control-planes r", "remove"},
        {"get zone-ing", "zone-ingress zone-ingresses zone-ingress-insight zone-ingress-insights"},
        {"get dataplane ", "dataplane-of-default"},
        {"get dataplane x", ""},
        {"get dataplane a b", ""},
        {"get nosuchtype ", ""},
        {"--mesh blue get timeout ", "timeout-of-blue"},
        {"delete mesh m", "mesh-of-default"},
        {"get meshes --mesh ", "mesh-of-default"},
        {"get meshes --mesh=me", "--mesh=mesh-of-default"},
        {"get meshes --off", "--offset"},
        {"version --dry", ""},
        {"apply --dry-run=", "--dry-run=true --dry-run=false"},
        {"generate dataplane-token --proxy-type in", "ingress"},
        {"apply -f ", ":files"},
        {"apply --file=x", ":files"},
        {"completion z", "zsh"},
        {"completion bash ", ""},
        {"--log-level d", "debug"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].line, complete(&a, rows[i].line), rows[i].want);
    arena_fini(&a);
}

TEST(every_command_can_be_reached_word_by_word)
{
    struct arena a;

    arena_init(&a);
    for (const struct command *c = commands; c->words; c++) {
        struct str rest = str_from_c(c->words), word;
        struct str typed = STR("");

        while (c->summary && str_next(&rest, ' ', &word)) {
            struct str offered =
                arena_printf(&a, " " STR_FMT " ", STR_ARG(complete(&a, typed.n ? typed.p : "")));
            if (str_eq(word, STR("POLICY")))
                word = STR("timeout");
            EXPECT_TRUE(c->words,
                        str_find(offered, arena_printf(&a, " " STR_FMT " ", STR_ARG(word))) < offered.n);
            typed = arena_printf(&a, STR_FMT STR_FMT " ", STR_ARG(typed), STR_ARG(word));
        }
    }
    arena_fini(&a);
}

TEST(the_manual_names_every_command_and_flag)
{
    struct arena a;
    struct buf page;

    arena_init(&a);
    buf_init(&page, 1 << 20);
    man_write(&a, &page);
    buf_add_byte(&page, '\0');
    for (const struct command *c = commands; c->words; c++)
        if (c->summary)
            EXPECT_TRUE(c->words, strstr((char *)page.p, c->summary) != NULL);
    for (enum flag_id i = F_NONE + 1; i < F_N; i++)
        if (!strpbrk(flags[i].help, "-~")) /* those are written otherwise */
            EXPECT_TRUE(flags[i].name, strstr((char *)page.p, flags[i].help) != NULL);
    buf_fini(&page);
    arena_fini(&a);
}
