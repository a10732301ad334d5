/* conn.c -- a connection's states, its reading and writing, and its time limits. */
#include "conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "pump.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "worker.h"

#define HANDSHAKE_LIMIT (5 * NS_PER_S)
#define STALL_LIMIT (30 * NS_PER_S) /* without the peer taking a byte of what waits for it */
#define PING_AFTER (30 * NS_PER_S)  /* of silence */
#define PING_LIMIT (15 * NS_PER_S)  /* for anything to come back */
#define UNUSED_LIMIT                                                                                         \
    (30 * NS_PER_S) /* without a call that has brought a message: connections are few, and must be worth it  \
                     */
/* Incomplete requests of all connections. */
#define HELD_MAX ((size_t)256 * DISCOVERY_REQUEST_MAX)
#define KERNEL_QUEUE (64 << 10) /* bytes that wait in the kernel to be sent, about */
#define LEAVING_LIMIT (2 * NS_PER_S)
#define DISCARD_MAX (256u << 10)
/* Bytes read in one go are bounded, so that a busy peer leaves the others their turn. */
#define READS_A_TURN 4
#define READABLE (EPOLLIN | EPOLLHUP | EPOLLERR)

#define TO(state) (1u << CONN_##state)
static const uint8_t moves[CONN_STATES] = {
    [CONN_HANDSHAKE] = TO(H2) | TO(HTTP1) | TO(CLOSED),
    [CONN_H2] = TO(LEAVING) | TO(CLOSED),
    [CONN_HTTP1] = TO(LEAVING) | TO(CLOSED),
    [CONN_LEAVING] = TO(CLOSED),
    [CONN_CLOSED] = 0,
};
static const char *const state_names[CONN_STATES] = {"handshake", "h2", "http1", "leaving", "closed"};

bool conn_may_move(enum conn_state from, enum conn_state to)
{
    return moves[from] & 1u << to;
}

const char *conn_state_name(enum conn_state state)
{
    return state_names[state];
}

struct peer_text {
    char p[INET6_ADDRSTRLEN + 9];
};

static const char *peer_text(const struct conn *c, struct peer_text *text)
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool is_v6 = c->peer.any.sa_family == AF_INET6;
    const void *address = is_v6 ? (const void *)&c->peer.v6.sin6_addr : &c->peer.v4.sin_addr;

    inet_ntop(c->peer.any.sa_family, address, host, sizeof(host));
    snprintf(text->p, sizeof(text->p), is_v6 ? "[%s]:%u" : "%s:%u", host, ntohs(c->peer.v4.sin_port));
    return text->p;
}
#define PEER(c) peer_text((c), &(struct peer_text){0})

static void move(struct conn *c, enum conn_state to)
{
    assert(conn_may_move(c->state, to));
    log_debug("net", "peer=%s %s -> %s", PEER(c), state_names[c->state], state_names[to]);
    c->state = to;
}

static void watch(struct conn *c, uint32_t events)
{
    loop_watch(&c->worker->loop, &c->watch, events);
}

static void wake_at(struct conn *c, int64_t at)
{
    if (at == INT64_MAX)
        timer_clear(&c->worker->loop.timers, &c->timer);
    else
        timer_set(&c->worker->loop.timers, &c->timer, at);
}

/* The proxies of a mesh share a lane, so that what a large one sends and is sent holds no other one up. Whose
 * mesh is not known yet has done with its handshake, and does not wait behind those of others. */
static uint64_t lane_of(const struct conn *c)
{
    if (!c->h2)
        return LANE_STRANGERS;
    return h2_lane(c->h2) ? h2_lane(c->h2) : LANE_NEWCOMERS;
}

static void work_soon(void *ctx)
{
    struct conn *c = ctx;

    loop_work(&c->worker->loop, &c->work, lane_of(c));
}

/* ---- the end ---- */

static void bury(struct job *job)
{
    struct conn *c = CONTAINER_OF(job, struct conn, burial);

    SSL_free(c->ssl);
    buf_fini(&c->out);
    free(c);
}

