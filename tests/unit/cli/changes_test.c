/* What is different between two states, and how it is shown. */
#include "../../lib/test.h"

#include "../../../src/cli/changes.h"
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

static struct str shown(struct arena *a, const json_t *items, bool colours)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    changes_write(a, items, colours, &out);
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

TEST(fields_that_differ)
{
    static const struct {
        const char *before, *after, *want;
    } rows[] = {
        {"{\"a\":1,\"b\":{\"c\":2}}", "{\"b\":{\"c\":2},\"a\":1}", ""},
        {"{\"a\":1}", "{\"a\":2}", "  ~ a: 1 -> 2\n"},
        {"{\"a\":1}", "{\"a\":\"1\"}", "  ~ a: 1 -> 1\n"},
        {"{\"a\":\"x y\"}", "{\"a\":\"\"}", "  ~ a: \"x y\" -> \"\"\n"},
        {"{\"a\":{\"b\":{\"c\":1,\"d\":2}}}", "{\"a\":{\"b\":{\"d\":2}},\"e\":true}",
         "  - a.b.c: 1\n  + e: true\n"},
        {"{\"t\":{\"kuma.io/service\":\"a\"}}", "{\"t\":{\"kuma.io/service\":\"b\"}}",
         "  ~ t[\"kuma.io/service\"]: a -> b\n"},
        {"{\"l\":[{\"p\":1},{\"p\":2}]}", "{\"l\":[{\"p\":1},{\"p\":3},{\"p\":4,\"q\":5}]}",
         "  ~ l[1].p: 2 -> 3\n  + l[2]: {\"p\":4,\"q\":5}\n"},
        {"{\"l\":[1,2]}", "{\"l\":[1]}", "  - l[1]: 2\n"},
        {"{\"l\":[1]}", "{\"l\":[]}", "  - l[0]: 1\n"},
        {"{\"o\":{}}", "{}", "  - o: {}\n"},
        {"{\"o\":{\"a\":1}}", "{\"o\":5}", "  ~ o: {\"a\":1} -> 5\n"},
        {"{\"a\":\"\"}", "{\"a\":\"b\\u001b[31m\"}", "  ~ a: \"\" -> \"b\\u001b[31m\"\n"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO before = parse(&a, rows[i].before);
        JSON_AUTO after = parse(&a, rows[i].after);
        JSON_AUTO items = json_pack("[{s:s,s:s,s:s,s:s,s:o}]", "op", "update", "type", "Timeout", "mesh", "m",
                                    "name", "t", "changes", json_changes(before, after, 1000, &a));

        if (*rows[i].want)
            EXPECT_STR(rows[i].want, shown(&a, items, false),
                       arena_printf(&a, "timeout/m/t updated\n%s", rows[i].want).p);
        else
            EXPECT_INT("none", json_array_size(json_get(json_array_get(items, 0), "changes")), 0);
    }
    arena_fini(&a);
}

TEST(whole_resources)
{
    static const char items[] =
        "[{\"op\":\"create\",\"type\":\"Mesh\",\"mesh\":\"\",\"name\":\"blue\",\"before\":null,\"after\":{"
        "\"type\":\"Mesh\",\"name\":\"blue\","
        "\"creationTime\":\"2026-11-23T09:00:00Z\",\"mtls\":{\"enabledBackend\":\"ca\"}},\"changes\":[]},"
        "{\"op\":\"delete\",\"type\":\"Timeout\",\"mesh\":\"m\",\"name\":\"t\",\"before\":{\"type\":"
        "\"Timeout\",\"conf\":{\"connectTimeout\":"
        "\"5s\"}},\"after\":null},"
        "{\"op\":\"update\",\"type\":\"Secret\",\"mesh\":\"m\",\"name\":\"s\",\"before\":{\"name\":\"s\"},"
        "\"after\":{\"name\":\"s\"},"
        "\"changes\":[{\"field\":\"data\",\"before\":null,\"after\":null},{\"omitted\":3}]}]";
    struct arena a;

    arena_init(&a);
    JSON_AUTO tree = parse(&a, items);
    EXPECT_STR("plain", shown(&a, tree, false),
               "mesh/blue created\n  + mtls:\n  +   enabledBackend: ca\n"
               "timeout/m/t deleted\n  - conf:\n  -   connectTimeout: 5s\n"
               "secret/m/s updated\n  ~ data\n  ~ and 3 more fields\n");
    EXPECT_TRUE("coloured", str_find(shown(&a, tree, true), STR("\033[32m+   enabledBackend: ca\033[0m\n")) <
                                shown(&a, tree, true).n);
    arena_fini(&a);
}
