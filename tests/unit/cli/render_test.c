/* What is printed: columns, ages, dates, tags. */
#include "../../lib/test.h"

#include <stdlib.h>
#include <time.h>

#include "../../../src/cli/render.h"
#include "../../../src/cli/table.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

TEST(columns_are_as_wide_as_their_widest_cell)
{
    static const char *const headers[] = {"NAME", "AGE", "NOTE"};
    static const struct {
        const char *name;
        struct str cells[3];
        const char *want;
    } rows[] = {
        {"shorter than the header",
         {STR_INIT("a"), STR_INIT("1s"), STR_INIT("x")},
         "NAME   AGE   NOTE\na      1s    x\n"},
        {"wider",
         {STR_INIT("longer-name"), STR_INIT("1s"), STR_INIT("")},
         "NAME          AGE   NOTE\nlonger-name   1s    \n"},
        {"characters, not bytes",
         {STR_INIT("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4"), STR_INIT("1s"), STR_INIT("x")},
         "NAME    AGE   NOTE\n\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4   1s    x\n"},
        {"no bytes", {{NULL, 0}, {NULL, 0}, {NULL, 0}}, "NAME   AGE   NOTE\n             \n"},
        {"what a terminal would obey",
         {STR_INIT("a\x1b[2J\n"), STR_INIT("1s"), STR_INIT("x")},
         "NAME     AGE   NOTE\na?[2J?   1s    x\n"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct table t;

        table_init(&t, &a, ARRAY_LEN(headers), headers);
        table_add(&t, rows[i].cells);
        EXPECT_STR(rows[i].name, table_render(&t), rows[i].want);
    }
    arena_fini(&a);
}

TEST(ages_are_rounded_down_to_one_unit)
{
    static const struct {
        int64_t seconds;
        const char *want;
    } rows[] = {
        {-2, "never"},         {-1, "0s"},          {0, "0s"},
        {59, "59s"},           {60, "1m"},          {3599, "59m"},
        {3600, "1h"},          {86399, "23h"},      {86400, "1d"},
        {364 * 86400, "364d"}, {365 * 86400, "1y"}, {3650 * INT64_C(86400), "10y"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].want, render_age(&a, rows[i].seconds * NS_PER_S), rows[i].want);
    EXPECT_STR("of a time", render_ago(&a, STR("2026-11-23T09:00:00Z"), INT64_C(1795424490) * NS_PER_S),
               "1m");
    EXPECT_STR("of no time", render_ago(&a, STR_NONE, 0), "never");
    arena_fini(&a);
}

TEST(dates_are_local)
{
    struct arena a;

    arena_init(&a);
    setenv("TZ", "UTC-2", 1); /* POSIX counts westwards: two hours east */
    tzset();
    EXPECT_STR("a time", render_date(&a, STR("2026-11-23T09:22:27.311300316Z")), "2026-11-23 11:22:27");
    EXPECT_STR("none", render_date(&a, STR_NONE), "-");
    arena_fini(&a);
}

TEST(tags_of_all_inbounds_and_the_gateway)
{
    static const struct {
        const char *networking, *want;
    } rows[] = {
        {"{}", ""},
        {"{\"inbound\":[{\"tags\":{\"b\":\"2\",\"a\":\"1\"}}]}", "a=1 b=2"},
        {"{\"inbound\":[{\"tags\":{\"a\":\"2\"}},{\"tags\":{\"a\":\"1\",\"b\":\"x\"}},{\"tags\":{\"a\":\"2\"}"
         "}]}",
         "a=1,2 b=x"},
        {"{\"gateway\":{\"tags\":{\"kuma.io/service\":\"edge\"}}}", "kuma.io/service=edge"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO networking = NULL;
        struct err e;

        err_init(&e, &a);
        EXPECT_INT(rows[i].networking, json_parse(str_from_c(rows[i].networking), &networking, &e), ERR_NONE);
        EXPECT_STR(rows[i].networking, render_dataplane_tags(&a, networking), rows[i].want);
    }
    arena_fini(&a);
}