static void drop_protocol(struct conn *c)
{
    h2_free(c->h2);
    pump_free(c->pump);
    c->h2 = NULL;
    c->pump = NULL;
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    move(c, CONN_CLOSED);
    drop_protocol(c);
    watch(c, 0);
    close(c->watch.fd);
    wake_at(c, INT64_MAX);
    loop_work_cancel(&c->work);
    worker_remove(c->worker, c);
    loop_bury(&c->worker->loop, &c->burial);
}

static void lost(struct conn *c, enum io io)
{
    if (io == IO_FAULT)
        log_info("net", "peer=%s lost: %s", PEER(c), tls_fault());
    conn_close(c);
}

enum io conn_flush(struct conn *c)
{
    size_t sent = c->out_sent;
    enum io io = tls_write(c->ssl, &c->out, &c->out_sent);

    if (io == IO_OK)
        c->stalled_at = INT64_MAX;
    /* Of HTTP/1.1 a whole piece must go in time: a byte now and then does not keep the connection. */
    else if ((c->out_sent != sent && c->state != CONN_HTTP1) || c->stalled_at == INT64_MAX)
        c->stalled_at = c->worker->loop.now;
    return io;
}

/* What the peer still sends is thrown away: closing with unread bytes would reset the connection and lose our
 * last ones. */
static void leaving_read(struct conn *c)
{
    ssize_t n = recv(c->watch.fd, c->worker->scratch, SCRATCH_SIZE, MSG_DONTWAIT);

    if (n > 0)
        c->n_discarded += (size_t)n;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || c->n_discarded > DISCARD_MAX)
        conn_close(c);
}

static void leaving_turn(struct conn *c, uint32_t events)
{
    if (!c->said_goodbye) {
        enum io io = conn_flush(c);

        if (io == IO_WRITE) {
            watch(c, EPOLLOUT);
            return;
        }
        if (io != IO_OK) {
            conn_close(c);
            return;
        }
        c->said_goodbye = true;
        SSL_shutdown(c->ssl);
        shutdown(c->watch.fd, SHUT_WR);
        watch(c, EPOLLIN);
    }
    if (events & READABLE)
        leaving_read(c);
}

void conn_leave(struct conn *c)
{
    move(c, CONN_LEAVING);
    drop_protocol(c);
    wake_at(c, c->worker->loop.now + LEAVING_LIMIT);
    leaving_turn(c, 0);
}

/* ---- HTTP/2 ---- */

/* False when the connection is over and closed. The kernel says when it has more; what TLS has read ahead is
 * for us to remember. */
static bool h2_read(struct conn *c)
{
    c->has_unread = true;
    for (int i = 0; i < READS_A_TURN && c->has_unread; i++) {
        size_t n;
        enum io io = tls_read(c->ssl, c->worker->scratch, SCRATCH_SIZE, &n);

        c->read_is_blocked = io == IO_WRITE;
        c->has_unread = io == IO_OK && tls_has_read_ahead(c->ssl);
        if (io == IO_READ || io == IO_WRITE)
            return true;
        if (io != IO_OK) {
            lost(c, io);
            return false;
        }
        c->heard_at = c->worker->loop.now;
        c->pinged_at = 0;
        if (!h2_receive(c->h2, str_from(c->worker->scratch, n), c->worker->loop.now))
            return true; /* h2_send says why */
    }
    return true;
}

/* Sends one output buffer full at most: on a push, every connection has its turn before the first has its
 * second. */
static void h2_write(struct conn *c)
{
    bool alive = h2_send(c->h2, &c->out);

    if (!alive) {
        if (h2_fault(c->h2))
            log_info("net", "peer=%s is closed: %s", PEER(c), h2_fault(c->h2));
        conn_leave(c);
        return;
    }
    enum io io = conn_flush(c);

    if (io == IO_FAULT || io == IO_END) {
        lost(c, io);
        return;
    }
    watch(c, (c->read_is_blocked ? EPOLLOUT : EPOLLIN) | (io == IO_WRITE ? EPOLLOUT : 0));
    if (io == IO_OK && h2_has_more(c->h2))
        work_soon(c);
}

static void h2_turn(struct conn *c)
{
    if (c->has_unread && !h2_read(c))
        return;
    h2_write(c);
    if (c->state == CONN_H2 && c->has_unread)
        work_soon(c);
}

