/* String slices: searching, cutting, comparing, integers, UTF-8. */
#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/arena.h"
#include "ursa/base/buf.h"

TEST(cutting_between_characters)
{
    static const struct {
        const char *name, *text;
        size_t max;
        const char *want;
    } rows[] = {
        {"short enough", "abc", 3, "abc"},     {"too long", "abcd", 3, "abc"},
        {"to nothing", "abc", 0, ""},          {"empty", "", 3, ""},
        {"behind a character", "aé", 3, "aé"}, {"amid a character", "aé", 2, "a"},
        {"amid the first", "€", 2, ""},        {"before a character", "aé", 1, "a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].name, str_cut(str_from_c(rows[i].text), rows[i].max), rows[i].want);
}

TEST(quoting_has_room_for_the_worst)
{
    static const struct {
        const char *name;
        struct str text;
        const char *want;
    } rows[] = {
        {"nothing", STR_INIT(""), "\"\""},
        {"plain", STR_INIT("web-1"), "\"web-1\""},
        {"each byte becomes four", STR_INIT("\x01\xff\x02"), "\"\\x01\\xff\\x02\""},
        {"two become six", STR_INIT("\xc2\x80\xc2\x9f"), "\"\\u0080\\u009f\""},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].name, str_quote(&a, rows[i].text), rows[i].want);
    EXPECT_STR("NULL", str_quote(&a, STR_NONE), "\"\"");
    arena_fini(&a);
}

TEST(comparing)
{
    static const struct {
        const char *name, *a, *b;
        int order;
        bool eq_nocase;
    } rows[] = {
        {"equal", "abc", "abc", 0, true},
        {"case", "ABC", "abc", -1, true},
        {"prefix is less", "ab", "abc", -1, false},
        {"longer is more", "abc", "ab", 1, false},
        {"bytes are unsigned", "\xc3", "a", 1, false},
        {"empty first", "", "a", -1, false},
        {"both empty", "", "", 0, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str a = str_from_c(rows[i].a), b = str_from_c(rows[i].b);
        int order = str_cmp(a, b);

        EXPECT_INT(rows[i].name, (order > 0) - (order < 0), rows[i].order);
        EXPECT_INT(rows[i].name, str_eq(a, b), rows[i].order == 0);
        EXPECT_INT(rows[i].name, str_eq_secret(a, b), rows[i].order == 0);
        EXPECT_INT(rows[i].name, str_eq_nocase(a, b), rows[i].eq_nocase);
    }
    EXPECT_TRUE("no memory and no length are equal", str_eq(STR_NONE, STR("")));
}

TEST(searching)
{
    static const struct {
        const char *name, *text, *needle;
        size_t first, last; /* of needle[0] */
        size_t found;
    } rows[] = {
        {"in the middle", "a/b/c", "/c", 1, 3, 3},
        {"at the start", "/ab", "/a", 0, 0, 0},
        {"absent", "abc", "x", 3, 3, 3},
        {"empty text", "", "x", 0, 0, 0},
        {"longer than the text", "ab", "abc", 0, 0, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str s = str_from_c(rows[i].text);

        EXPECT_INT(rows[i].name, str_chr(s, rows[i].needle[0]), rows[i].first);
        EXPECT_INT(rows[i].name, str_rchr(s, rows[i].needle[0]), rows[i].last);
        EXPECT_INT(rows[i].name, str_find(s, str_from_c(rows[i].needle)), rows[i].found);
    }
    EXPECT_INT("empty needle", str_find(STR("abc"), STR_NONE), 0);
    EXPECT_TRUE("prefix", str_has_prefix(STR("kuma.io/x"), STR("kuma.io/")));
    EXPECT_TRUE("no prefix", !str_has_prefix(STR("kum"), STR("kuma")));
    EXPECT_TRUE("suffix", str_has_suffix(STR("a.yaml"), STR(".yaml")));
    EXPECT_TRUE("no suffix", !str_has_suffix(STR("yaml"), STR(".yaml")));
    EXPECT_TRUE("everything has the empty prefix", str_has_prefix(STR_NONE, STR_NONE));
}

TEST(cutting)
{
    EXPECT_STR("slice", str_slice(STR("abcdef"), 2, 4), "cd");
    EXPECT_STR("slice is clamped", str_slice(STR("abc"), 1, 99), "bc");
    EXPECT_STR("slice past the end", str_slice(STR("abc"), 7, 9), "");
    EXPECT_STR("slice of nothing", str_slice(STR_NONE, 1, 2), "");
    EXPECT_STR("trim", str_trim(STR(" \t a b \r\n")), "a b");
    EXPECT_STR("trim to nothing", str_trim(STR(" \n")), "");
}

TEST(splitting)
{
    static const struct {
        const char *name, *text, *want; /* parts, each in <> */
    } rows[] = {
        {"three", "a,b,c", "<a><b><c>"}, {"empty in the middle", "a,,b", "<a><><b>"},
        {"empty text", "", "<>"},        {"separator last", "a,", "<a><>"},
        {"separator only", ",", "<><>"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str rest = str_from_c(rows[i].text), part;
        struct buf got;

        buf_init(&got, 64);
        while (str_next(&rest, ',', &part))
            buf_printf(&got, "<" STR_FMT ">", STR_ARG(part));
        EXPECT_STR(rows[i].name, buf_str(&got), rows[i].want);
        buf_fini(&got);
    }
    struct str none = STR_NONE, part;

    EXPECT_TRUE("nothing has no part", !str_next(&none, ',', &part));
}

TEST(signed_integers)
{
    static const struct {
        const char *text;
        int64_t min, max;
        bool ok;
        int64_t want;
    } rows[] = {
        {"0", INT64_MIN, INT64_MAX, true, 0},
        {"-0", INT64_MIN, INT64_MAX, true, 0},
        {"007", 0, 10, true, 7},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"99999999999999999999999", INT64_MIN, INT64_MAX, false, 0},
        {"11", 0, 10, false, 0},
        {"-1", 0, 10, false, 0},
        {"", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"+1", INT64_MIN, INT64_MAX, false, 0},
        {" 1", INT64_MIN, INT64_MAX, false, 0},
        {"1 ", INT64_MIN, INT64_MAX, false, 0},
        {"0x1", INT64_MIN, INT64_MAX, false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = 0;

        EXPECT_INT(rows[i].text, str_to_int(str_from_c(rows[i].text), rows[i].min, rows[i].max, &got),
                   rows[i].ok);
        EXPECT_INT(rows[i].text, got, rows[i].want);
    }
}

TEST(unsigned_integers)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
    } rows[] = {
        {"18446744073709551615", UINT64_MAX, true},
        {"18446744073709551616", UINT64_MAX, false},
        {"65535", 65535, true},
        {"65536", 65535, false},
        {"-1", UINT64_MAX, false},
        {"", UINT64_MAX, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t got;

        EXPECT_INT(rows[i].text, str_to_uint(str_from_c(rows[i].text), rows[i].max, &got), rows[i].ok);
    }
}

TEST(utf8)
{
    static const struct {
        const char *name, *text;
        size_t want;
    } rows[] = {
        {"ascii", "a", 1},
        {"two bytes", "\xc3\xa4x", 2},
        {"three bytes", "\xe2\x82\xac", 3},
        {"four bytes", "\xf0\x9f\x98\x80", 4},
        {"empty", "", 0},
        {"cut", "\xe2\x82", 0},
        {"continuation first", "\x80", 0},
        {"no continuation", "\xc3(", 0},
        {"overlong two", "\xc0\xaf", 0},
        {"overlong three", "\xe0\x80\xaf", 0},
        {"overlong four", "\xf0\x80\x80\xaf", 0},
        {"surrogate", "\xed\xa0\x80", 0},
        {"last before the surrogates", "\xed\x9f\xbf", 3},
        {"last of all", "\xf4\x8f\xbf\xbf", 4},
        {"past the last", "\xf4\x90\x80\x80", 0},
        {"never a byte", "\xff", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_INT(rows[i].name, str_utf8_size(str_from_c(rows[i].text)), rows[i].want);
}

TEST(sorted_and_each_once)
{
    static const struct {
        const char *name;
        const char *given, *want; /* a letter each */
    } rows[] = {
        {"none", "", ""},           {"one", "a", "a"},
        {"in order", "abc", "abc"}, {"backwards", "cba", "abc"},
        {"twice", "baab", "ab"},    {"all the same", "zzz", "z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str v[8];
        char got[8];
        size_t n = strlen(rows[i].given);
        for (size_t k = 0; k < n; k++)
            v[k] = str_from(&rows[i].given[k], 1);
        n = str_sort_distinct(v, n);
        for (size_t k = 0; k < n; k++)
            got[k] = v[k].p[0];
        EXPECT_STR(rows[i].name, str_from(got, n), rows[i].want);
    }
}
