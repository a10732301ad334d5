/* listen_test.c -- where a port listens, and what is said when it cannot. */
#include "ursa/base/listen.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/test.h"

static bool connects(const char *address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, address, &to.sin_addr);
    bool connected = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return connected;
}

TEST(addresses_that_can_be_listened_at)
{
    static const char *const rows[] = {"127.0.0.1", "0.0.0.0", "::"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct err e;
        uint16_t port = 0;

        arena_init(&a);
        err_init(&e, &a);
        int fd = listen_tcp(rows[i], 0, &port, &e);
        EXPECT_TRUE(rows[i], fd >= 0 && port != 0);
        EXPECT_TRUE(rows[i], connects("127.0.0.1", port)); /* "::" is IPv4 too */
        EXPECT_INT(rows[i], listen_tcp(rows[i], port, &port, &e), -1);
        EXPECT_INT(rows[i], e.kind, ERR_IO);
        EXPECT_TRUE(rows[i], str_find(e.text, STR("Address already in use")) < e.text.n);
        close(fd);
        arena_fini(&a);
    }
}

TEST(what_is_no_address)
{
    static const char *const rows[] = {"", "localhost", "1.2.3", "::g", "127.0.0.1:80"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct err e;
        uint16_t port;

        arena_init(&a);
        err_init(&e, &a);
        EXPECT_INT(rows[i], listen_tcp(rows[i], 0, &port, &e), -1);
        EXPECT_INT(rows[i], e.kind, ERR_INVALID);
        arena_fini(&a);
    }
}