/* What came waits its turn as what there is to send does: a thousand acknowledgements are work, too. Until
 * then the kernel says so again in every pass, which costs next to nothing. */
static void h2_ready(struct conn *c, uint32_t events)
{
    c->has_unread |= events & READABLE || c->read_is_blocked;
    work_soon(c);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t after(int64_t since, int64_t limit)
{
    return since == INT64_MAX ? INT64_MAX : since + limit;
}

/* At a whole second: connections that are due in the same one wake the loop once. */
static void wake_about(struct conn *c, int64_t at)
{
    wake_at(c, at == INT64_MAX ? at : (at + NS_PER_S - 1) / NS_PER_S * NS_PER_S);
}

static void h2_begin(struct conn *c)
{
    struct h2_options options = {.ads = c->worker->ads,
                                 .source = throttle_source(&c->peer.any),
                                 .frames = &c->worker->frames,
                                 .n_held = &c->worker->n_held,
                                 .held_max = HELD_MAX / c->worker->n_siblings,
                                 .wake = work_soon,
                                 .ctx = c};

    move(c, CONN_H2);
    tls_read_ahead(c->ssl);
    c->h2 = h2_new(&options, c->worker->loop.now);
    wake_about(c, c->worker->loop.now + PING_AFTER);
    h2_ready(c, READABLE);
}

/* Why the connection must go, or NULL. */
static const char *h2_overdue(const struct conn *c, int64_t now)
{
    if (c->is_unused)
        return "does not go";
    if (after(c->stalled_at, STALL_LIMIT) <= now)
        return "takes no bytes";
    if (c->pinged_at != 0 && c->pinged_at + PING_LIMIT <= now && !c->has_unread)
        return "does not answer a PING";
    return NULL;
}

/* The timer is not moved when the peer is heard: it looks, when it expires, at what is due. */
static void h2_time(struct conn *c, int64_t now)
{
    const char *fault = h2_overdue(c, now);

    if (fault) {
        log_info("net", "peer=%s is closed: it %s", PEER(c), fault);
        conn_close(c);
        return;
    }
    if (after(h2_unused_since(c->h2), UNUSED_LIMIT) <= now) {
        c->is_unused = true;
        h2_drain(c->h2, ERR_UNAVAILABLE, STR("no request came in time"));
        wake_at(c, now + LEAVING_LIMIT);
        return;
    }
    if (c->pinged_at == 0 && c->heard_at + PING_AFTER <= now) {
        c->pinged_at = now;
        h2_ping(c->h2);
    }
    int64_t next = c->pinged_at != 0 ? c->pinged_at + PING_LIMIT : c->heard_at + PING_AFTER;

    next = earlier(next, after(c->stalled_at, STALL_LIMIT));
    wake_about(c, earlier(next, after(h2_unused_since(c->h2), UNUSED_LIMIT)));
}

/* ---- the beginning ---- */

static void http1_begin(struct conn *c)
{
    int fd;

    move(c, CONN_HTTP1);
    c->pump = pump_new(c, &fd);
    if (!c->pump) {
        log_warn("net", "peer=%s is closed: no descriptors for HTTP/1.1", PEER(c));
        conn_close(c);
        return;
    }
    wake_at(c, c->worker->loop.now + STALL_LIMIT);
    struct net_http1 handed = {.fd = fd, .peer = &c->peer.any, .peer_len = c->peer_size};
    char subject[TLS_SUBJECT_MAX];

    handed.client_cert = tls_client_subject(c->ssl, subject);
    c->showed_cert = handed.client_cert.p;
    c->door->http1(c->door->http1_ctx, &handed);
    pump_turn(c->pump);
}

static void handshake_turn(struct conn *c)
{
    enum io io = tls_handshake(c->ssl);

    if (io == IO_READ || io == IO_WRITE) {
        watch(c, io == IO_READ ? EPOLLIN : EPOLLOUT);
        return;
    }
    if (io != IO_OK) {
        COUNT(net_handshakes_failed);
        if (io == IO_FAULT) /* IO_END: whoever only looks whether the port is open */
            log_info("net", "peer=%s handshake failed: %s", PEER(c), tls_fault());
        conn_close(c);
        return;
    }
    COUNT(net_handshakes);
    if (tls_is_resumed(c->ssl))
        COUNT(net_handshakes_resumed);
    c->heard_at = c->worker->loop.now;
    if (tls_is_h2(c->ssl))
        h2_begin(c);
    else
        http1_begin(c);
}

/* ---- what the loop calls ---- */

static void on_ready(struct watch *w, uint32_t events)
{
    struct conn *c = CONTAINER_OF(w, struct conn, watch);

    switch (c->state) {
    case CONN_HANDSHAKE: /* is costly; until its turn nothing more need be told */
        watch(c, 0);
        work_soon(c);
        break;
    case CONN_H2:
        h2_ready(c, events);
        break;
    case CONN_HTTP1:
        pump_turn(c->pump);
        break;
    case CONN_LEAVING:
        leaving_turn(c, events);
        break;
    case CONN_CLOSED: /* the batch named it twice */
    case CONN_STATES:
        break;
    }
}

static void on_work(struct job *job)
{
    struct conn *c = CONTAINER_OF(job, struct conn, work);

    if (c->state == CONN_HANDSHAKE)
        handshake_turn(c);
    else if (c->state == CONN_H2)
        h2_turn(c);
    else if (c->state == CONN_HTTP1)
        pump_turn(c->pump);
    else
        leaving_turn(c, 0);
}

static void on_timer(struct timer *t, int64_t now)
{
    struct conn *c = CONTAINER_OF(t, struct conn, timer);

    if (c->state == CONN_H2) {
        h2_time(c, now);
    } else if (c->state == CONN_HTTP1 && after(c->stalled_at, STALL_LIMIT) > now) {
        /* Idle HTTP/1.1 connections are the HTTP server's to close; here only a peer that does not read is.
         */
        wake_at(c, earlier(now, c->stalled_at) + STALL_LIMIT);
    } else if (c->state == CONN_HANDSHAKE && job_waits(&c->work)) {
        wake_at(c, now + HANDSHAKE_LIMIT); /* in a crowd it is not the peer that is slow */
    } else {
        log_info("net", "peer=%s is closed: time is up in state %s", PEER(c), state_names[c->state]);
        conn_close(c);
    }
}

void conn_drain(struct conn *c)
{
    if (c->state == CONN_H2)
        h2_drain(c->h2, ERR_UNAVAILABLE, STR("the control plane is stopping"));
    else if (c->state == CONN_HTTP1)
        pump_drain(c->pump);
    else if (c->state == CONN_HANDSHAKE)
        conn_close(c);
}

/* The kernel finds a peer that vanished, and takes no more for one that does not read than makes it wait for
 * nothing: what it has taken can no longer be replaced by what is newer, and is memory too. What is set here
 * cannot fail on a TCP socket. */
static void tune(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 30}, {IPPROTO_TCP, TCP_KEEPINTVL, 10},
        {IPPROTO_TCP, TCP_KEEPCNT, 3},   {IPPROTO_TCP, TCP_NOTSENT_LOWAT, KERNEL_QUEUE},
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

void conn_open(struct door *door, int fd, const union peer_address *peer, socklen_t peer_size)
{
    struct worker *w = door->worker;
    struct conn *c = xcalloc(1, sizeof(*c));

    *c = (struct conn){.worker = w,
                       .door = door,
                       .watch = {.fd = fd, .ready = on_ready},
                       .timer = {.expire = on_timer},
                       .ssl = SSL_new(door->tls),
                       .stalled_at = INT64_MAX,
                       .peer = *peer,
                       .peer_size = peer_size};
    if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1)
        die_no_memory(0); /* OpenSSL has no other reason */
    SSL_set_accept_state(c->ssl);
    tune(fd);
    buf_init(&c->out, H2_OUTPUT_CAP);
    job_init(&c->work, on_work);
    job_init(&c->burial, bury);
    worker_add(w, c);
    wake_at(c, w->loop.now + HANDSHAKE_LIMIT);
    watch(c, EPOLLIN);
}
