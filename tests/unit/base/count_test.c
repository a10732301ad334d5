/* Counters: several sites of one name add up, and the walk is sorted. */
#include "../../lib/test.h"

#include <string.h>

#include "ursa/base/count.h"

static void another_site(void)
{
    COUNT(test_beta);
}

struct walk {
    char last[64];
    int n_seen;
    int64_t beta;
    bool gauge;
};

static void see(void *ctx, const char *name, bool gauge, int64_t value)
{
    struct walk *w = ctx;

    EXPECT_TRUE(name, strcmp(w->last, name) < 0);
    memcpy(w->last, name, strlen(name) + 1);
    w->n_seen++;
    if (strcmp(name, "test_beta") == 0)
        w->beta = value;
    if (strcmp(name, "test_active") == 0)
        w->gauge = gauge;
}

TEST(sites_add_up)
{
    struct walk w = {0};

    for (int i = 0; i < 3; i++)
        COUNT(test_beta);
    another_site();
    COUNT_ADD(test_alpha, 40);
    GAUGE_ADD(test_active, 2);
    GAUGE_ADD(test_active, -3);
    EXPECT_INT("two sites", count_get("test_beta"), 4);
    EXPECT_INT("by more than one", count_get("test_alpha"), 40);
    EXPECT_INT("gauges may fall", count_get("test_active"), -1);
    EXPECT_INT("unknown", count_get("test_unknown"), 0);

    count_walk(see, &w);
    EXPECT_TRUE("all are walked", w.n_seen >= 3);
    EXPECT_INT("summed", w.beta, 4);
    EXPECT_TRUE("gauges are known as such", w.gauge);
}
