/* ursa-dp's flags: what each says, which of flag, URSA_ variable, KUMA_ variable and default wins. */
#include "../../lib/test.h"

#include <stdlib.h>

#include "../../../src/dp/options.h"
#include "ursa/base/clock.h"

#define MAX_ARGS 7

struct reading {
    struct arena arena;
    struct options options;
    bool good;
    int status;
};

/* 'args' follow "ursa-dp run"; NULL ends them. */
static void read_args(struct reading *r, const char *const args[MAX_ARGS])
{
    char *argv[MAX_ARGS + 3] = {(char *)(uintptr_t) "ursa-dp", (char *)(uintptr_t) "run"};
    int argc = 2;

    for (; argc - 2 < MAX_ARGS && args[argc - 2]; argc++)
        argv[argc] = (char *)(uintptr_t)args[argc - 2];
    arena_init(&r->arena);
    r->good = options_read(&r->options, argc, argv, &r->arena, &r->status);
}

TEST(defaults)
{
    static const char *const none[MAX_ARGS] = {NULL};
    struct reading r;

    read_args(&r, none);
    EXPECT_TRUE("read", r.good);
    EXPECT_CSTR("address", r.options.cp_address, "https://localhost:5678");
    EXPECT_CSTR("program", r.options.binary_path, "envoy");
    EXPECT_INT("level", r.options.log_level, LOG_INFO);
    EXPECT_CSTR("threads", r.options.concurrency, "2");
    EXPECT_INT("drain time", r.options.drain_time_ns, 30 * NS_PER_S);
    EXPECT_INT("patience", r.options.retry_for_ns, 300 * NS_PER_S);
    EXPECT_TRUE("verifies", !r.options.skip_verify);
    EXPECT_TRUE("no mesh, no name", !r.options.mesh && !r.options.name);
    arena_fini(&r.arena);
}

TEST(each_kind_of_flag)
{
    static const char *const args[MAX_ARGS] = {
        "--drain-time=1m",  "--skip-verify", "--dataplane-var", "a=b=c", "-dfile",
        "--dns-envoy-port", "15054"};
    struct reading r;

    read_args(&r, args);
    EXPECT_TRUE("read", r.good);
    EXPECT_INT("duration", r.options.drain_time_ns, 60 * NS_PER_S);
    EXPECT_TRUE("switch", r.options.skip_verify);
    EXPECT_INT("variables", r.options.n_variables, 1);
    EXPECT_STR("variable's name", r.options.variables[0].name, "a");
    EXPECT_STR("variable's value", r.options.variables[0].value, "b=c");
    EXPECT_CSTR("kuma-dp's short form", r.options.dataplane_file, "file");
    EXPECT_INT("port", r.options.dns_port, 15054);
    EXPECT_INT("no port", r.options.dns_resolver_port, 0);
    arena_fini(&r.arena);
}

TEST(flags_win_over_variables)
{
    static const struct {
        const char *name;
        const char *args[MAX_ARGS];
        const char *ursa, *kuma, *want;
    } rows[] = {
        {"KUMA_", {NULL}, NULL, "kuma", "kuma"},
        {"URSA_", {NULL}, "ursa", "kuma", "ursa"},
        {"flag", {"--mesh", "flag"}, "ursa", "kuma", "flag"},
        {"the last flag", {"--mesh=a", "--mesh=b"}, NULL, NULL, "b"},
        {"an empty variable is none", {NULL}, "", NULL, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reading r;

        if (rows[i].ursa)
            setenv("URSA_DATAPLANE_MESH", rows[i].ursa, 1);
        if (rows[i].kuma)
            setenv("KUMA_DATAPLANE_MESH", rows[i].kuma, 1);
        read_args(&r, rows[i].args);
        unsetenv("URSA_DATAPLANE_MESH");
        unsetenv("KUMA_DATAPLANE_MESH");
        EXPECT_TRUE(rows[i].name, r.good);
        EXPECT_STR(rows[i].name, str_from_c(r.options.mesh), rows[i].want);
        arena_fini(&r.arena);
    }
}

TEST(what_cannot_be_read_ends_with_2)
{
    static const struct {
        const char *name;
        const char *args[MAX_ARGS];
        const char *variable; /* of --drain-time */
        int status;
    } rows[] = {
        {"unknown flag", {"--mash", "a"}, NULL, 2},
        {"value missing", {"--mesh"}, NULL, 2},
        {"value for a switch", {"--skip-verify=true"}, NULL, 2},
        {"bad duration", {"--drain-time", "30"}, NULL, 2},
        {"negative duration", {"--drain-time=-1s"}, NULL, 2},
        {"bad duration in a variable", {NULL}, "soon", 2},
        {"variable without =", {"--dataplane-var", "a"}, NULL, 2},
        {"variable without a name", {"--dataplane-var", "=a"}, NULL, 2},
        {"unknown level", {"--log-level=loud"}, NULL, 2},
        {"no flag", {"dataplane.yaml"}, NULL, 2},
        {"help", {"--help"}, NULL, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reading r;

        if (rows[i].variable)
            setenv("KUMA_DATAPLANE_DRAIN_TIME", rows[i].variable, 1);
        read_args(&r, rows[i].args);
        unsetenv("KUMA_DATAPLANE_DRAIN_TIME");
        EXPECT_TRUE(rows[i].name, !r.good);
        EXPECT_INT(rows[i].name, r.status, rows[i].status);
        arena_fini(&r.arena);
    }
}

TEST(variables_have_a_limit)
{
    static const char *const one_more[MAX_ARGS] = {"--dataplane-var=a=b"};
    char *argv[MAX_VARIABLES + 3] = {(char *)(uintptr_t) "ursa-dp", (char *)(uintptr_t) "run"};
    struct reading r;

    for (int i = 0; i <= MAX_VARIABLES; i++)
        argv[2 + i] = (char *)(uintptr_t)one_more[0];
    arena_init(&r.arena);
    EXPECT_TRUE("as many as fit", options_read(&r.options, 2 + MAX_VARIABLES, argv, &r.arena, &r.status));
    EXPECT_TRUE("one more", !options_read(&r.options, 3 + MAX_VARIABLES, argv, &r.arena, &r.status));
    arena_fini(&r.arena);
}
