/* Events as lines. */
#include "../../lib/test.h"

#include <stdlib.h>
#include <time.h>

#include "../../../src/cli/watch.h"
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

TEST(an_event_is_a_line)
{
    static const struct {
        const char *name, *data, *want;
    } rows[] = {
        {"resource",
         "{\"revision\":42,\"time\":\"2026-11-23T09:00:00Z\",\"op\":\"update\",\"type\":\"Timeout\",\"mesh\":"
         "\"blue\",\"name\":\"a\"}",
         "2026-11-23 09:00:00 42 resource timeout/blue/a update"},
        {"nack",
         "{\"revision\":42,\"time\":\"2026-11-23T09:00:00Z\",\"state\":\"refused\",\"type\":\"Dataplane\","
         "\"mesh\":\"blue\",\"name\":\"web\","
         "\"reason\":\"bad\\nconfig\",\"n\":3}",
         "2026-11-23 09:00:00 42 nack dataplane/blue/web refused reason=bad?config n=3"},
        {"end", "{\"revision\":4,\"time\":\"2026-11-23T09:00:00Z\",\"reason\":\"it stops\"}",
         "2026-11-23 09:00:00 4 end reason=it stops"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO tree = parse(&a, rows[i].data);
        EXPECT_STR(rows[i].want, watch_line(&a, str_from_c(rows[i].name), tree), rows[i].want);
    }
    arena_fini(&a);
}
