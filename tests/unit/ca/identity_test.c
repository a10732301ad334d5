/* The names in a workload's certificate. */
#include "ursa/base/json.h"
#include "world.h"

TEST(uris_of_dataplanes)
{
#define DP(net)                                                                                              \
    "{\"type\":\"Dataplane\",\"mesh\":\"demo\",\"name\":\"dp\",\"networking\":{\"address\":\"10.0.0."        \
    "1\"," net "}}"
#define INBOUND(port, tags) "{\"port\":" port ",\"tags\":{" tags "}}"
    static const struct {
        const char *name, *document, *want;
    } rows[] = {
        {"one inbound", DP("\"inbound\":[" INBOUND("80", "\"kuma.io/service\":\"web\"") "]"),
         "spiffe://demo/web kuma://kuma.io/service/web"},
        {"tags sorted by name",
         DP("\"inbound\":[" INBOUND(
             "80",
             "\"version\":\"1\",\"kuma.io/service\":\"web\",\"kuma.io/protocol\":\"http\",\"a\":\"x\"") "]"),
         "spiffe://demo/web kuma://a/x kuma://kuma.io/protocol/http kuma://kuma.io/service/web "
         "kuma://version/1"},
        {"two services, sorted",
         DP("\"inbound\":[" INBOUND("80", "\"kuma.io/service\":\"web\"") "," INBOUND(
             "81", "\"kuma.io/service\":\"api\"") "]"),
         "spiffe://demo/api spiffe://demo/web kuma://kuma.io/service/api kuma://kuma.io/service/web"},
        {"one service twice",
         DP("\"inbound\":[" INBOUND("80", "\"kuma.io/service\":\"web\"") "," INBOUND(
             "81", "\"kuma.io/service\":\"web\"") "]"),
         "spiffe://demo/web kuma://kuma.io/service/web"},
        {"values of one tag",
         DP("\"inbound\":[" INBOUND("80", "\"kuma.io/service\":\"web\",\"v\":\"2\"") "," INBOUND(
             "81", "\"kuma.io/service\":\"web\",\"v\":\"1\"") "]"),
         "spiffe://demo/web kuma://kuma.io/service/web kuma://v/1 kuma://v/2"},
        {"gateway", DP("\"gateway\":{\"tags\":{\"kuma.io/service\":\"edge\",\"z\":\"1\"}}"),
         "spiffe://demo/edge kuma://kuma.io/service/edge kuma://z/1"},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO doc = NULL;
        struct resource *dp;
        struct str *uris, text = STR("");
        size_t n;

        EXPECT_INT(rows[i].name, json_parse(str_from_c(rows[i].document), &doc, &w.err), ERR_NONE);
        EXPECT_INT(rows[i].name, resource_decode(RES_DATAPLANE, doc, &dp, &w.err), ERR_NONE);
        identity_uris(&w.arena, STR("demo"), resource_dataplane(dp), &uris, &n);
        for (size_t k = 0; k < n; k++)
            text =
                arena_printf(&w.arena, STR_FMT "%s" STR_FMT, STR_ARG(text), k ? " " : "", STR_ARG(uris[k]));
        EXPECT_STR(rows[i].name, text, rows[i].want);
        resource_unref(dp);
    }
    world_fini(&w);
}

TEST(names_are_escaped)
{
    static const struct {
        const char *name, *service,
            *tag; /* the identity as a service of mesh m_1.a, and as value of tag t:x/y */
    } rows[] = {
        {"web", "spiffe://m_1.a/web", "kuma://t:x/y/web"},
        {"a.b_c-D:80", "spiffe://m_1.a/a.b_c-D:80", "kuma://t:x/y/a.b_c-D:80"},
        {"a/b", "spiffe://m_1.a/a/b", "kuma://t:x/y/a%2Fb"},
        {"50%", "spiffe://m_1.a/50%25", "kuma://t:x/y/50%25"},
        {"a b?c#d", "spiffe://m_1.a/a%20b%3Fc%23d", "kuma://t:x/y/a%20b%3Fc%23d"},
        {"\xc3\xa9\x7f", "spiffe://m_1.a/%C3%A9%7F", "kuma://t:x/y/%C3%A9%7F"},
        {"~!$&'()*+,;=@", "spiffe://m_1.a/~!$&'()*+,;=@", "kuma://t:x/y/~!$&'()*+,;=@"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str name = str_from_c(rows[i].name);

        EXPECT_STR(rows[i].name, identity_service(&a, STR("m_1.a"), name), rows[i].service);
        EXPECT_STR(rows[i].name, identity_tag(&a, STR("t:x/y"), name), rows[i].tag);
    }
    EXPECT_STR("domain", identity_domain(&a, STR("m_1.a")), "spiffe://m_1.a/");
    arena_fini(&a);
}

/* What identity_uris() computes, the mesh's CA signs; another mesh's does not. */
TEST(computed_names_are_signed)
{
    struct dp_inbound inbound = {
        .port = 80,
        .tags = {(struct tag[]){{STR("kuma.io/service"), STR("web")}, {STR("team"), STR("a:b_c-d.e")}}, 2}};
    struct dp_networking net = {.inbound = &inbound, .n_inbound = 1};
    struct dataplane_spec spec = {.networking = &net};
    struct authority *ca, *other;
    struct leaf *leaf;
    struct str *uris;
    struct world w;
    size_t n;

    world_init(&w);
    ca = world_authority(&w, "demo", NULL);
    other = world_authority(&w, "other", NULL);
    identity_uris(&w.arena, STR("demo"), &spec, &uris, &n);
    EXPECT_INT("names", n, 3);
    EXPECT_INT("own mesh", authority_issue(ca, uris, n, DAY_NS, &leaf, &w.err), ERR_NONE);
    leaf_unref(leaf);
    EXPECT_INT("another mesh", authority_issue(other, uris, n, DAY_NS, &leaf, &w.err), ERR_DENIED);
    EXPECT_STR("text", world_fault(&w),
               "a CA of trust domain spiffe://other/ does not sign the identity \"spiffe://demo/web\"");
    authority_unref(ca);
    authority_unref(other);
    world_fini(&w);
}
