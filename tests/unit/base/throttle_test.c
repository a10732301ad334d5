/* throttle_test.c -- who fails too often waits, others do not, and the table stays as it is. */
#include <arpa/inet.h>

#include "../../lib/test.h"
#include "ursa/base/clock.h"
#include "ursa/base/throttle.h"

static const struct rate_limit ten = {.burst = 10, .a_second = 10};

static uint64_t source_of(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return throttle_source((struct sockaddr *)&v4);
    EXPECT_INT(text, inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return throttle_source((struct sockaddr *)&v6);
}

TEST(sources_are_addresses_or_networks)
{
    static const struct {
        const char *name, *a, *b;
        bool same;
    } rows[] = {
        {"itself", "192.0.2.1", "192.0.2.1", true},
        {"its neighbour", "192.0.2.1", "192.0.2.2", false},
        {"mapped", "192.0.2.1", "::ffff:192.0.2.1", true},
        {"a /64", "2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", true},
        {"the next /64", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"another family", "0.0.0.0", "::", false},
    };
    struct sockaddr local = {.sa_family = AF_UNIX};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_TRUE(rows[i].name, (source_of(rows[i].a) == source_of(rows[i].b)) == rows[i].same);
    EXPECT_INT("none", throttle_source(NULL), 0);
    EXPECT_INT("no address", throttle_source(&local), 0);
}

TEST(who_fails_too_often_waits)
{
    struct throttle *t = throttle_new(&ten);
    uint64_t a = source_of("192.0.2.1"), b = source_of("192.0.2.2");
    int64_t now = NS_PER_S;
    for (int i = 0; i < 10; i++) {
        EXPECT_TRUE("not yet", !throttle_holds(t, a, now));
        throttle_count(t, a, now);
    }
    EXPECT_TRUE("now", throttle_holds(t, a, now));
    throttle_count(t, a, now); /* one that was under way costs no more time */
    EXPECT_TRUE("others do not", !throttle_holds(t, b, now));
    EXPECT_TRUE("nobody", !throttle_holds(t, 0, now));
    EXPECT_TRUE("still", throttle_holds(t, a, now + NS_PER_S / 10 - 1));
    EXPECT_TRUE("one more", !throttle_holds(t, a, now + NS_PER_S / 10));
    throttle_count(t, a, now + NS_PER_S / 10);
    EXPECT_TRUE("and no more", throttle_holds(t, a, now + NS_PER_S / 10));
    throttle_free(t);
}

/* Far more sources than there is room for: nobody waits who did not fail, and who fails now is known. */
TEST(the_table_is_bounded)
{
    struct throttle *t = throttle_new(&ten);
    uint64_t last = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(i)};
        last = throttle_source((struct sockaddr *)&v4);
        throttle_count(t, last, NS_PER_S + i);
    }
    for (int i = 0; i < 9; i++)
        throttle_count(t, last, 2 * NS_PER_S);
    EXPECT_TRUE("almost", !throttle_holds(t, last, 2 * NS_PER_S));
    throttle_count(t, last, 2 * NS_PER_S);
    EXPECT_TRUE("known", throttle_holds(t, last, 2 * NS_PER_S));
    throttle_free(t);
}

TEST(without_a_limit_nobody_waits)
{
    static const struct rate_limit none = {0};
    struct throttle *t = throttle_new(&none);
    uint64_t a = source_of("192.0.2.1");
    for (int i = 0; i < 1000; i++)
        throttle_count(t, a, 1);
    EXPECT_TRUE("never", !throttle_holds(t, a, 1));
    throttle_free(t);
}
