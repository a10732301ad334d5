/* net.c -- the port as a whole: the listening socket, its workers, and what the rest of the daemon may ask of
 * them. */
#include "ursa/net.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "ursa/base/alloc.h"
#include "ursa/base/log.h"
#include "worker.h"

/* One thread serves thousands of proxies. More need one ads and one insight each, which 'struct worker' has;
 * then this is their number. */
#define N_WORKERS 1

struct net {
    int listen_fd;
    uint16_t port;
    struct worker workers[N_WORKERS];
};

static enum err_kind listen_at(const char *address, uint16_t port, int *out, struct err *e)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[6];
    int yes = 1;

    snprintf(service, sizeof(service), "%u", (unsigned)port);
    int rv = getaddrinfo(address, service, &hints, &found);

    if (rv != 0)
        return err_set(e, ERR_INVALID, "cannot listen at %s: %s", address, gai_strerror(rv));
    int fd = socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
        err_set(e, ERR_IO, "cannot listen at %s:%u: %s", address, (unsigned)port, strerrordesc_np(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    *out = fd;
    return fd >= 0 ? ERR_NONE : e->kind;
}

static uint16_t port_of(int fd)
{
    union peer_address address = {0};
    socklen_t size = sizeof(address);

    getsockname(fd, &address.any, &size);
    return ntohs(address.v4.sin_port); /* IPv6 has it at the same place */
}

static void *worker_main(void *worker)
{
    pthread_setname_np(pthread_self(), "ursa-net");
    worker_run(worker);
    return NULL;
}

/* Signals are the main thread's; with SIGPIPE blocked, a peer that is gone is an error of write. */
static void worker_start(struct worker *w)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rv = pthread_create(&w->thread, NULL, worker_main, w);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv != 0)
        die_no_memory(0);
}

enum err_kind net_start(const struct net_options *options, struct net **out, struct err *e)
{
    SSL_CTX *tls;
    int fd;

    if (tls_context_new(options->cert_pem, options->key_pem, &tls, e) != ERR_NONE)
        return e->kind;
    if (listen_at(options->address, options->port, &fd, e) != ERR_NONE) {
        SSL_CTX_free(tls);
        return e->kind;
    }
    struct net *net = xcalloc(1, sizeof(*net));

    net->listen_fd = fd;
    net->port = port_of(fd);
    for (size_t i = 0; i < N_WORKERS; i++) {
        worker_init(&net->workers[i], options, fd, tls);
        worker_start(&net->workers[i]);
    }
    SSL_CTX_free(tls);
    log_info("net", "proxies are served at %s:%u", options->address, (unsigned)net->port);
    *out = net;
    return ERR_NONE;
}

void net_stop(struct net *net, int grace_ms)
{
    if (!net)
        return;
    for (size_t i = 0; i < N_WORKERS; i++)
        worker_stop(&net->workers[i], grace_ms);
    shutdown(net->listen_fd, SHUT_RDWR); /* who comes now is refused, not left waiting */
    for (size_t i = 0; i < N_WORKERS; i++) {
        pthread_join(net->workers[i].thread, NULL);
        worker_fini(&net->workers[i]);
    }
    close(net->listen_fd);
    free(net);
}

uint16_t net_port(const struct net *net)
{
    return net->port;
}

enum err_kind net_reload_tls(struct net *net, struct str cert_pem, struct str key_pem, struct err *e)
{
    SSL_CTX *tls;

    if (tls_context_new(cert_pem, key_pem, &tls, e) != ERR_NONE)
        return e->kind;
    for (size_t i = 0; i < N_WORKERS; i++)
        worker_use_tls(&net->workers[i], tls);
    SSL_CTX_free(tls);
    return ERR_NONE;
}

struct ads *net_ads(struct net *net)
{
    return net->workers[0].ads;
}
