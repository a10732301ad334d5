/* What counts as a jump of the wall clock. That the kernel tells of one is seen in
 * tests/fault/token_times_test.py.
 */
#include "ursa/base/clock_watch.h"

#include "../../lib/test.h"

#define T0 (INT64_C(1700000000) * NS_PER_S)
#define DAY (24 * INT64_C(3600) * NS_PER_S)

TEST(what_is_a_jump)
{
    static const struct {
        const char *name;
        int64_t mono, wall, jump; /* clocks since the beginning */
    } rows[] = {
        {"both go on", 3600 * NS_PER_S, 3600 * NS_PER_S, 0},
        {"a little ahead", 3601 * NS_PER_S, 3601 * NS_PER_S + NS_PER_S / 2, 0},
        {"a little more: both together count", 3602 * NS_PER_S, 3603 * NS_PER_S, NS_PER_S},
        {"told once", 3603 * NS_PER_S, 3604 * NS_PER_S, 0},
        {"a day forward", 3604 * NS_PER_S, 3605 * NS_PER_S + DAY, DAY},
        {"and back", 3605 * NS_PER_S, 3605 * NS_PER_S, -DAY - NS_PER_S},
        {"before the beginning", 3606 * NS_PER_S, -DAY, -DAY - 3606 * NS_PER_S},
        {"to 1970", 3607 * NS_PER_S, -T0, DAY - T0 - NS_PER_S},
    };
    struct clock_watch w;
    clock_fake(T0, T0);
    clock_watch_init(&w);
    EXPECT_TRUE("the kernel tells", w.fd >= 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        clock_fake(T0 + rows[i].mono, T0 + rows[i].wall);
        EXPECT_INT(rows[i].name, clock_watch_jump(&w), rows[i].jump);
    }
    clock_watch_fini(&w);
    clock_fake(-1, -1);
}
