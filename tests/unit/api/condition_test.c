/* If-Match and If-None-Match as RFC 9110 has them. */
#include "asked.h"

#include "../../../src/api/condition.h"

TEST(conditions_are_a_star_or_a_list_of_tags)
{
    static const struct {
        const char *text;
        bool wellformed;
    } rows[] = {
        {"*", true},
        {" * ", true},
        {"\"\"", true},
        {"\"a\"", true},
        {"W/\"a\"", true},
        {"\"a\",\"b\"", true},
        {"\"a\" , W/\"b\"", true},
        {",, \"a\",,", true},
        {"\"a,b\"", true},
        {"\"*\"", true},
        {"\"\xc3\xa4\"", true},
        {"", false},
        {" , ", false},
        {"a", false},
        {"\"a", false},
        {"a\"", false},
        {"\"a\" \"b\"", false},
        {"\"a\"b", false},
        {"\"a\", *", false},
        {"*, \"a\"", false},
        {"w/\"a\"", false},
        {"W/ \"a\"", false},
        {"\"a b\"", false},
        {"'a'", false},
        {"W/", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_INT(rows[i].text, condition_is_wellformed(str_from_c(rows[i].text)), rows[i].wellformed);
}

#define OWN "\"7-ff\""

TEST(conditions_are_held_against_what_is_stored)
{
    static const struct {
        const char *match, *none_match;
        bool is_stored;
        const char *want; /* NULL: allowed */
        bool known;       /* a GET answers 304 */
    } rows[] = {
        {NULL, NULL, true, NULL, false},
        {NULL, NULL, false, NULL, false},
        {OWN, NULL, true, NULL, false},
        {OWN, NULL, false, "If-Match: nothing is stored", false},
        {"\"7-fe\"", NULL, true, "If-Match: what is stored has the ETag " OWN, false},
        {"\"8-ff\"", NULL, true, "If-Match: what is stored has the ETag " OWN, false},
        {"W/" OWN, NULL, true, "If-Match: what is stored has the ETag " OWN, false},
        {"\"a\", " OWN ", \"b\"", NULL, true, NULL, false},
        {"\"a\", \"b\"", NULL, true, "If-Match: what is stored has the ETag " OWN, false},
        {"*", NULL, true, NULL, false},
        {"*", NULL, false, "If-Match: nothing is stored", false},
        {"\"*\"", NULL, true, "If-Match: what is stored has the ETag " OWN, false},
        {NULL, "*", false, NULL, false},
        {NULL, "*", true, "If-None-Match: what is stored has the ETag " OWN, true},
        {NULL, OWN, true, "If-None-Match: what is stored has the ETag " OWN, true},
        {NULL, "W/" OWN, true, "If-None-Match: what is stored has the ETag " OWN, true},
        {NULL, "\"a\",W/" OWN, true, "If-None-Match: what is stored has the ETag " OWN, true},
        {NULL, "\"a\"", true, NULL, false},
        {NULL, OWN, false, NULL, false},
        {OWN, "*", true, "If-None-Match: what is stored has the ETag " OWN, true},
        {"\"a\"", OWN, true, "If-Match: what is stored has the ETag " OWN, true},
    };
    struct res_key key = {.type = RES_MESH, .name = STR("m")};
    struct resource *stored = resource_new(&key);

    stored->revision = 7;
    stored->modified_ns = 255;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct condition c = {.match = str_from_c(rows[i].match),
                              .none_match = str_from_c(rows[i].none_match)};
        const struct resource *found = rows[i].is_stored ? stored : NULL;
        struct arena arena;
        struct err e;
        char name[32];

        arena_init(&arena);
        err_init(&e, &arena);
        snprintf(name, sizeof(name), "row %zu", i);
        EXPECT_INT(name, condition_check(&c, found, &e), rows[i].want ? ERR_STALE : ERR_NONE);
        EXPECT_STR(name, e.text, rows[i].want ? rows[i].want : "");
        EXPECT_INT(name, condition_is_known(&c, found), rows[i].known);
        arena_fini(&arena);
    }
    resource_unref(stored);
}

TEST(who_may_change_may_not_make)
{
    const struct res_key key = {.type = RES_MESH, .name = STR("m")};
    struct resource *stored = resource_new(&key);
    const struct condition c = {.update_only = STR("not yours to make")};
    struct arena arena;
    struct err e;

    arena_init(&arena);
    err_init(&e, &arena);
    EXPECT_INT("it is there", condition_check(&c, stored, &e), ERR_NONE);
    EXPECT_INT("it has gone", condition_check(&c, NULL, &e), ERR_DENIED);
    EXPECT_STR("it has gone", e.text, "not yours to make");
    resource_unref(stored);
    arena_fini(&arena);
}

TEST(tags_tell_versions_apart)
{
    static const struct {
        uint64_t revision;
        int64_t modified_ns;
        const char *want;
    } rows[] = {
        {1, 16, "\"1-10\""},
        {1, 17, "\"1-11\""},
        {2, 16, "\"2-10\""},
        {UINT64_MAX, INT64_MAX, "\"18446744073709551615-7fffffffffffffff\""},
        {0, -1, "\"0-ffffffffffffffff\""},
    };
    struct res_key key = {.type = RES_MESH, .name = STR("m")};
    struct resource *r = resource_new(&key);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char tag[ETAG_SIZE];

        r->revision = rows[i].revision;
        r->modified_ns = rows[i].modified_ns;
        etag_print(r, tag);
        EXPECT_STR(rows[i].want, str_from_c(tag), rows[i].want);
    }
    resource_unref(r);
}
