/* May the bearer of a dataplane token be this Dataplane? */
#include "ursa/base/json.h"
#include "world.h"

#define TWO_INBOUNDS                                                                                         \
    "{\"type\":\"Dataplane\",\"mesh\":\"demo\",\"name\":\"web-1\",\"networking\":{\"address\":\"10.0.0.1\"," \
    "\"inbound\":["                                                                                          \
    "{\"port\":80,\"tags\":{\"kuma.io/service\":\"web\",\"team\":\"a\"}},"                                   \
    "{\"port\":81,\"tags\":{\"kuma.io/service\":\"web-api\",\"version\":\"1\"}}]}}"
#define GATEWAY                                                                                              \
    "{\"type\":\"Dataplane\",\"mesh\":\"demo\",\"name\":\"web-1\",\"networking\":{\"address\":\"10.0.0.1\"," \
    "\"gateway\":{"                                                                                          \
    "\"tags\":{\"kuma.io/service\":\"edge\"}}}}"

TEST(claims_and_dataplanes)
{
#define TAG(name, ...)                                                                                       \
    {                                                                                                        \
        STR_INIT(name),                                                                                      \
        {                                                                                                    \
            (struct str[]){__VA_ARGS__}, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str)            \
        }                                                                                                    \
    }
#define TAGS(...)                                                                                            \
    (struct token_tag[]){__VA_ARGS__}, sizeof((struct token_tag[]){__VA_ARGS__}) / sizeof(struct token_tag)
    const struct {
        const char *name, *document, *claim_name, *claim_mesh;
        struct token_tag *tags;
        size_t n_tags;
        const char *want; /* NULL: accepted */
    } rows[] = {
        {"no claims", TWO_INBOUNDS, "", "", NULL, 0, NULL},
        {"name and mesh", TWO_INBOUNDS, "web-1", "demo", NULL, 0, NULL},
        {"another name", TWO_INBOUNDS, "other", "", NULL, 0,
         "proxy name from requestor: web-1 is different than in token: other"},
        {"a name that begins alike", TWO_INBOUNDS, "web", "", NULL, 0,
         "proxy name from requestor: web-1 is different than in token: web"},
        {"another mesh", TWO_INBOUNDS, "", "b", NULL, 0,
         "proxy mesh from requestor: demo is different than in token: b"},
        {"the name comes first", TWO_INBOUNDS, "other", "b", NULL, 0,
         "proxy name from requestor: web-1 is different than in token: other"},
        {"both services", TWO_INBOUNDS, "", "", TAGS(TAG("kuma.io/service", STR("web"), STR("web-api"))),
         NULL},
        {"more than it has", TWO_INBOUNDS, "", "",
         TAGS(TAG("kuma.io/service", STR("x"), STR("web"), STR("web-api"))), NULL},
        {"one service of two", TWO_INBOUNDS, "", "", TAGS(TAG("kuma.io/service", STR("web"))),
         "dataplane contains tag \"kuma.io/service\" with value \"web-api\" which is not allowed with this "
         "token. Allowed "
         "values in token are [\"web\"]"},
        {"allowed values are sorted, each once", TWO_INBOUNDS, "", "",
         TAGS(TAG("kuma.io/service", STR("z"), STR("b"), STR("b"), STR("a"))),
         "dataplane contains tag \"kuma.io/service\" with value \"web\" which is not allowed with this "
         "token. Allowed values "
         "in token are [\"a\" \"b\" \"z\"]"},
        {"tag of one inbound only", TWO_INBOUNDS, "", "", TAGS(TAG("team", STR("a"))), NULL},
        {"missing tag", TWO_INBOUNDS, "", "", TAGS(TAG("region", STR("eu"))),
         "dataplane has no tag \"region\" required by the token"},
        {"second tag is missing", TWO_INBOUNDS, "", "", TAGS(TAG("team", STR("a")), TAG("region", STR("eu"))),
         "dataplane has no tag \"region\" required by the token"},
        {"quotes", TWO_INBOUNDS, "", "", TAGS(TAG("a\"b\n", STR("x"))),
         "dataplane has no tag \"a\\\"b\\n\" required by the token"},
        {"gateway", GATEWAY, "", "", TAGS(TAG("kuma.io/service", STR("edge"))), NULL},
        {"another gateway", GATEWAY, "", "", TAGS(TAG("kuma.io/service", STR("e"), STR(""))),
         "dataplane contains tag \"kuma.io/service\" with value \"edge\" which is not allowed with this "
         "token. Allowed values "
         "in token are [\"\" \"e\"]"},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_claims claims = {.name = str_from_c(rows[i].claim_name),
                                      .mesh = str_from_c(rows[i].claim_mesh),
                                      .tags = rows[i].tags,
                                      .n_tags = rows[i].n_tags};
        JSON_AUTO doc = NULL;
        struct resource *dp;
        enum err_kind got;
        struct str text;

        EXPECT_INT(rows[i].name, json_parse(str_from_c(rows[i].document), &doc, &w.err), ERR_NONE);
        EXPECT_INT(rows[i].name, resource_decode(RES_DATAPLANE, doc, &dp, &w.err), ERR_NONE);
        got = token_check_dataplane(&claims, dp, &w.err);
        text = world_fault(&w);
        EXPECT_INT(rows[i].name, got, rows[i].want ? ERR_DENIED : ERR_NONE);
        if (rows[i].want)
            EXPECT_STR(rows[i].name, text,
                       arena_printf(&w.arena, "authentication failed: %s", rows[i].want).p);
        resource_unref(dp);
    }
    world_fini(&w);
}

/* A tag of the token without values allows none. */
TEST(tag_without_values)
{
    struct token_tag tag = {STR("kuma.io/service"), {NULL, 0}};
    struct token_claims claims = {.tags = &tag, .n_tags = 1};
    JSON_AUTO doc = NULL;
    struct resource *dp;
    struct world w;

    world_init(&w);
    EXPECT_INT("parse", json_parse(STR(GATEWAY), &doc, &w.err), ERR_NONE);
    EXPECT_INT("decode", resource_decode(RES_DATAPLANE, doc, &dp, &w.err), ERR_NONE);
    EXPECT_INT("check", token_check_dataplane(&claims, dp, &w.err), ERR_DENIED);
    EXPECT_STR("text", world_fault(&w),
               "authentication failed: dataplane contains tag \"kuma.io/service\" with value \"edge\" which "
               "is not allowed "
               "with this token. Allowed values in token are []");
    resource_unref(dp);
    world_fini(&w);
}
