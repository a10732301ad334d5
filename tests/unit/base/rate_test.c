/* A bucket lets a burst through at once, and then only what has been refilled. */
#include "../../lib/test.h"

#include "ursa/base/clock.h"
#include "ursa/base/rate.h"

TEST(a_burst_then_the_steady_rate)
{
    static const struct {
        const char *name;
        struct rate_limit limit;
        int64_t every_ns; /* between events */
        unsigned n_events, want_admitted;
    } rows[] = {
        {"no limit", {.burst = 0}, 0, 1000, 1000},
        {"all at once", {.burst = 10, .a_second = 5}, 0, 1000, 10},
        {"as fast as it refills", {.burst = 10, .a_second = 5}, NS_PER_S / 5, 1000, 1000},
        {"twice as fast", {.burst = 10, .a_second = 5}, NS_PER_S / 10, 1000, 509},
        {"a single one", {.burst = 1, .a_second = 1}, NS_PER_S / 2, 10, 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t bucket = 0, now = 77 * NS_PER_S;
        unsigned admitted = 0;

        for (unsigned k = 0; k < rows[i].n_events; k++, now += rows[i].every_ns)
            admitted += rate_admit(&bucket, &rows[i].limit, now);
        EXPECT_INT(rows[i].name, admitted, rows[i].want_admitted);
    }
}

TEST(a_bucket_fills_up_again)
{
    const struct rate_limit limit = {.burst = 3, .a_second = 1};
    int64_t bucket = 0;

    for (int64_t now = 0; now < 100 * NS_PER_S; now += 10 * NS_PER_S) {
        for (int i = 0; i < 3; i++)
            EXPECT_TRUE("within the burst", rate_admit(&bucket, &limit, now));
        EXPECT_TRUE("beyond it", !rate_admit(&bucket, &limit, now));
    }
}
