/* Whose requests come from this machine. */
#include "../../../src/api/receive.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "../../lib/test.h"

static bool is_loopback(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return receive_is_loopback((const struct sockaddr *)&v4);
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
        FAIL("%s is no address", text);
    return receive_is_loopback((const struct sockaddr *)&v6);
}

TEST(loopback_is_one_address_of_each_family)
{
    static const struct {
        const char *address;
        bool want;
    } rows[] = {
        {"127.0.0.1", true},
        {"::1", true},
        {"::ffff:127.0.0.1", true},
        {"127.0.0.2", false},
        {"::ffff:127.0.0.2", false},
        {"::127.0.0.1", false}, /* the older form, which nothing maps */
        {"0.0.0.0", false},
        {"::", false},
        {"::ffff:0.0.0.0", false},
        {"10.0.0.1", false},
        {"::ffff:10.0.0.1", false},
        {"fe80::1", false},
        {"64:ff9b::127.0.0.1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_INT(rows[i].address, is_loopback(rows[i].address), rows[i].want);
}

TEST(other_families_are_elsewhere)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};

    EXPECT_TRUE("a local socket", !receive_is_loopback(&local));
    EXPECT_TRUE("unknown", !receive_is_loopback(NULL));
}
