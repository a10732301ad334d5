/* listen.c -- see listen.h. */
#include "ursa/base/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool parse(const char *text, uint16_t port, union address *out)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        return true;
    }
    return false;
}

static int listen_at(const union address *at, uint16_t *bound)
{
    bool v6 = at->any.sa_family == AF_INET6;
    union address have = {0};
    socklen_t size = sizeof(have);
    int on = 1, off = 0;
    int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (!v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
        bind(fd, &at->any, v6 ? sizeof(at->v6) : sizeof(at->v4)) == 0 && listen(fd, SOMAXCONN) == 0 &&
        getsockname(fd, &have.any, &size) == 0) {
        *bound = ntohs(v6 ? have.v6.sin6_port : have.v4.sin_port);
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int listen_tcp(const char *address, uint16_t port, uint16_t *bound, struct err *e)
{
    union address at;

    if (!parse(address, port, &at)) {
        err_set(e, ERR_INVALID, "cannot listen at \"%s\": an IP address is expected", address);
        return -1;
    }
    int fd = listen_at(&at, bound);
    if (fd < 0 && strcmp(address, "::") == 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) &&
        parse("0.0.0.0", port, &at))
        fd = listen_at(&at, bound);
    if (fd < 0)
        err_set(e, ERR_IO, "cannot listen at %s port %u: %s", address, port, strerrordesc_np(errno));
    return fd;
}
