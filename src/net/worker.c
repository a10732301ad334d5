/* worker.c -- a worker's life: the passes of its loop with the timers of ads and insight between them, and
 * its stop. */
#include "worker.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>

#include "conn.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"

/* ---- connections ---- */

/* Each handshake leaves holes between what the connection keeps: 12 KB of free memory, still resident, for
 * each. When a crowd has come, they are given back at once, in a millisecond. What a crowd leaves behind when
 * it goes is another matter: that takes a second for 6,000 proxies, and nobody could be served meanwhile. It
 * is kept for those who come back, unless nobody is there for long. */
#define CROWD 100
#define TRIM_AFTER NS_PER_S            /* of calm */
#define DESERTED_AFTER (60 * NS_PER_S) /* of nobody */

/* Of all workers, since malloc_trim() goes over the memory of all threads. */
static bool crowd_has_left(const struct worker *w, bool *deserted)
{
    size_t n_vacant = 0, n_here = 0;

    for (size_t i = 0; i < w->n_siblings; i++) {
        n_vacant += atomic_load_explicit(&w->siblings[i].n_vacant, memory_order_relaxed);
        n_here += atomic_load_explicit(&w->siblings[i].n_assigned, memory_order_relaxed);
    }
    *deserted = n_here == 0;
    return n_vacant >= CROWD;
}

static void trim(struct timer *t, int64_t now)
{
    struct worker *w = CONTAINER_OF(t, struct worker, trim);
    int64_t deserted_at = w->changed_at + DESERTED_AFTER;
    bool deserted;

    w->n_changes = 0;
    if (!crowd_has_left(w, &deserted) || (deserted && deserted_at <= now)) {
        frames_trim(&w->frames);
        malloc_trim(0);
        atomic_store_explicit(&w->n_vacant, 0, memory_order_relaxed);
    } else if (deserted) {
        timer_set(&w->loop.timers, &w->trim, deserted_at);
    }
}

static void changed(struct worker *w)
{
    w->changed_at = w->loop.now;
    if (++w->n_changes >= CROWD)
        timer_set(&w->loop.timers, &w->trim, w->loop.now + TRIM_AFTER);
}

void worker_add(struct worker *w, struct conn *c)
{
    list_add_tail(&w->conns, &c->node);
    w->n_conns++;
    if (atomic_load_explicit(&w->n_vacant, memory_order_relaxed) > 0)
        atomic_fetch_sub_explicit(&w->n_vacant, 1, memory_order_relaxed);
    GAUGE_ADD(net_connections, 1);
    changed(w);
}

void worker_remove(struct worker *w, struct conn *c)
{
    list_del(&c->node);
    w->n_conns--;
    atomic_fetch_add_explicit(&w->n_vacant, 1, memory_order_relaxed);
    listener_forget(c->door);
    GAUGE_ADD(net_connections, -1);
    changed(w);
}

/* ---- its life ---- */

static void open_door(struct door *d, struct port *port)
{
    if (!port->tls)
        return;
    d->port = port;
    d->tls = port->tls;
    SSL_CTX_up_ref(d->tls);
    listener_start(d);
}

void worker_init(struct worker *w, const struct net_options *options, struct ads_group *group,
                 struct insight *insight)
{
    w->trim.expire = trim;
    w->stop_at = INT64_MAX;
    w->proxies = (struct door){.worker = w,
                               .max_conns = options->max_connections,
                               .http1 = options->http1,
                               .http1_ctx = options->http1_ctx};
    w->https = (struct door){.worker = w,
                             .max_conns = options->https.max_connections,
                             .http1 = options->https.http1,
                             .http1_ctx = options->https.http1_ctx};
    list_init(&w->conns);
    frames_init(&w->frames, options->max_connections);
    w->insight = insight;
    w->ads = ads_new(group, &w->loop.mailbox);
}

void worker_open(struct worker *w, struct port *proxies, struct port *https)
{
    open_door(&w->proxies, proxies);
    open_door(&w->https, https);
}

void worker_fini(struct worker *w)
{
    assert(w->n_conns == 0);
    timer_clear(&w->loop.timers, &w->trim);
    ads_free(w->ads);
    loop_fini(&w->loop);
    frames_fini(&w->frames);
    SSL_CTX_free(w->proxies.tls);
    SSL_CTX_free(w->https.tls);
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t observer_deadline(const struct worker *w)
{
    return w->insight ? insight_deadline(w->insight) : INT64_MAX;
}

static void run_timers(struct worker *w, int64_t now)
{
    if (ads_deadline(w->ads) <= now)
        ads_run_timers(w->ads, now);
    if (observer_deadline(w) <= now)
        insight_run_timers(w->insight, now);
}

static bool is_done(const struct worker *w)
{
    return w->stop_at != INT64_MAX && (w->n_conns == 0 || w->stop_at <= w->loop.now);
}

void worker_run(struct worker *w)
{
    while (!is_done(w)) {
        int64_t until = earliest(ads_deadline(w->ads), observer_deadline(w));

        loop_pass(&w->loop, earliest(until, w->stop_at));
        run_timers(w, w->loop.now);
    }
    if (w->n_conns > 0)
        log_info("net", "%zu connections are cut off: the time for leaving is up", w->n_conns);
    LIST_FOR (node, &w->conns)
        conn_close(LIST_ITEM(node, struct conn, node));
    loop_pass(&w->loop, 0); /* buries them */
}

/* ---- orders from other threads ---- */

struct order {
    struct mail mail;
    struct worker *worker;
    int grace_ms;
    struct door *door;
    SSL_CTX *tls;
    bool drains; /* connections of clients that showed a certificate */
};

static void order(const struct order *what)
{
    struct order *o = xmalloc(sizeof(*o));

    *o = *what;
    mailbox_send(&o->worker->loop.mailbox, &o->mail);
}

static void handle_stop(struct mail *mail)
{
    struct order *o = CONTAINER_OF(mail, struct order, mail);
    struct worker *w = o->worker;

    w->stop_at = w->loop.now + o->grace_ms * NS_PER_MS;
    listener_stop(&w->proxies);
    listener_stop(&w->https);
    ads_stop_waiting(w->ads);
    LIST_FOR (node, &w->conns)
        conn_drain(LIST_ITEM(node, struct conn, node));
    free(o);
}

static void handle_tls(struct mail *mail)
{
    struct order *o = CONTAINER_OF(mail, struct order, mail);

    SSL_CTX_free(o->door->tls);
    o->door->tls = o->tls;
    LIST_FOR (node, &o->worker->conns) {
        struct conn *c = LIST_ITEM(node, struct conn, node);

        if (o->drains && c->door == o->door && c->showed_cert)
            conn_drain(c);
    }
    free(o);
}

void worker_stop(struct worker *w, int grace_ms)
{
    order(&(struct order){.mail = {.handle = handle_stop}, .worker = w, .grace_ms = grace_ms});
}

void door_use_tls(struct door *d, SSL_CTX *tls, bool drains)
{
    SSL_CTX_up_ref(tls);
    order(&(struct order){
        .mail = {.handle = handle_tls}, .worker = d->worker, .door = d, .tls = tls, .drains = drains});
}
