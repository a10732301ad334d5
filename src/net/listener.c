/* listener.c -- accepts connections, within bounds, gives each to a worker, and rests a moment when the
 * process has no descriptors left. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "conn.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "worker.h"

#define ACCEPTS_A_TURN 64
#define PAUSE (NS_PER_S / 4)

/* Level-triggered, a connection that cannot be accepted would wake the loop for ever. */
static void rest(struct door *d, int error)
{
    struct loop *loop = &d->worker->loop;

    log_warn("net", "no connection can be accepted for a moment: %s", strerrordesc_np(error));
    COUNT(net_accept_paused);
    loop_watch(loop, &d->listener, 0);
    timer_set(&loop->timers, &d->listener_pause, loop->now + PAUSE);
}

/* ---- to which worker ---- */

/* A connection on its way to the worker that it will stay with. */
struct arrival {
    struct mail mail;
    struct door *door;
    int fd;
    union peer_address peer;
    socklen_t peer_size;
};

void listener_forget(struct door *d)
{
    atomic_fetch_sub_explicit(&d->port->n_conns, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&d->worker->n_assigned, 1, memory_order_relaxed);
}

static void take_arrival(struct mail *mail)
{
    struct arrival *a = CONTAINER_OF(mail, struct arrival, mail);

    if (a->door->worker->stop_at == INT64_MAX) {
        conn_open(a->door, a->fd, &a->peer, a->peer_size);
    } else {
        close(a->fd);
        listener_forget(a->door);
    }
    free(a);
}

static size_t n_assigned(const struct worker *w)
{
    return atomic_load_explicit(&w->n_assigned, memory_order_relaxed);
}

/* Itself, unless another has fewer. */
static struct worker *find_idlest(struct worker *self)
{
    struct worker *best = self;

    for (size_t i = 0; i < self->n_siblings; i++) {
        if (n_assigned(&self->siblings[i]) < n_assigned(best))
            best = &self->siblings[i];
    }
    return best;
}

static void assign(struct door *d, int fd, const union peer_address *peer, socklen_t peer_size)
{
    struct worker *w = find_idlest(d->worker);

    atomic_fetch_add_explicit(&w->n_assigned, 1, memory_order_relaxed);
    if (w == d->worker) {
        conn_open(d, fd, peer, peer_size);
        return;
    }
    struct arrival *a = xmalloc(sizeof(*a));

    *a = (struct arrival){.mail.handle = take_arrival,
                          .door = d == &d->worker->proxies ? &w->proxies : &w->https,
                          .fd = fd,
                          .peer = *peer,
                          .peer_size = peer_size};
    mailbox_send(&w->loop.mailbox, &a->mail);
}

/* ---- accepting ---- */

/* Several workers may accept at once, so room is taken before it is used. */
static bool take_room(struct door *d)
{
    size_t before = atomic_fetch_add_explicit(&d->port->n_conns, 1, memory_order_relaxed);

    if (before < d->max_conns)
        return true;
    atomic_fetch_sub_explicit(&d->port->n_conns, 1, memory_order_relaxed);
    return false;
}

static void accept_some(struct watch *watch, uint32_t events)
{
    struct door *d = CONTAINER_OF(watch, struct door, listener);

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && d->listener.events != 0; i++) {
        union peer_address peer = {0};
        socklen_t size = sizeof(peer);
        int fd = accept4(d->listener.fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EAGAIN)
                return;
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                rest(d, errno);
            continue; /* else that one connection failed before it was accepted */
        }
        if (!take_room(d)) {
            log_warn("net", "a connection is refused: there are %zu already", d->max_conns);
            COUNT(net_refused);
            close(fd);
            continue;
        }
        COUNT(net_accepted);
        assign(d, fd, &peer, size);
    }
}

static void resume(struct timer *t, int64_t now)
{
    struct door *d = CONTAINER_OF(t, struct door, listener_pause);

    (void)now;
    loop_watch(&d->worker->loop, &d->listener, EPOLLIN | EPOLLEXCLUSIVE);
}

void listener_start(struct door *d)
{
    d->listener = (struct watch){.fd = d->port->fd, .ready = accept_some};
    d->listener_pause = (struct timer){.expire = resume};
    loop_watch(&d->worker->loop, &d->listener, EPOLLIN | EPOLLEXCLUSIVE);
}

void listener_stop(struct door *d)
{
    timer_clear(&d->worker->loop.timers, &d->listener_pause);
    loop_watch(&d->worker->loop, &d->listener, 0);
}
