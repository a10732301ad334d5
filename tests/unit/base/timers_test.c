/* Timers come in the order of their deadlines, whatever was set, moved and cleared before. */
#include "../../lib/test.h"

#include "ursa/base/timers.h"

#define N 200

struct item {
    struct timer timer;
    bool set, expired;
};

static struct timers heap;
static struct item items[N];
static int64_t last_at;
static size_t n_expired;

static void expire(struct timer *t, int64_t now)
{
    struct item *i = CONTAINER_OF(t, struct item, timer);

    EXPECT_TRUE("in order", t->at >= last_at);
    EXPECT_TRUE("due", t->at <= now);
    EXPECT_TRUE("was set", i->set);
    last_at = t->at;
    i->set = false;
    n_expired++;
}

TEST(random_timers_expire_in_order)
{
    for (int round = 0; round < 200; round++) {
        size_t n_set = 0;

        last_at = 0;
        n_expired = 0;
        for (size_t i = 0; i < N; i++)
            items[i] = (struct item){.timer = {.expire = expire}};
        for (size_t i = 0; i < 3 * N; i++) {
            struct item *it = &items[test_rand_below(N)];

            it->set = test_rand_below(4) > 0;
            if (it->set)
                timer_set(&heap, &it->timer, (int64_t)test_rand_below(1000));
            else
                timer_clear(&heap, &it->timer);
        }
        for (size_t i = 0; i < N; i++)
            n_set += items[i].set;
        for (int64_t now = 0; now < 1000; now += 100) {
            timers_run(&heap, now);
            EXPECT_TRUE("nothing due is left", timers_next(&heap) > now);
        }
        timers_run(&heap, 1000);
        EXPECT_INT("all expired", n_expired, n_set);
        EXPECT_INT("none is left", timers_next(&heap), INT64_MAX);
    }
    timers_fini(&heap);
}

static void expire_and_set_again(struct timer *t, int64_t now)
{
    n_expired++;
    if (n_expired < 3)
        timer_set(&heap, t, now);
}

TEST(an_expiring_timer_may_set_itself_again)
{
    struct timer t = {.expire = expire_and_set_again};

    n_expired = 0;
    timer_set(&heap, &t, 5);
    timers_run(&heap, 4);
    EXPECT_INT("before its time", n_expired, 0);
    timers_run(&heap, 5);
    EXPECT_INT("until it rests", n_expired, 3);
    timers_fini(&heap);
}
