/* peer.c -- see peer.h. */
#include "peer.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/listen.h"
#include "ursa/base/log.h"

#define ACCEPTS_A_TURN 64
#define PAUSE (NS_PER_S / 4) /* without descriptors */
#define HEADER_LIMIT (5 * NS_PER_S)
#define BODY_PAUSE_LIMIT (10 * NS_PER_S) /* between two pieces of a body */
#define SLOWEST_RATE (128 << 10)         /* bytes a second: a body or an answer gets so much more time */
#define TRIM_AFTER NS_PER_S              /* of rest */

#define REFUSAL_503                                                                                          \
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"                            \
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 25\r\n\r\n503: Too Many Connections"
#define REFUSAL_408 "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

struct peer {
    struct server *server;
    struct secured *secured; /* NULL: it came in plain */
    int fd;
    bool asks, rests; /* a request is coming in; nothing is under way */
    bool trimmed;     /* since it rests */
    bool has_sent;    /* a header, at least one */
    int64_t deadline; /* INT64_MAX: none */
    int64_t body_end; /* of its body as a whole */
    int64_t rests_since;
    void *pool;         /* libmicrohttpd's memory for it; NULL: not known, or not a mapping of its own */
    struct timer timer; /* set to the deadline or earlier: it is not moved with every request */
};

static struct peer *peer_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

const struct secured *peer_secured(struct MHD_Connection *connection)
{
    return peer_of(connection)->secured;
}

/* ---- deadlines ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t now_of(const struct peer *p)
{
    return p->server->api->now;
}

/* apiServer.connectionTimeout; 0 means never. */
static int64_t limit_of(const struct peer *p)
{
    unsigned s = p->server->api->options.timeout_s;

    return s ? s * NS_PER_S : INT64_MAX / 4;
}

static int64_t time_for(size_t n)
{
    return (int64_t)n * NS_PER_S / SLOWEST_RATE;
}

/* When there is something to do about it. */
static int64_t due_at(const struct peer *p)
{
    int64_t trim = p->rests && !p->trimmed ? p->rests_since + TRIM_AFTER : INT64_MAX;

    return earlier(trim, p->deadline);
}

static void set_timer(struct peer *p)
{
    int64_t at = due_at(p);

    if (at != INT64_MAX && (p->timer.slot == 0 || at < p->timer.at))
        timer_set(&p->server->api->timers, &p->timer, at);
}

static void wait_until(struct peer *p, int64_t at)
{
    p->deadline = at;
    set_timer(p);
}

/* libmicrohttpd sees the end and closes. Whoever was asking is told why. */
static void cut_off(struct peer *p)
{
    int n_unread = 0;

    COUNT(api_cut_off);
    /* What is on its way to who does not take it would stay in the kernel, in wait for a reader. */
    if (ioctl(p->fd, SIOCOUTQ, &n_unread) == 0 && n_unread > 0)
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    if (p->asks)
        send(p->fd, REFUSAL_408, sizeof(REFUSAL_408) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(p->fd, SHUT_RDWR);
    p->deadline = INT64_MAX;
}

static bool is_zero(const unsigned char *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* libmicrohttpd frees a connection's memory when it closes the connection, which may be long before it lets
 * go of it; but it shuts the socket down in the same breath. */
static bool has_memory(const struct peer *p)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);

    return p->pool && getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state == TCP_ESTABLISHED;
}

/* After each request libmicrohttpd writes zeros over all of a connection's memory, so all of it is resident.
 * Pages of zeros, in a mapping that is nobody else's, can be given back unseen: they read as zeros again. */
static void trim(struct peer *p)
{
    p->trimmed = true;
    if (has_memory(p) && is_zero(p->pool, CONNECTION_MEMORY))
        madvise(p->pool, CONNECTION_MEMORY, MADV_DONTNEED);
}

static void look(struct timer *t, int64_t now)
{
    struct peer *p = CONTAINER_OF(t, struct peer, timer);

    if (p->deadline <= now)
        cut_off(p);
    else if (due_at(p) <= now)
        trim(p);
    set_timer(p);
}

void peer_begins(struct MHD_Connection *connection)
{
    struct peer *p = peer_of(connection);

    p->asks = true;
    p->rests = false;
    wait_until(p, now_of(p) + earlier(HEADER_LIMIT, limit_of(p)));
}

void peer_sends(struct MHD_Connection *connection, const char *method)
{
    struct peer *p = peer_of(connection);

    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    /* The first header stands where the memory begins. A mapping of its own begins with a page, what malloc
     * gives never does. */
    if (p->server->port != API_DP && !p->has_sent && (uintptr_t)method % page == 0 &&
        CONNECTION_MEMORY % page == 0)
        p->pool = (void *)(uintptr_t)method;
    p->has_sent = true;
    p->body_end = now_of(p) + limit_of(p);
    peer_sent(connection, 0);
}

