/* The table of revisions. */
#include "../../lib/test.h"

#include <stdlib.h>
#include <time.h>

#include "../../../src/cli/history.h"
#include "ursa/base/json.h"

static json_t *parse(struct arena *a, const char *text)
{
    json_t *tree = NULL;
    struct err e;

    setenv("TZ", "UTC", 1);
    tzset();
    err_init(&e, a);
    EXPECT_INT(text, json_parse(str_from_c(text), &tree, &e), ERR_NONE);
    return tree;
}

TEST(history_names_a_few_changes_or_all)
{
    static const char items[] = "[{\"revision\":42,\"time\":\"2026-11-23T09:00:00Z\",\"author\":\"jane\","
                                "\"origin\":\"api\",\"changes\":["
                                "{\"op\":\"create\",\"type\":\"Mesh\",\"mesh\":\"\",\"name\":\"blue\"},{"
                                "\"op\":\"update\",\"type\":\"Timeout\",\"mesh\":\"blue\",\"name\":\"a\"},"
                                "{\"op\":\"delete\",\"type\":\"Timeout\",\"mesh\":\"blue\",\"name\":\"b\"},{"
                                "\"op\":\"create\",\"type\":\"Retry\",\"mesh\":\"blue\",\"name\":\"c\"}]},"
                                "{\"revision\":41,\"time\":\"2026-11-23T08:00:00Z\",\"author\":\"\","
                                "\"origin\":\"system\",\"changes\":[]}]";
    struct arena a;

    arena_init(&a);
    JSON_AUTO tree = parse(&a, items);
    EXPECT_STR(
        "narrow", table_of_history(&a, tree, false),
        "REVISION   TIME                  AUTHOR   ORIGIN   CHANGES\n"
        "42         2026-11-23 09:00:00   jane     api      create mesh/blue, update timeout/blue/a, delete "
        "timeout/blue/b and 1 more\n"
        "41         2026-11-23 08:00:00   -        system   \n");
    EXPECT_STR(
        "wide", table_of_history(&a, tree, true),
        "REVISION   TIME                  AUTHOR   ORIGIN   CHANGES\n"
        "42         2026-11-23 09:00:00   jane     api      create mesh/blue, update timeout/blue/a, delete "
        "timeout/blue/b, create retry/blue/c\n"
        "41         2026-11-23 08:00:00   -        system   \n");
    arena_fini(&a);
}
