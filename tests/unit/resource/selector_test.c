/* selector_test.c -- tag sets, selectors, ranks, and who may join a mesh. */
#include "doc.h"

/* The tags of a JSON object: those of a TrafficPermission's source, which the caller unrefs. */
static struct resource *tags_holder(const char *tags)
{
    struct arena a;

    arena_init(&a);
    struct str doc =
        arena_printf(&a, "{\"sources\":[{\"match\":%s}],\"destinations\":[{\"match\":{\"x\":\"*\"}}]}", tags);
    struct resource *r = doc_resource(RES_TRAFFIC_PERMISSION, doc.p);
    arena_fini(&a);
    return r;
}

static const struct tags *tags_of(const struct resource *r)
{
    return &resource_policy(r)->sources[0].match;
}

TEST(selectors_match_sets_that_have_their_tags)
{
    static const struct {
        const char *name, *selector, *set;
        bool want;
    } rows[] = {
        {"equal", "{\"a\":\"1\"}", "{\"a\":\"1\"}", true},
        {"more tags in the set", "{\"b\":\"2\"}", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}", true},
        {"wildcard", "{\"a\":\"*\"}", "{\"a\":\"1\"}", true},
        {"wildcard needs the tag", "{\"a\":\"*\"}", "{\"b\":\"1\"}", false},
        {"other value", "{\"a\":\"1\"}", "{\"a\":\"2\"}", false},
        {"one of two", "{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\"}", false},
        {"last missing", "{\"a\":\"1\",\"z\":\"2\"}", "{\"a\":\"1\",\"b\":\"2\"}", false},
        {"a star in the set is a value", "{\"a\":\"1\"}", "{\"a\":\"*\"}", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *selector = tags_holder(rows[i].selector), *set = tags_holder(rows[i].set);

        EXPECT_INT(rows[i].name, selector_matches(tags_of(selector), tags_of(set)), rows[i].want);
        resource_unref(selector);
        resource_unref(set);
    }
    EXPECT_TRUE("the empty selector matches everything",
                selector_matches(&(struct tags){0}, &(struct tags){0}));
}

TEST(ranks_order_by_number_of_tags_then_exact_ones)
{
    static const struct {
        const char *name, *a, *b;
        int want;
    } rows[] = {
        {"two tags beat one", "{\"a\":\"1\",\"b\":\"*\"}", "{\"a\":\"1\"}", 1},
        {"exact beats wildcard", "{\"a\":\"1\",\"b\":\"*\"}", "{\"a\":\"1\",\"b\":\"2\"}", -1},
        {"two wildcards beat one exact", "{\"a\":\"*\",\"b\":\"*\"}", "{\"a\":\"1\"}", 1},
        {"equal", "{\"a\":\"1\",\"b\":\"*\"}", "{\"c\":\"*\",\"d\":\"1\"}", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *a = tags_holder(rows[i].a), *b = tags_holder(rows[i].b);
        int order = rank_cmp(selector_rank(tags_of(a)), selector_rank(tags_of(b)));

        EXPECT_INT(rows[i].name, (order > 0) - (order < 0), rows[i].want);
        resource_unref(a);
        resource_unref(b);
    }
}

#define SIDECAR(inbounds) "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[" inbounds "]}}"
#define INBOUND(tags) "{\"port\":80,\"tags\":{" tags "}}"
#define GATEWAY(tags) "{\"networking\":{\"address\":\"10.0.0.1\",\"gateway\":{\"tags\":{" tags "}}}}"

TEST(proxies_match_by_one_inbound_or_the_gateway)
{
    static const struct {
        const char *name, *selector, *dataplane;
        bool want;
    } rows[] = {
        {"second inbound", "{\"kuma.io/service\":\"b\"}",
         SIDECAR(INBOUND("\"kuma.io/service\":\"a\"") "," INBOUND("\"kuma.io/service\":\"b\"")), true},
        {"tags of two inbounds do not add up", "{\"kuma.io/service\":\"a\",\"v\":\"2\"}",
         SIDECAR(INBOUND("\"kuma.io/service\":\"a\"") "," INBOUND("\"kuma.io/service\":\"b\",\"v\":\"2\"")),
         false},
        {"gateway", "{\"kuma.io/service\":\"g\"}", GATEWAY("\"kuma.io/service\":\"g\""), true},
        {"other gateway", "{\"kuma.io/service\":\"a\"}", GATEWAY("\"kuma.io/service\":\"g\""), false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *selector = tags_holder(rows[i].selector),
                        *dp = doc_resource(RES_DATAPLANE, rows[i].dataplane);

        EXPECT_INT(rows[i].name, selector_matches_dataplane(tags_of(selector), resource_dataplane(dp)),
                   rows[i].want);
        resource_unref(selector);
        resource_unref(dp);
    }
}

TEST(a_proxy_is_named_by_its_first_inbound_or_gateway)
{
    struct resource *sidecar =
        doc_resource(RES_DATAPLANE,
                     SIDECAR(INBOUND("\"kuma.io/service\":\"a\"") "," INBOUND("\"kuma.io/service\":\"b\"")));
    struct resource *gateway = doc_resource(RES_DATAPLANE, GATEWAY("\"kuma.io/service\":\"g\""));

    EXPECT_STR("sidecar", dataplane_service(resource_dataplane(sidecar)), "a");
    EXPECT_STR("gateway", dataplane_service(resource_dataplane(gateway)), "g");
    resource_unref(sidecar);
    resource_unref(gateway);
}

TEST(constraints_say_who_may_join)
{
#define RULES(requirements, restrictions)                                                                    \
    "{\"constraints\":{\"dataplaneProxy\":{\"requirements\":[" requirements                                  \
    "],\"restrictions\":[" restrictions "]}}}"
    static const char teams[] = RULES("{\"tags\":{\"team\":\"a\"}},{\"tags\":{\"team\":\"b\",\"env\":\"*\"}}",
                                      "{\"tags\":{\"legacy\":\"*\"}}");
    static const struct {
        const char *name, *mesh, *dataplane, *want;
    } rows[] = {
        {"no constraints", "{}", SIDECAR(INBOUND("\"kuma.io/service\":\"s\"")), ""},
        {"first rule", teams, SIDECAR(INBOUND("\"kuma.io/service\":\"s\",\"team\":\"a\"")), ""},
        {"wildcard met", teams, SIDECAR(INBOUND("\"kuma.io/service\":\"s\",\"team\":\"b\",\"env\":\"dev\"")),
         ""},
        {"wildcard missing", teams, SIDECAR(INBOUND("\"kuma.io/service\":\"s\",\"team\":\"b\"")),
         "networking.inbound[0].tags: dataplane cannot be a member of mesh \"m\" because its tags "
         "\"kuma.io/service=s team=b\" does not "
         "fulfill any requirements defined on the Mesh"},
        {"restricted", teams, SIDECAR(INBOUND("\"kuma.io/service\":\"s\",\"team\":\"a\",\"legacy\":\"yes\"")),
         "networking.inbound[0].tags: dataplane cannot be a member of mesh \"m\" because its tags "
         "\"kuma.io/service=s legacy=yes team=a\" "
         "matches restricted tags \"legacy=*\" defined on the Mesh"},
        {"every inbound must pass", teams,
         SIDECAR(
             INBOUND("\"kuma.io/service\":\"s\",\"team\":\"a\"") "," INBOUND("\"kuma.io/service\":\"t\"")),
         "networking.inbound[1].tags: dataplane cannot be a member of mesh \"m\" because its tags "
         "\"kuma.io/service=t\" does not fulfill "
         "any requirements defined on the Mesh"},
        {"gateway", teams, GATEWAY("\"kuma.io/service\":\"g\""),
         "networking.gateway.tags: dataplane cannot be a member of mesh \"m\" because its tags "
         "\"kuma.io/service=g\" does not fulfill any "
         "requirements defined on the Mesh"},
        {"only restrictions", RULES("", "{\"tags\":{\"kuma.io/service\":\"evil\"}}"),
         SIDECAR(INBOUND("\"kuma.io/service\":\"good\"")), ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *mesh = doc_resource(RES_MESH, rows[i].mesh),
                        *dp = doc_resource(RES_DATAPLANE, rows[i].dataplane);
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        enum err_kind kind = mesh_check_membership(resource_mesh(mesh), STR("m"), resource_dataplane(dp), &e);
        EXPECT_INT(rows[i].name, kind, rows[i].want[0] ? ERR_INVALID : ERR_NONE);
        EXPECT_STR(rows[i].name,
                   e.n_causes ? arena_printf(&a, STR_FMT ": " STR_FMT, STR_ARG(e.causes[0].field),
                                             STR_ARG(e.causes[0].reason))
                              : STR(""),
                   rows[i].want);
        resource_unref(mesh);
        resource_unref(dp);
        arena_fini(&a);
    }
}
