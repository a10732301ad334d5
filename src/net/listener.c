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

static struct worker *worker_of(struct watch *w)
{
    return CONTAINER_OF(w, struct worker, listener);
}

/* Level-triggered, a connection that cannot be accepted would wake the loop for ever. */
static void rest(struct worker *w, int error)
{
    log_warn("net", "no connection can be accepted for a moment: %s", strerrordesc_np(error));
    COUNT(net_accept_paused);
    loop_watch(&w->loop, &w->listener, 0);
    timer_set(&w->loop.timers, &w->listener_pause, w->loop.now + PAUSE);
}

static void accept_some(struct watch *watch, uint32_t events)
{
    struct worker *w = worker_of(watch);

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && w->listener.events != 0; i++) {
        union peer_address peer = {0};
        socklen_t size = sizeof(peer);
        int fd = accept4(w->listener.fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EAGAIN)
                return;
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                rest(w, errno);
            continue; /* else that one connection failed before it was accepted */
        }
        if (w->n_conns >= w->max_conns) {
            log_warn("net", "a connection is refused: there are %zu already", w->n_conns);
            COUNT(net_refused);
            close(fd);
            continue;
        }
        COUNT(net_accepted);
        conn_open(w, fd, &peer, size);
    }
}

static void resume(struct timer *t, int64_t now)
{
    struct worker *w = CONTAINER_OF(t, struct worker, listener_pause);

    (void)now;
    loop_watch(&w->loop, &w->listener, EPOLLIN | EPOLLEXCLUSIVE);
}

void listener_start(struct worker *w, int fd)
{
    w->listener = (struct watch){.fd = fd, .ready = accept_some};
    w->listener_pause = (struct timer){.expire = resume};
    loop_watch(&w->loop, &w->listener, EPOLLIN | EPOLLEXCLUSIVE);
}

void listener_stop(struct worker *w)
{
    timer_clear(&w->loop.timers, &w->listener_pause);
    loop_watch(&w->loop, &w->listener, 0);
}
