/* net.c -- the port as a whole: the listening socket, its workers, and what the rest of the daemon may ask of
 * them. */
#include "ursa/net.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "ursa/base/alloc.h"
#include "ursa/base/listen.h"
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
    uint16_t port;

    if (tls_context_new(options->cert_pem, options->key_pem, &tls, e) != ERR_NONE)
        return e->kind;
    int fd = listen_tcp(options->address, options->port, &port, e);
    if (fd < 0) {
        SSL_CTX_free(tls);
        return e->kind;
    }
    struct net *net = xcalloc(1, sizeof(*net));

    net->listen_fd = fd;
    net->port = port;
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
        door_use_tls(&net->workers[i].proxies, tls);
    SSL_CTX_free(tls);
    return ERR_NONE;
}

struct ads *net_ads(struct net *net)
{
    return net->workers[0].ads;
}
