/* What is said of a revision that has, or has not, taken effect. */
#include "../../lib/test.h"

#include "../../../src/cli/status.h"
#include "ursa/base/json.h"

static json_t *parse(struct arena *a, const char *text)
{
    json_t *tree = NULL;
    struct err e;

    err_init(&e, a);
    EXPECT_INT(text, json_parse(str_from_c(text), &tree, &e), ERR_NONE);
    return tree;
}

TEST(status_names_who_has_not)
{
    static const struct {
        const char *answer, *want;
    } rows[] = {
        {"{\"revision\":42,\"applied\":true,\"proxies\":{\"total\":3,\"applied\":3,\"pending\":0,\"refused\":"
         "0},\"laggards\":[]}",
         "revision 42: applied by 3 of 3 proxies\n"},
        {"{\"revision\":42,\"applied\":false,\"proxies\":{\"total\":3,\"applied\":1,\"pending\":1,"
         "\"refused\":1},\"laggards\":[{\"mesh\":\"blue\","
         "\"name\":\"a\",\"state\":\"pending\",\"reason\":\"\"},{\"mesh\":\"blue\",\"name\":\"b\",\"state\":"
         "\"refused\",\"reason\":\"no\\u001b way\"}]}",
         "revision 42: not yet applied by 1 of 3 proxies (1 pending, 1 refused)\n\n"
         "MESH   NAME   STATE     REASON\nblue   a      pending   \nblue   b      refused   no? way\n"},
        {"{\"revision\":3,\"applied\":true,\"proxies\":{\"total\":0,\"applied\":0},\"laggards\":[]}",
         "revision 3: applied, for no proxy is online\n"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO tree = parse(&a, rows[i].answer);
        EXPECT_STR(rows[i].want, status_text(&a, tree), rows[i].want);
    }
    arena_fini(&a);
}
