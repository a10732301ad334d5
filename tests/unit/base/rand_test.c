/* Random bytes: their shape, not their randomness. */
#include "../../lib/test.h"

#include "ursa/base/rand.h"

TEST(uuids_are_version_4)
{
    struct arena a;

    arena_init(&a);
    struct str last = STR_NONE;

    for (int i = 0; i < 100; i++) {
        struct str u = rand_uuid(&a);

        EXPECT_INT("length", u.n, 36);
        for (size_t k = 0; k < u.n; k++) {
            bool dash = k == 8 || k == 13 || k == 18 || k == 23;

            if (dash ? u.p[k] != '-' : str_chr(STR("0123456789abcdef"), u.p[k]) == 16)
                FAIL("character %zu of " STR_FMT, k, STR_ARG(u));
        }
        EXPECT_INT("version", u.p[14], '4');
        EXPECT_TRUE("variant", str_chr(STR("89ab"), u.p[19]) < 4);
        EXPECT_TRUE("never twice", !str_eq(u, last));
        last = u;
    }
    EXPECT_TRUE("numbers differ", rand_u64() != rand_u64());
    arena_fini(&a);
}
