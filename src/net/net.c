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
    struct port proxies, https;
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

static enum err_kind https_context(const struct net_https *https, SSL_CTX **out, struct err *e)
{
    const struct tls_options o = {.cert_pem = https->cert_pem,
                                  .key_pem = https->key_pem,
                                  .http1_only = true,
                                  .ask_client_cert = https->ask_client_cert || https->require_client_cert,
                                  .require_client_cert = https->require_client_cert,
                                  .client_certs_pem = https->client_certs_pem};

    return tls_context_new(&o, out, e);
}

static enum err_kind proxies_context(struct str cert_pem, struct str key_pem, SSL_CTX **out, struct err *e)
{
    return tls_context_new(&(struct tls_options){.cert_pem = cert_pem, .key_pem = key_pem}, out, e);
}

static enum err_kind open_ports(struct net *net, const struct net_options *o, struct err *e)
{
    struct port *proxies = &net->proxies, *https = &net->https;

    if (proxies_context(o->cert_pem, o->key_pem, &proxies->tls, e) != ERR_NONE ||
        (o->https.address && https_context(&o->https, &https->tls, e) != ERR_NONE))
        return e->kind;
    proxies->fd = listen_tcp(o->address, o->port, &proxies->number, e);
    if (proxies->fd >= 0 && o->https.address)
        https->fd = listen_tcp(o->https.address, o->https.port, &https->number, e);
    return e->kind;
}

static void close_port(struct port *port)
{
    SSL_CTX_free(port->tls);
    if (port->fd >= 0)
        close(port->fd);
}

enum err_kind net_start(const struct net_options *options, struct net **out, struct err *e)
{
    struct net *net = xcalloc(1, sizeof(*net));

    net->proxies.fd = net->https.fd = -1;
    if (open_ports(net, options, e) != ERR_NONE) {
        close_port(&net->proxies);
        close_port(&net->https);
        free(net);
        return e->kind;
    }
    for (size_t i = 0; i < N_WORKERS; i++) {
        worker_init(&net->workers[i], options, &net->proxies, &net->https);
        worker_start(&net->workers[i]);
    }
    log_info("net", "proxies are served at %s:%u", options->address, (unsigned)net->proxies.number);
    *out = net;
    return ERR_NONE;
}

void net_stop(struct net *net, int grace_ms)
{
    if (!net)
        return;
    for (size_t i = 0; i < N_WORKERS; i++)
        worker_stop(&net->workers[i], grace_ms);
    shutdown(net->proxies.fd, SHUT_RDWR); /* who comes now is refused, not left waiting */
    if (net->https.fd >= 0)
        shutdown(net->https.fd, SHUT_RDWR);
    for (size_t i = 0; i < N_WORKERS; i++) {
        pthread_join(net->workers[i].thread, NULL);
        worker_fini(&net->workers[i]);
    }
    close_port(&net->proxies);
    close_port(&net->https);
    free(net);
}

uint16_t net_port(const struct net *net)
{
    return net->proxies.number;
}

uint16_t net_https_port(const struct net *net)
{
    return net->https.number;
}

enum err_kind net_reload_tls(struct net *net, struct str cert_pem, struct str key_pem,
                             const struct net_https *https, struct err *e)
{
    SSL_CTX *tls = NULL, *https_tls = NULL;
    enum err_kind failed = proxies_context(cert_pem, key_pem, &tls, e);

    if (!failed && net->https.tls)
        failed = https_context(https, &https_tls, e);
    for (size_t i = 0; i < N_WORKERS && !failed; i++) {
        door_use_tls(&net->workers[i].proxies, tls);
        if (https_tls)
            door_use_tls(&net->workers[i].https, https_tls);
    }
    SSL_CTX_free(tls);
    SSL_CTX_free(https_tls);
    return failed;
}

struct ads *net_ads(struct net *net)
{
    return net->workers[0].ads;
}
