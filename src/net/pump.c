/* pump.c -- bytes both ways, bounded: what one side does not take is not read from the other.
 *
 * Each direction holds at most one piece of SCRATCH_SIZE. An end of input travels on as a half close. */
#include "pump.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "ursa/base/alloc.h"
#include "worker.h"

#define PIECES_A_TURN 4

struct pump {
    struct conn *conn; /* NULL: freed at the end of the pass */
    struct watch pair;
    struct job burial;
    struct buf in;     /* from the client, what the server has not taken yet */
    bool client_ended; /* nothing more is read from the client */
    bool server_knows; /* that it ended */
    bool server_ended;
    bool read_is_blocked; /* TLS must send before it can read on */
};

static void on_pair(struct watch *w, uint32_t events)
{
    struct pump *p = CONTAINER_OF(w, struct pump, pair);

    (void)events;
    if (p->conn)
        pump_turn(p);
}

static void bury(struct job *job)
{
    free(CONTAINER_OF(job, struct pump, burial));
}

struct pump *pump_new(struct conn *c, int *server_fd)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
        return NULL;
    struct pump *p = xcalloc(1, sizeof(*p));

    p->conn = c;
    p->pair = (struct watch){.fd = fds[0], .ready = on_pair};
    job_init(&p->burial, bury);
    buf_init(&p->in, SCRATCH_SIZE);
    *server_fd = fds[1];
    return p;
}

void pump_free(struct pump *p)
{
    if (!p)
        return;
    struct loop *loop = &p->conn->worker->loop;

    loop_watch(loop, &p->pair, 0);
    close(p->pair.fd);
    buf_fini(&p->in);
    p->conn = NULL;
    loop_bury(loop, &p->burial);
}

/* The server takes no more: what the client still sends goes nowhere. Its answer, if it gave one, can still
 * be read. */
static void server_is_deaf(struct pump *p)
{
    buf_fini(&p->in);
    p->client_ended = p->server_knows = true;
}

/* How many of the bytes the server took; all of them when it is deaf. */
static size_t server_send(struct pump *p, const void *bytes, size_t n)
{
    ssize_t sent = send(p->pair.fd, bytes, n, MSG_NOSIGNAL);

    if (sent >= 0)
        return (size_t)sent;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    server_is_deaf(p);
    return n;
}

/* False when the connection is over and closed. */
static bool client_to_server(struct pump *p)
{
    struct worker *w = p->conn->worker;

    if (p->in.n > 0)
        buf_consume(&p->in, server_send(p, p->in.p, p->in.n));
    for (int i = 0; i < PIECES_A_TURN && p->in.n == 0 && !p->client_ended; i++) {
        size_t n;
        enum io io = tls_read(p->conn->ssl, w->scratch, SCRATCH_SIZE, &n);

        p->read_is_blocked = io == IO_WRITE;
        if (io == IO_READ || io == IO_WRITE)
            break;
        if (io == IO_FAULT) {
            conn_close(p->conn);
            return false;
        }
        if (io == IO_END) {
            p->client_ended = true;
            break;
        }
        size_t taken = server_send(p, w->scratch, n);

        buf_add(&p->in, w->scratch + taken, n - taken);
    }
    if (p->in.n == 0)
        buf_fini(&p->in);
    if (p->in.n == 0 && p->client_ended && !p->server_knows) {
        p->server_knows = true;
        shutdown(p->pair.fd, SHUT_WR);
    }
    return true;
}

static bool server_to_client(struct pump *p)
{
    struct worker *w = p->conn->worker;
    enum io io = conn_flush(p->conn);

    for (int i = 0; i < PIECES_A_TURN && io == IO_OK && !p->server_ended; i++) {
        ssize_t n = recv(p->pair.fd, w->scratch, SCRATCH_SIZE, 0);

        if (n > 0) {
            buf_add(&p->conn->out, w->scratch, (size_t)n);
            io = conn_flush(p->conn);
        } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        } else { /* a reset too comes after all that the server wrote */
            p->server_ended = true;
        }
    }
    if (io == IO_FAULT || io == IO_END) {
        conn_close(p->conn);
        return false;
    }
    if (io == IO_OK && p->server_ended) {
        conn_leave(p->conn);
        return false;
    }
    return true;
}

/* Asks for no event that nothing would be done about: an end that stays readable must not make the loop spin.
 */
static void watch_both(struct pump *p)
{
    struct conn *c = p->conn;
    bool out_waits = c->out.n > 0;
    bool reads = p->in.n == 0 && !p->client_ended;
    uint32_t client =
        (reads && !p->read_is_blocked ? EPOLLIN : 0) | (out_waits || p->read_is_blocked ? EPOLLOUT : 0);
    uint32_t server = (!out_waits && !p->server_ended ? EPOLLIN : 0) | (p->in.n > 0 ? EPOLLOUT : 0);

    loop_watch(&c->worker->loop, &c->watch, client);
    loop_watch(&c->worker->loop, &p->pair, server);
}

void pump_turn(struct pump *p)
{
    if (client_to_server(p) && server_to_client(p))
        watch_both(p);
}

void pump_drain(struct pump *p)
{
    p->client_ended = true;
    loop_work(&p->conn->worker->loop, &p->conn->work, LANE_STRANGERS);
}
