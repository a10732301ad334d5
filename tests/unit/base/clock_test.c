/* The fake clock, and time and duration formats against what Go prints and accepts. */
#include "../../lib/test.h"

#include "ursa/base/clock.h"

TEST(fake_clock)
{
    clock_fake(5, 7);
    EXPECT_INT("mono", clock_mono_ns(), 5);
    EXPECT_INT("wall", clock_wall_ns(), 7);
    clock_fake(-1, -1);
    int64_t before = clock_mono_ns();

    EXPECT_TRUE("mono runs again", before > 5 && clock_mono_ns() >= before);
    EXPECT_TRUE("wall is after 2020", clock_wall_ns() > 1577836800 * NS_PER_S);
}

TEST(times)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t ns;
        const char *formatted; /* NULL: the same */
    } rows[] = {
        {"1970-01-01T00:00:00Z", true, 0, NULL},
        {"2026-11-23T09:22:27.3113Z", true, INT64_C(1795425747311300000), NULL},
        {"2026-11-23T09:22:27.000000001Z", true, INT64_C(1795425747000000001), NULL},
        {"2026-11-23T10:22:27+01:00", true, INT64_C(1795425747000000000), "2026-11-23T09:22:27Z"},
        {"2026-11-23T05:52:27-03:30", true, INT64_C(1795425747000000000), "2026-11-23T09:22:27Z"},
        {"2026-11-23T09:22:27.1234567899Z", true, INT64_C(1795425747123456789),
         "2026-11-23T09:22:27.123456789Z"},
        {"1969-12-31T23:59:59.5Z", true, -500000000, NULL},
        {"2024-02-29T00:00:00Z", true, INT64_C(1709164800000000000), NULL},
        {"2023-02-29T00:00:00Z", false, 0, NULL},
        {"2026-13-01T00:00:00Z", false, 0, NULL},
        {"2026-01-01T24:00:00Z", false, 0, NULL},
        {"2026-01-01T00:00:60Z", false, 0, NULL},
        {"2026-01-01T00:00:00", false, 0, NULL},
        {"2026-01-01T00:00:00.Z", false, 0, NULL},
        {"2026-01-01 00:00:00Z", false, 0, NULL},
        {"2026-1-01T00:00:00Z", false, 0, NULL},
        {"2026-01-01T00:00:00Z ", false, 0, NULL},
        {"2026-01-01T00:00:00+24:00", false, 0, NULL},
        {"9999-01-01T00:00:00Z", false, 0, NULL},
        {"", false, 0, NULL},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = 0;

        EXPECT_INT(rows[i].text, time_parse(str_from_c(rows[i].text), &got), rows[i].ok);
        EXPECT_INT(rows[i].text, got, rows[i].ns);
        if (rows[i].ok)
            EXPECT_STR(rows[i].text, time_format(&a, got),
                       rows[i].formatted ? rows[i].formatted : rows[i].text);
    }
    arena_fini(&a);
}

TEST(random_times_round_trip)
{
    struct arena a;

    arena_init(&a);
    for (int i = 0; i < 2000; i++) {
        int64_t t = (int64_t)test_rand(), back = 0;
        struct str text = time_format(&a, t);

        if (!time_parse(text, &back) || back != t)
            FAIL("%lld became " STR_FMT " and %lld", (long long)t, STR_ARG(text), (long long)back);
        arena_reset(&a);
    }
    arena_fini(&a);
}

TEST(durations_are_read_as_go_reads_them)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t ns;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+0", true, 0},
        {"0s", true, 0},
        {"5s", true, 5 * NS_PER_S},
        {"+5s", true, 5 * NS_PER_S},
        {"-1.5h", true, -5400 * NS_PER_S},
        {"1h2m3.5s", true, 3723500000000},
        {"3.s", true, 3 * NS_PER_S},
        {".5s", true, 500000000},
        {"10ns", true, 10},
        {"11us", true, 11000},
        {"12\u00b5s", true, 12000},
        {"12\u03bcs", true, 12000},
        {"13ms", true, 13000000},
        {"39h9m14.425s", true, INT64_C(140954425000000)},
        {"0.3333333333333333333h", true, 20 * 60 * NS_PER_S},
        {"9223372036854775807ns", true, INT64_MAX},
        {"-9223372036854775808ns", true, INT64_MIN},
        {"9223372036854775808ns", false, 0},
        {"9223372036s854ms775us808ns", false, 0},
        {"3000000h", false, 0},
        {"", false, 0},
        {"3", false, 0},
        {"-", false, 0},
        {"s", false, 0},
        {".", false, 0},
        {"-.", false, 0},
        {".s", false, 0},
        {"1d", false, 0},
        {"1 s", false, 0},
        {"1s ", false, 0},
        {"00", false, 0},
        {"--1s", false, 0},
        {"1S", false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = 0;

        EXPECT_INT(rows[i].text, duration_parse(str_from_c(rows[i].text), &got), rows[i].ok);
        EXPECT_INT(rows[i].text, got, rows[i].ns);
    }
}

TEST(duration_formats)
{
    static const struct {
        int64_t ns;
        const char *proto, *go;
    } rows[] = {
        {0, "0s", "0s"},
        {1, "0.000000001s", "1ns"},
        {100, "0.000000100s", "100ns"},
        {1100, "0.000001100s", "1.1\u00b5s"},
        {2000, "0.000002s", "2\u00b5s"},
        {2200000, "0.002200s", "2.2ms"},
        {500 * NS_PER_MS, "0.500s", "500ms"},
        {1500 * NS_PER_MS, "1.500s", "1.5s"},
        {90 * NS_PER_S, "90s", "1m30s"},
        {3600 * NS_PER_S, "3600s", "1h0m0s"},
        {3723500 * NS_PER_MS, "3723.500s", "1h2m3.5s"},
        {-NS_PER_S, "-1s", "-1s"},
        {-500 * NS_PER_MS, "-0.500s", "-500ms"},
        {INT64_MAX, "9223372036.854775807s", "2562047h47m16.854775807s"},
        {INT64_MIN, "-9223372036.854775808s", "-2562047h47m16.854775808s"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t back;

        EXPECT_STR(rows[i].go, duration_format_proto(&a, rows[i].ns), rows[i].proto);
        EXPECT_STR(rows[i].go, duration_format_go(&a, rows[i].ns), rows[i].go);
        EXPECT_TRUE(rows[i].go, duration_parse(str_from_c(rows[i].go), &back) && back == rows[i].ns);
    }
    arena_fini(&a);
}

TEST(why_a_duration_is_refused)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "time: invalid duration \"\""},
        {"abc", "time: invalid duration \"abc\""},
        {"-", "time: invalid duration \"-\""},
        {"1d", "time: unknown unit \"d\" in duration \"1d\""},
        {"1h2x", "time: unknown unit \"x\" in duration \"1h2x\""},
        {"+1 s", "time: unknown unit \" s\" in duration \"+1 s\""},
        {"5", "time: missing unit in duration \"5\""},
        {"1h5", "time: missing unit in duration \"1h5\""},
        {"9999999999h", "time: invalid duration \"9999999999h\""},
        {"1\"", "time: unknown unit \"\\\"\" in duration \"1\\\"\""},
    };
    struct arena a;
    int64_t ns;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        EXPECT_TRUE(rows[i].text, !duration_parse(str_from_c(rows[i].text), &ns));
        EXPECT_STR(rows[i].text, duration_explain(&a, str_from_c(rows[i].text)), rows[i].want);
    }
    arena_fini(&a);
}
