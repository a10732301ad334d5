/* What is said of a rollback. */
#include "../../lib/test.h"

#include "../../../src/cli/rollback.h"
#include "ursa/base/json.h"

static json_t *parse(struct arena *a, const char *text)
{
    json_t *tree = NULL;
    struct err e;

    err_init(&e, a);
    EXPECT_INT(text, json_parse(str_from_c(text), &tree, &e), ERR_NONE);
    return tree;
}

TEST(rollback_says_what_became_of_each)
{
    static const struct {
        const char *answer, *want;
    } rows[] = {
        {"{\"revision\":43,\"items\":[{\"type\":\"Timeout\",\"mesh\":\"blue\",\"name\":\"a\",\"outcome\":"
         "\"updated\"},{\"type\":\"Secret\","
         "\"mesh\":\"blue\",\"name\":\"s\",\"outcome\":\"kept\",\"reason\":\"secrets that exist are "
         "kept\"}]}",
         "timeout/blue/a updated\nsecret/blue/s kept: secrets that exist are kept\nrevision 43\n"},
        {"{\"revision\":42,\"dryRun\":true,\"items\":[{\"type\":\"Timeout\",\"mesh\":\"blue\",\"name\":\"a\","
         "\"outcome\":\"deleted\"}]}",
         "timeout/blue/a deleted (dry run)\nnothing was changed (dry run)\n"},
        {"{\"revision\":42,\"items\":[]}", "nothing to change\n"},
        {"{\"revision\":43,\"items\":[{\"type\":\"Mesh\",\"name\":\"m\",\"outcome\":\"created\"}],"
         "\"omitted\":7}",
         "mesh/m created\nand 7 more\nrevision 43\n"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO tree = parse(&a, rows[i].answer);
        EXPECT_STR(rows[i].want, text_of_rollback(&a, tree), rows[i].want);
    }
    arena_fini(&a);
}
