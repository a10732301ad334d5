/* Which proxy ursa-dp asks for, and what it makes of the answer. */
#include "../../lib/test.h"

#include "../../../src/dp/answer.h"
#include "../../../src/dp/envoy.h"
#include "../../../src/dp/proxy.h"

TEST(the_dataplane_says_mesh_and_name)
{
    static const struct {
        const char *name, *mesh, *proxy, *dataplane;
        enum err_kind kind;
        const char *want; /* mesh/name, or the message */
    } rows[] = {
        {"flags", "blue", "web", NULL, ERR_NONE, "blue/web"},
        {"default mesh", NULL, "web", NULL, ERR_NONE, "default/web"},
        {"nothing", "blue", NULL, NULL, ERR_INVALID,
         "say which proxy: --name, or --dataplane-file with its Dataplane"},
        {"Dataplane", NULL, NULL, "{type: Dataplane, mesh: m, name: w}", ERR_NONE, "m/w"},
        {"JSON", NULL, NULL, "{\"mesh\": \"m\", \"name\": \"w\"}", ERR_NONE, "m/w"},
        {"filled in", NULL, NULL, "mesh: m\nname: {{ who }}-1\n", ERR_NONE, "m/web-1"},
        {"not filled in", NULL, NULL, "mesh: m\nname: {{ whom }}\n", ERR_INVALID,
         "the Dataplane (--dataplane): line 2, column 7: {{ whom }} is used but has no value"},
        {"flags that agree", "m", "w", "{mesh: m, name: w}", ERR_NONE, "m/w"},
        {"other mesh", "o", NULL, "{mesh: m, name: w}", ERR_INVALID,
         "--mesh says \"o\" and the Dataplane \"m\": leave the flag out"},
        {"other name", NULL, "o", "{mesh: m, name: w}", ERR_INVALID,
         "--name says \"o\" and the Dataplane \"w\": leave the flag out"},
        {"no mesh", "m", NULL, "{name: w}", ERR_INVALID, "the Dataplane (--dataplane): it has no mesh"},
        {"no name", NULL, NULL, "{mesh: m}", ERR_INVALID, "the Dataplane (--dataplane): it has no name"},
        {"name no text", NULL, NULL, "{mesh: m, name: 5}", ERR_INVALID,
         "the Dataplane (--dataplane): it has no name"},
        {"list", NULL, NULL, "[]", ERR_INVALID, "the Dataplane (--dataplane): it has no mesh"},
        {"empty", NULL, NULL, "", ERR_INVALID, "the Dataplane (--dataplane): it is empty"},
        {"no YAML", NULL, NULL, "{mesh: m", ERR_MALFORMED, NULL},
        {"two documents", NULL, NULL, "mesh: m\n---\nmesh: m\n", ERR_MALFORMED, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct options o = {.mesh = rows[i].mesh, .name = rows[i].proxy, .n_variables = 1};
        struct proxy p;
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        o.variables[0] = (struct client_variable){STR("who"), STR("web")};
        EXPECT_INT(rows[i].name, proxy_describe(&o, str_from_c(rows[i].dataplane), &a, &p, &e), rows[i].kind);
        if (rows[i].kind == ERR_NONE)
            EXPECT_STR(rows[i].name, arena_printf(&a, STR_FMT "/" STR_FMT, STR_ARG(p.mesh), STR_ARG(p.name)),
                       rows[i].want);
        else if (rows[i].want)
            EXPECT_STR(rows[i].name, e.text, rows[i].want);
        arena_fini(&a);
    }
}

TEST(an_answer_is_a_bootstrap_a_refusal_or_a_reason_to_wait)
{
    static const struct {
        const char *name;
        long status;
        const char *body;
        enum err_kind kind;
        const char *want; /* the bootstrap, or the message */
    } rows[] = {
        {"bootstrap", 200, "{\"bootstrap\": \"bm9kZToge30K\"}", ERR_NONE, "node: {}\n"},
        {"not stored yet", 404, "", ERR_UNAVAILABLE, "the control plane does not know this proxy yet"},
        {"broken", 500, "oh", ERR_UNAVAILABLE, "the control plane answers 500: oh"},
        {"starting", 503, "", ERR_UNAVAILABLE, "the control plane answers 503: "},
        {"others guess", 429, "wait", ERR_UNAVAILABLE, "the control plane answers 429: wait"},
        {"invalid Dataplane", 422, "networking: has to be", ERR_DENIED,
         "the control plane refuses this proxy (422): networking: has to be"},
        {"bad host", 400, "", ERR_DENIED, "the control plane refuses this proxy (400): "},
        {"another server", 302, "", ERR_DENIED, "the control plane refuses this proxy (302): "},
        {"no JSON", 200, "<html>", ERR_MALFORMED, NULL},
        {"cut off", 200, "{\"bootstrap\": \"bm9k", ERR_MALFORMED, NULL},
        {"empty", 200, "", ERR_MALFORMED, NULL},
        {"no bootstrap", 200, "{}", ERR_MALFORMED, NULL},
        {"empty bootstrap", 200, "{\"bootstrap\": \"\"}", ERR_MALFORMED, NULL},
        {"bootstrap no text", 200, "{\"bootstrap\": {}}", ERR_MALFORMED, NULL},
        {"no base64", 200, "{\"bootstrap\": \"!\"}", ERR_MALFORMED, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct client_answer answer = {.status = rows[i].status, .body = str_from_c(rows[i].body)};
        struct str yaml = STR_NONE;
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        EXPECT_INT(rows[i].name, answer_read(&answer, &a, &yaml, &e), rows[i].kind);
        EXPECT_STR(rows[i].name, rows[i].kind == ERR_NONE ? yaml : e.text,
                   rows[i].want ? rows[i].want
                                : "what answers at --cp-address sends no bootstrap: is it a control plane?");
        arena_fini(&a);
    }
}

TEST(a_refusal_is_shown_in_part)
{
    struct client_answer answer = {.status = 400};
    struct str yaml;
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    answer.body = str_from(arena_alloc(&a, 100000), 100000);
    EXPECT_INT("kind", answer_read(&answer, &a, &yaml, &e), ERR_DENIED);
    EXPECT_TRUE("bounded", e.text.n < 3000);
    arena_fini(&a);
}

TEST(envoys_version)
{
    static const struct {
        const char *name, *output, *version, *build;
    } rows[] = {
        {"release", "\nenvoy  version: 4cab9d1/1.40.0/Clean/RELEASE/BoringSSL\n\n", "1.40.0",
         "4cab9d1/1.40.0/Clean/RELEASE/BoringSSL"},
        {"cut off", "envoy  version: 4cab9d1/1.4", "1.4", "4cab9d1/1.4"},
        {"other words", "envoy  version: mine\n", "unknown", "mine"},
        {"nothing", "", "unknown", "unknown"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct envoy_version v = envoy_version_parse(str_from_c(rows[i].output), &a);

        EXPECT_STR(rows[i].name, v.version, rows[i].version);
        EXPECT_STR(rows[i].name, v.build, rows[i].build);
    }
    EXPECT_STR("no program", envoy_version_ask("/nonexistent/envoy", &a).version, "unknown");
    arena_fini(&a);
}
