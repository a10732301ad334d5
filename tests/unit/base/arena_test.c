/* Arenas: alignment, zeroes, reuse after a reset, large blocks, printing. */
#include "../../lib/test.h"

#include <string.h>

#include "ursa/base/arena.h"

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

TEST(blocks_are_aligned_zeroed_and_apart)
{
    struct arena a;
    unsigned char *blocks[500];
    size_t sizes[ARRAY_LEN(blocks)];

    arena_init(&a);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
            sizes[i] = test_rand_below(10) == 0 ? test_rand_below(200000) : test_rand_below(300);
            blocks[i] = arena_alloc(&a, sizes[i]);
            EXPECT_INT("alignment", (uintptr_t)blocks[i] % 16, 0);
            EXPECT_TRUE("zeroed", all_zero(blocks[i], sizes[i]));
            memset(blocks[i], (int)(i & 0xff), sizes[i]);
        }
        for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
            for (size_t k = 0; k < sizes[i]; k++)
                if (blocks[i][k] != (i & 0xff))
                    FAIL("block %zu of %zu bytes was overwritten at %zu", i, sizes[i], k);
        arena_reset(&a);
    }
    arena_fini(&a);
    EXPECT_INT("nothing is left", a.total, 0);
}

TEST(reset_keeps_one_chunk)
{
    struct arena a;

    arena_init(&a);
    arena_reset(&a);
    EXPECT_INT("of nothing, nothing", a.total, 0);
    for (int i = 0; i < 1000; i++)
        memset(arena_alloc(&a, 100), 1, 100);
    arena_reset(&a);
    size_t kept = a.total;

    EXPECT_TRUE("something is kept", kept > 0 && kept < 100000);
    EXPECT_TRUE("and used again", all_zero(arena_alloc(&a, 1000), 1000));
    EXPECT_INT("without more memory", a.total, kept);
    arena_fini(&a);
}

TEST(a_large_block_leaves_the_chunk_in_use)
{
    struct arena a;

    arena_init(&a);
    arena_alloc(&a, 16);
    size_t avail = a.avail;

    arena_alloc(&a, 1 << 20);
    EXPECT_INT("rest of the chunk", a.avail, avail);
    arena_fini(&a);
}

TEST(texts_end_with_nul)
{
    struct arena a;

    arena_init(&a);
    struct str s = arena_str(&a, str_slice(STR("abcdef"), 0, 3));

    EXPECT_STR("copy", s, "abc");
    EXPECT_INT("NUL", s.p[3], 0);
    EXPECT_CSTR("cstr", arena_cstr(&a, STR("xy")), "xy");
    EXPECT_CSTR("cstr of nothing", arena_cstr(&a, STR_NONE), "");
    EXPECT_STR("printf", arena_printf(&a, "%d-" STR_FMT, 7, STR_ARG(s)), "7-abc");
    EXPECT_INT("long printf", arena_printf(&a, "%5000d", 1).n, 5000);
    arena_fini(&a);
}

TEST(a_given_first_size_is_used_up_first)
{
    struct arena a;

    arena_init_sized(&a, 100);
    size_t total = a.total;

    arena_alloc(&a, 50);
    arena_alloc(&a, 40);
    EXPECT_INT("enough for what was announced", a.total, total);
    for (int i = 0; i < 1000; i++)
        memset(arena_alloc(&a, 100), 1, 100);
    EXPECT_TRUE("more comes in chunks, not one by one", a.total < 300000);
    EXPECT_TRUE("that still have room", a.avail > 0 && a.chunks != NULL);
    arena_fini(&a);
}
