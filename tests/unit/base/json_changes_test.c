/* Two JSON values against each other: the fields that differ, and no more of them than asked for. */
#include "../../lib/test.h"

#include "ursa/base/json.h"
#include "ursa/base/json_changes.h"

static json_t *parse(struct arena *a, const char *text)
{
    json_t *tree = NULL;
    struct err e;

    err_init(&e, a);
    EXPECT_INT(text, json_parse(str_from_c(text), &tree, &e), ERR_NONE);
    return tree;
}

TEST(fields_that_differ)
{
    static const struct {
        const char *before, *after, *want;
    } rows[] = {
        {"{\"a\":1,\"b\":[{}]}", "{\"b\":[{}],\"a\":1}", "[]"},
        {"{\"a\":1}", "{\"a\":2}", "[{\"field\":\"a\",\"before\":1,\"after\":2}]"},
        {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "[{\"field\":\"a.b\",\"before\":1,\"after\":null}]"},
        {"{\"a\":[1,{\"k/x\":2}]}", "{\"a\":[1,{\"k/x\":3}]}",
         "[{\"field\":\"a[1][\\\"k/x\\\"]\",\"before\":2,\"after\":3}]"},
        {"{\"a\":[]}", "{\"a\":[{\"b\":1}]}", "[{\"field\":\"a[0]\",\"before\":null,\"after\":{\"b\":1}}]"},
        {"{\"a\":[]}", "{\"a\":{}}", "[{\"field\":\"a\",\"before\":[],\"after\":{}}]"},
        {"{\"a\":1,\"b\":2,\"c\":3}", "{\"d\":4}",
         "[{\"field\":\"a\",\"before\":1,\"after\":null},{\"field\":\"b\",\"before\":2,\"after\":null},{"
         "\"omitted\":2}]"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO before = parse(&a, rows[i].before);
        JSON_AUTO after = parse(&a, rows[i].after);
        JSON_AUTO changes = json_changes(before, after, 2, &a);

        EXPECT_STR(rows[i].want, json_format(&a, changes), rows[i].want);
    }
    arena_fini(&a);
}
