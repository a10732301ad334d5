/* net.c -- the port as a whole: the listening socket, its workers and what they share, and what the rest of
 * the daemon may ask of them. */
#include "ursa/net.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"
#include "ursa/base/listen.h"
#include "ursa/base/log.h"
#include "worker.h"

/* With 0 as their number. One serves thousands of proxies; the compiler, which is one thread, has no more
 * work for many. */
#define DEFAULT_MAX 8
#define LOOPS_MAX 64

struct net {
    struct port proxies, https;
    struct ads_group *ads;
    struct insight *insight; /* run by the first worker */
    struct worker *workers;
    size_t n_workers;
    uint64_t clients; /* content hash of what makes clients of the API's port good */
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

static uint64_t good_clients(const struct net_https *https)
{
    uint64_t asked = hash_mix(https->ask_client_cert, https->require_client_cert);

    return hash_mix(asked, hash_content(https->client_certs_pem.p, https->client_certs_pem.n));
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
    net->clients = good_clients(&o->https);
    proxies->fd = listen_tcp(o->address, o->port, &proxies->number, e);
    if (proxies->fd >= 0 && o->https.address)
        https->fd = listen_tcp(o->https.address, o->https.port, &https->number, e);
    return e->kind;
}

static size_t n_usable_cores(void)
{
    cpu_set_t cores;

    return sched_getaffinity(0, sizeof(cores), &cores) == 0 ? (size_t)CPU_COUNT(&cores) : 1;
}

static size_t n_loops(size_t wanted)
{
    size_t n = n_usable_cores();

    if (wanted == 0)
        return n < DEFAULT_MAX ? n : DEFAULT_MAX;
    return wanted < LOOPS_MAX ? wanted : LOOPS_MAX;
}

/* What the workers share is made before the first of them runs. */
static void make_workers(struct net *net, const struct net_options *o)
{
    struct ads_options ads = o->ads;

    net->n_workers = n_loops(o->n_loops);
    net->workers = xcalloc(net->n_workers, sizeof(*net->workers));
    for (size_t i = 0; i < net->n_workers; i++)
        loop_init(&net->workers[i].loop);
    net->insight = insight_new(&o->insight);
    ads.observe_box = &net->workers[0].loop.mailbox;
    ads.observe = insight_observe;
    ads.observe_ctx = net->insight;
    net->ads = ads_group_new(&ads);
    for (size_t i = 0; i < net->n_workers; i++) {
        struct worker *w = &net->workers[i];

        worker_init(w, o, net->ads, i == 0 ? net->insight : NULL);
        w->siblings = net->workers;
        w->n_siblings = net->n_workers;
    }
    for (size_t i = 0; i < net->n_workers; i++)
        worker_open(&net->workers[i], &net->proxies, &net->https);
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
    make_workers(net, options);
    for (size_t i = 0; i < net->n_workers; i++)
        worker_start(&net->workers[i]);
    log_info("net", "proxies are served at %s:%u by %zu loops", options->address,
             (unsigned)net->proxies.number, net->n_workers);
    *out = net;
    return ERR_NONE;
}

/* The threads have ended: takes their mail until nobody has anything of theirs any more, neither the engine
 * and the writer nor one worker of another. */
static void settle(struct net *net)
{
    struct pollfd fds[LOOPS_MAX];
    bool is_idle = false;

    for (size_t i = 0; i < net->n_workers; i++)
        fds[i] = (struct pollfd){.fd = net->workers[i].loop.mailbox.event_fd, .events = POLLIN};
    while (!is_idle) {
        size_t n = 0;

        is_idle = true;
        for (size_t i = 0; i < net->n_workers; i++) {
            n += loop_run_mail(&net->workers[i].loop);
            is_idle &= ads_is_idle(net->workers[i].ads);
        }
        if (n > 0)
            is_idle = false;
        else if (!is_idle)
            poll(fds, net->n_workers, -1);
    }
}

void net_stop(struct net *net, int grace_ms)
{
    if (!net)
        return;
    for (size_t i = 0; i < net->n_workers; i++)
        worker_stop(&net->workers[i], grace_ms);
    shutdown(net->proxies.fd, SHUT_RDWR); /* who comes now is refused, not left waiting */
    if (net->https.fd >= 0)
        shutdown(net->https.fd, SHUT_RDWR);
    for (size_t i = 0; i < net->n_workers; i++)
        pthread_join(net->workers[i].thread, NULL);
    settle(net);
    for (size_t i = 0; i < net->n_workers; i++)
        worker_fini(&net->workers[i]);
    ads_group_free(net->ads);
    insight_free(net->insight);
    free(net->workers);
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
    uint64_t clients = net->https.tls ? good_clients(https) : 0;
    enum err_kind failed = proxies_context(cert_pem, key_pem, &tls, e);

    if (!failed && net->https.tls)
        failed = https_context(https, &https_tls, e);
    for (size_t i = 0; i < net->n_workers && !failed; i++) {
        door_use_tls(&net->workers[i].proxies, tls, false);
        if (https_tls)
            door_use_tls(&net->workers[i].https, https_tls, net->clients != clients);
    }
    if (!failed)
        net->clients = clients;
    SSL_CTX_free(tls);
    SSL_CTX_free(https_tls);
    return failed;
}

struct ads_group *net_ads(struct net *net)
{
    return net->ads;
}
