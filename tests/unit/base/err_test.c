/* Errors and paths as clients see them. */
#include "../../lib/test.h"

#include "ursa/base/count.h"
#include "ursa/base/err.h"
#include "ursa/base/log.h"

TEST(paths)
{
    struct arena a;
    const struct path *net = AT_FIELD(NULL, "networking"), *inbound = AT_INDEX(AT_FIELD(net, "inbound"), 0);
    const struct path *tags = AT_FIELD(inbound, "tags");
    const struct {
        const char *name;
        const struct path *at;
        const char *want;
    } rows[] = {
        {"nothing", NULL, ""},
        {"field", net, "networking"},
        {"key", AT_KEY(tags, STR("kuma.io/service")), "networking.inbound[0].tags[\"kuma.io/service\"]"},
        {"field after key", AT_FIELD(AT_KEY(tags, STR("k")), "x"), "networking.inbound[0].tags[\"k\"].x"},
        {"index first", AT_INDEX(NULL, 12), "[12]"},
        {"key first", AT_KEY(NULL, STR("k")), "[\"k\"]"},
        {"empty key", AT_KEY(NULL, STR("")), "[\"\"]"},
        {"quotes", AT_KEY(NULL, STR("a\"b\\c")), "[\"a\\\"b\\\\c\"]"},
        {"controls", AT_KEY(NULL, STR("\a\b\t\n\v\f\r\x01\x7f")), "[\"\\a\\b\\t\\n\\v\\f\\r\\x01\\x7f\"]"},
        {"UTF-8 stays", AT_KEY(NULL, STR("\u00e4\u20ac")), "[\"\u00e4\u20ac\"]"},
        {"bad UTF-8",
         AT_KEY(NULL, STR("\xff"
                          "a")),
         "[\"\\xffa\"]"},
        {"C1 control", AT_KEY(NULL, STR("\xc2\x85")), "[\"\\u0085\"]"},
    };

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].name, path_render(rows[i].at, &a), rows[i].want);
    arena_fini(&a);
}

TEST(causes_and_rendering)
{
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    EXPECT_INT("fresh", e.kind, ERR_NONE);
    EXPECT_STR("fresh", err_render(&e, &a), "");

    EXPECT_INT("returns the kind", err_set(&e, ERR_NOT_FOUND, "no mesh %s", "m"), ERR_NOT_FOUND);
    EXPECT_STR("text", err_render(&e, &a), "no mesh m");
    err_add_context(&e, "mesh=%s", "m");
    EXPECT_STR("context", err_render(&e, &a), "mesh=m: no mesh m");

    err_init(&e, &a);
    for (size_t i = 0; i < 10; i++)
        err_cause(&e, AT_INDEX(AT_FIELD(NULL, "a"), i), "bad %zu", i);
    EXPECT_INT("a cause makes it invalid", e.kind, ERR_INVALID);
    EXPECT_INT("all are kept", e.n_causes, 10);
    EXPECT_STR("in order", e.causes[9].field, "a[9]");
    EXPECT_STR("with their reasons", e.causes[9].reason, "bad 9");

    err_init(&e, &a);
    err_cause_at(&e, STR("name"), STR("cannot be empty"));
    err_cause_at(&e, STR_NONE, STR("no field"));
    EXPECT_STR("causes only", err_render(&e, &a), "name: cannot be empty; no field");
    err_add_context(&e, "ctx");
    EXPECT_STR("context without text", err_render(&e, &a), "ctx: name: cannot be empty; no field");
    arena_fini(&a);
}

TEST(bugs_say_where)
{
    struct arena a;
    struct err e;
    int64_t before = count_get("err_bugs");

    arena_init(&a);
    err_init(&e, &a);
    log_set_module_level("base", LOG_ERROR);
    EXPECT_INT("kind", ERR_BUG_HERE(&e, "x=%d", 1), ERR_BUG);
    EXPECT_TRUE("text",
                str_find(e.text, STR("err_test.c:")) < e.text.n && str_has_suffix(e.text, STR(": x=1")));
    EXPECT_INT("counted", count_get("err_bugs"), before + 1);
    arena_fini(&a);
}

TEST(every_kind_has_a_name)
{
    for (int kind = ERR_NONE; kind <= ERR_BUG; kind++) {
        EXPECT_TRUE("name", err_kind_name((enum err_kind)kind)[0] != '\0');
        for (int other = ERR_NONE; other < kind; other++)
            EXPECT_TRUE("own name", !str_eq(str_from_c(err_kind_name((enum err_kind)kind)),
                                            str_from_c(err_kind_name((enum err_kind)other))));
    }
}
