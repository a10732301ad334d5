/* The byte buffer and its cap. */
#include "../../lib/test.h"

#include <string.h>

#include "ursa/base/buf.h"

TEST(cap_is_exact_and_sticky)
{
    static const struct {
        const char *name;
        size_t cap, add;
        bool ok;
    } rows[] = {
        {"below", 10, 9, true},    {"at the cap", 10, 10, true},         {"one too many", 10, 11, false},
        {"cap zero", 0, 1, false}, {"nothing into nothing", 0, 0, true},
    };
    static const char text[16] = "aaaaaaaaaaaaaaaa";

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b;

        buf_init(&b, rows[i].cap);
        buf_add(&b, text, rows[i].add);
        EXPECT_INT(rows[i].name, buf_ok(&b), rows[i].ok);
        EXPECT_INT(rows[i].name, b.n, rows[i].ok ? rows[i].add : 0);
        buf_fini(&b);

        buf_init(&b, rows[i].cap);
        buf_printf(&b, "%*s", (int)rows[i].add, "");
        EXPECT_INT(rows[i].name, buf_ok(&b), rows[i].ok);
        buf_fini(&b);

        buf_init(&b, rows[i].cap);
        EXPECT_INT(rows[i].name, buf_room(&b, rows[i].add) != NULL, rows[i].ok);
        buf_fini(&b);
    }
    struct buf b;

    buf_init(&b, 4);
    buf_add_str(&b, STR("abcde"));
    buf_add_str(&b, STR("x"));
    EXPECT_STR("nothing is added after an overflow", buf_str(&b), "");
    EXPECT_TRUE("room is refused too", buf_room(&b, 1) == NULL);
    buf_clear(&b);
    buf_add_str(&b, STR("abcd"));
    EXPECT_STR("until it is cleared", buf_str(&b), "abcd");
    buf_fini(&b);
}

TEST(adding_and_consuming)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_add_str(&b, STR("ab"));
    buf_add_byte(&b, 'c');
    buf_printf(&b, "%03d", 7);
    memcpy(buf_room(&b, 100), "xyz", 3);
    buf_grown(&b, 3);
    EXPECT_STR("all kinds", buf_str(&b), "abc007xyz");
    buf_consume(&b, 4);
    EXPECT_STR("front dropped", buf_str(&b), "07xyz");
    buf_consume(&b, 5);
    EXPECT_STR("all dropped", buf_str(&b), "");

    for (int i = 0; i < 100000; i++)
        buf_add_byte(&b, (uint8_t)i);
    for (int i = 0; i < 100000; i++)
        if (b.p[i] != (uint8_t)i)
            FAIL("byte %d: got %d", i, b.p[i]);
    buf_fini(&b);
    EXPECT_INT("no memory is left", b.size, 0);
}
