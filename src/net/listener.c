/* listener.c -- accepts connections, within bounds, and rests a moment when the process has no descriptors
 * left. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "conn.h"
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
        if (d->n_conns >= d->max_conns) {
            log_warn("net", "a connection is refused: there are %zu already", d->n_conns);
            COUNT(net_refused);
            close(fd);
            continue;
        }
        COUNT(net_accepted);
        conn_open(d, fd, &peer, size);
    }
}

static void resume(struct timer *t, int64_t now)
{
    struct door *d = CONTAINER_OF(t, struct door, listener_pause);

    (void)now;
    loop_watch(&d->worker->loop, &d->listener, EPOLLIN | EPOLLEXCLUSIVE);
}

void listener_start(struct door *d, int fd)
{
    d->listener = (struct watch){.fd = fd, .ready = accept_some};
    d->listener_pause = (struct timer){.expire = resume};
    loop_watch(&d->worker->loop, &d->listener, EPOLLIN | EPOLLEXCLUSIVE);
}

void listener_stop(struct door *d)
{
    timer_clear(&d->worker->loop.timers, &d->listener_pause);
    loop_watch(&d->worker->loop, &d->listener, 0);
}