void peer_sent(struct MHD_Connection *connection, size_t n)
{
    struct peer *p = peer_of(connection);

    p->body_end += time_for(n);
    wait_until(p, earlier(p->body_end, now_of(p) + earlier(BODY_PAUSE_LIMIT, limit_of(p))));
}

void peer_waits(struct MHD_Connection *connection)
{
    struct peer *p = peer_of(connection);

    p->asks = false;
    p->deadline = INT64_MAX;
}

void peer_reads(struct MHD_Connection *connection, size_t n)
{
    struct peer *p = peer_of(connection);

    p->asks = false;
    wait_until(p, now_of(p) + limit_of(p) + time_for(n));
}

void peer_rests(struct MHD_Connection *connection)
{
    struct peer *p = peer_of(connection);

    p->asks = p->trimmed = false;
    p->rests = true;
    p->rests_since = now_of(p);
    wait_until(p, now_of(p) + limit_of(p));
}

/* ---- coming and going ---- */

static void *peer_new(struct server *s, struct MHD_Connection *connection)
{
    struct peer *p = xcalloc(1, sizeof(*p));

    p->server = s;
    p->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    p->timer.expire = look;
    p->secured = s->taking;
    s->taking = NULL;
    wait_until(p, now_of(p) + earlier(HEADER_LIMIT, limit_of(p)));
    s->n_peers++;
    GAUGE_ADD(api_connections, 1);
    return p;
}

static void peer_free(struct peer *p)
{
    timer_clear(&p->server->api->timers, &p->timer);
    p->server->n_peers--;
    GAUGE_ADD(api_connections, -1);
    free(p->secured);
    free(p);
}

void peer_notify(void *server, struct MHD_Connection *connection, void **peer,
                 enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *peer = peer_new(server, connection);
    } else {
        peer_free(*peer);
        *peer = NULL;
    }
}

/* What it has sent is read first: closing with unread bytes would reset the connection, and lose the answer.
 */
static void refuse(int fd)
{
    char sink[4096];

    while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) == (ssize_t)sizeof(sink))
        ;
    send(fd, REFUSAL_503, sizeof(REFUSAL_503) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    COUNT(api_refused);
}

void peers_take(struct server *s, int fd, const struct sockaddr *address, socklen_t size,
                struct secured *secured)
{
    s->taking = secured; /* peer_new is called meanwhile, and takes it */
    if (s->n_peers >= s->api->options.max_connections)
        refuse(fd);
    else if (MHD_add_connection(s->daemon, fd, address, size) != MHD_YES) /* closes it in any case */
        log_warn("api", "a connection cannot be taken: %m");
    free(s->taking);
    s->taking = NULL;
}

static void listening(struct server *s, bool on)
{
    struct epoll_event watch = {.events = EPOLLIN, .data.ptr = s};

    s->is_listening =
        epoll_ctl(s->api->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, s->listen_fd, &watch) == 0 && on;
}

static void listen_again(struct timer *t, int64_t now)
{
    (void)now;
    listening(CONTAINER_OF(t, struct server, pause), true);
}

/* Level-triggered, a connection that cannot be accepted would wake the loop for ever. */
static void rest(struct server *s, int error)
{
    log_warn("api", "no connection can be accepted for a moment: %s", strerrordesc_np(error));
    COUNT(api_accept_paused);
    listening(s, false);
    timer_set(&s->api->timers, &s->pause, s->api->now + PAUSE);
}

void peers_accept(struct server *s)
{
    for (int i = 0; i < ACCEPTS_A_TURN && s->is_listening; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        int fd = accept4(s->listen_fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0)
            peers_take(s, fd, (struct sockaddr *)&from, size, NULL);
        else if (errno == EAGAIN)
            return;
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            rest(s, errno);
        /* else that one connection failed before it was accepted */
    }
}

enum err_kind peers_listen(struct server *s, const char *address, uint16_t port, struct err *e)
{
    s->pause.expire = listen_again;
    s->listen_fd = listen_tcp(address, port, &s->bound_port, e);
    if (s->listen_fd < 0)
        return e->kind;
    listening(s, true);
    return s->is_listening ? ERR_NONE : err_set(e, ERR_IO, "cannot watch the HTTP server: %m");
}

void peers_stop_listening(struct server *s)
{
    timer_clear(&s->api->timers, &s->pause);
    if (s->is_listening)
        listening(s, false);
}
