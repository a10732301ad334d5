/* Base64 against RFC 4648's vectors, and faults where Go reports them. */
#include "../../lib/test.h"

#include "ursa/base/base64.h"

TEST(vectors)
{
    static const struct {
        const char *plain, *standard, *url;
    } rows[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str plain = str_from_c(rows[i].plain), back;
        size_t bad_at;

        EXPECT_STR(rows[i].plain, base64_encode(&a, plain), rows[i].standard);
        EXPECT_STR(rows[i].plain, base64_encode_url(&a, plain), rows[i].url);
        EXPECT_TRUE(rows[i].plain, base64_decode(&a, str_from_c(rows[i].standard), &back, &bad_at));
        EXPECT_STR(rows[i].standard, back, rows[i].plain);
        EXPECT_TRUE(rows[i].plain, base64_decode_url(&a, str_from_c(rows[i].url), &back));
        EXPECT_STR(rows[i].url, back, rows[i].plain);
    }
    arena_fini(&a);
}

TEST(faults_and_newlines)
{
    static const struct {
        const char *text;
        int bad_at; /* -1: accepted */
        const char *want;
    } rows[] = {
        {"Zm9v\nYmFy\r\n", -1, "foobar"},
        {"Zg=\n=", -1, "f"},
        {"Zg==\n", -1, "f"},
        {"!!!!", 0, ""},
        {"Zm9vYg", 4, ""},
        {"Zm9vYmE", 4, ""},
        {"Zm9v=", 4, ""},
        {"Zg=", 3, ""},
        {"Zg=x", 2, ""},
        {"Zg==x", 4, ""},
        {"Zm8=Zm8=", 4, ""},
        {"Z===", 1, ""},
        {"Zm9v YmFy", 4, ""},
        {"-_-_", 0, ""},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got = STR_NONE;
        size_t bad_at = 99;

        EXPECT_INT(rows[i].text, base64_decode(&a, str_from_c(rows[i].text), &got, &bad_at),
                   rows[i].bad_at < 0);
        EXPECT_STR(rows[i].text, got, rows[i].want);
        if (rows[i].bad_at >= 0)
            EXPECT_INT(rows[i].text, bad_at, rows[i].bad_at);
    }
    arena_fini(&a);
}

TEST(url_form_has_one_spelling)
{
    static const char *const refused[] = {"Z", "Zg==", "Zh", "Zm9", "Zm 8", "Zm8\n", "+/+/", "Zm9vY"};
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct str got;

        EXPECT_TRUE(refused[i], !base64_decode_url(&a, str_from_c(refused[i]), &got));
    }
    arena_fini(&a);
}

TEST(random_bytes_round_trip)
{
    struct arena a;

    arena_init(&a);
    for (int i = 0; i < 1000; i++) {
        uint8_t bytes[100];
        size_t n = test_rand_below(sizeof(bytes)), bad_at;
        struct str plain = str_from(bytes, n), back;

        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)test_rand();
        if (!base64_decode(&a, base64_encode(&a, plain), &back, &bad_at) || !str_eq(back, plain))
            FAIL("%zu bytes changed", n);
        if (!base64_decode_url(&a, base64_encode_url(&a, plain), &back) || !str_eq(back, plain))
            FAIL("%zu bytes changed in the URL form", n);
        arena_reset(&a);
    }
    arena_fini(&a);
}
