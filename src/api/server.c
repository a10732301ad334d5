/* server.c -- libmicrohttpd in our epoll loop: its epoll descriptors, our mailbox, and MHD_run; never its own
 * threads (0.9.75 stalls when a multiple of 128 sockets are ready at once), its listening sockets or its
 * time-outs (peer.h). Suspended requests are resumed on this thread, followed by one more MHD_run. */
#include "server.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "peer.h"
#include "receive.h"
#include "ursa/base/clock.h"
#include "ursa/base/log.h"
#include "ursa/envoy.h"

#define STOP_LIMIT (5 * NS_PER_S) /* for what is being answered when the daemon stops */
#define STOP_LIMIT_STREAMS NS_PER_S
#define STOP_POLL_MS 50

/* A configuration dump of a large mesh has some ten MiB. */
static const struct proxy_admin_options ask_proxies = {
    .n_threads = 4, .max_waiting = 32, .deadline_ns = 10 * NS_PER_S, .max_body = 64u << 20};

/* ---- starting ---- */

static void log_from_library(void *ctx, const char *fmt, va_list args)
{
    char line[256];

    (void)ctx;
    vsnprintf(line, sizeof(line), fmt, args);
    log_debug("api", "libmicrohttpd: %s", line);
}

static enum err_kind server_start(struct api *api, enum api_server port, const char *address, uint16_t number,
                                  struct err *e)
{
    struct server *s = &api->servers[port];
    const union MHD_DaemonInfo *info;

    list_init(&s->requests);
    s->api = api;
    s->port = port;
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET, 0, NULL,
        NULL, receive_request, s, MHD_OPTION_EXTERNAL_LOGGER, log_from_library, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(port == API_DP ? PROXY_CONNECTION_MEMORY : CONNECTION_MEMORY), MHD_OPTION_URI_LOG_CALLBACK,
        receive_uri, s, MHD_OPTION_UNESCAPE_CALLBACK, receive_unescaped, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        receive_completed, s, MHD_OPTION_NOTIFY_CONNECTION, peer_notify, s, MHD_OPTION_END);
    if (!s->daemon)
        return err_set(e, ERR_IO, "cannot start the HTTP server on port %u", number);
    info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct epoll_event watch = {.events = EPOLLIN}; /* of all but listening sockets it only ends the wait */
    if (!info || epoll_ctl(api->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &watch) != 0)
        return err_set(e, ERR_IO, "cannot watch the HTTP server: %m");
    return address ? peers_listen(s, address, number, e) : ERR_NONE;
}

/* ---- the loop ---- */

#define LONGEST_WAIT_MS 60000

/* Rounded up, so that the loop does not spin through the last millisecond. */
static int wait_ms(const struct api *api)
{
    int64_t left = timers_next(&api->timers) - clock_mono_ns();
    MHD_UNSIGNED_LONG_LONG limit;

    for (int i = 0; i < API_SERVERS; i++) {
        if (MHD_get_timeout(api->servers[i].daemon, &limit) == MHD_YES && limit == 0)
            return 0; /* it has something to do already */
    }
    if (left > LONGEST_WAIT_MS * NS_PER_MS)
        return LONGEST_WAIT_MS;
    return left > 0 ? (int)((left - 1) / NS_PER_MS + 1) : 0;
}

/* Of a listening socket, or of the peer of a request that waits. */
static void take_event(struct api *api, void *of)
{
    struct request *r = of;

    for (int i = 0; i < API_SERVERS; i++) {
        if (of == &api->servers[i]) {
            peers_accept(of);
            return;
        }
    }
    r->peer_gone(r);
}

static void pass(struct api *api, int timeout_ms)
{
    struct epoll_event events[64];
    int n = epoll_wait(api->epoll_fd, events, (int)ARRAY_LEN(events), timeout_ms);

    if (n < 0 && errno != EINTR)
        log_error("api", "epoll_wait error=%m"); /* the servers are run all the same */
    api->now = clock_mono_ns();
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr)
            take_event(api, events[i].data.ptr);
    }
    mailbox_run(&api->mailbox);
    timers_run(&api->timers, api->now);
    for (int i = 0; i < API_SERVERS; i++)
        MHD_run(api->servers[i].daemon);
}

/* Some request waits for the writer or the engine, or its answer is not sent yet. Streams of events have less
 * time: nothing is lost when one is cut off. */
static bool is_answering(const struct api *api, bool with_streams)
{
    for (int i = 0; i < API_SERVERS; i++) {
        LIST_FOR (node, &api->servers[i].requests) {
            const struct request *r = LIST_ITEM(node, struct request, link);
            if (r->stream && !with_streams)
                continue;
            if (r->suspended || (r->status != 0 && !r->body_refused) || r->queued)
                return true;
        }
    }
    return false;
}

/* Whoever asked is answered: the writer and the engine run on until the API has stopped. Every answer from
 * now on closes its connection (receive.c), so this ends; who reads slowly is cut off at last. */
static void finish_requests(struct api *api)
{
    int64_t now = clock_mono_ns(), end = now + STOP_LIMIT, end_of_streams = now + STOP_LIMIT_STREAMS;

    for (int i = 0; i < API_SERVERS; i++)
        peers_stop_listening(&api->servers[i]);
    event_streams_end(api);
    while (is_answering(api, clock_mono_ns() < end_of_streams) && clock_mono_ns() < end)
        pass(api, STOP_POLL_MS);
}

static void *loop(void *arg)
{
    struct api *api = arg;

    while (!atomic_load(&api->stopping))
        pass(api, wait_ms(api));
    finish_requests(api);
    return NULL;
}

void request_suspend(struct request *r)
{
    if (r->suspended)
        return;
    r->suspended = true;
    r->server->api->n_suspended++;
    MHD_suspend_connection(r->connection);
}

void request_resume(struct request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    r->server->api->n_suspended--;
    MHD_resume_connection(r->connection);
}

static int socket_of(const struct request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? info->connect_fd : -1;
}

void request_watch_peer(struct request *r, void (*gone)(struct request *))
{
    struct epoll_event watch = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = r};

    r->peer_gone = gone;
    if (epoll_ctl(r->server->api->epoll_fd, EPOLL_CTL_ADD, socket_of(r), &watch) != 0) {
        log_warn("api", "cannot watch a client error=%m");
        r->peer_gone = NULL;
    }
}

void request_forget_peer(struct request *r)
{
    if (r->peer_gone)
        epoll_ctl(r->server->api->epoll_fd, EPOLL_CTL_DEL, socket_of(r), NULL);
    r->peer_gone = NULL;
}

/* ---- connections from the TLS ports ---- */

struct handed {
    struct mail mail;
    struct server *server;
    int fd;
    struct secured *secured;
    struct sockaddr_storage peer;
    socklen_t peer_len;
};

static void add_connection(struct mail *mail)
{
    struct handed *h = CONTAINER_OF(mail, struct handed, mail);

    peers_take(h->server, h->fd, (struct sockaddr *)&h->peer, h->peer_len, h->secured);
    free(h);
}

static struct secured *secured_new(const struct net_http1 *http1)
{
    struct secured *s = xcalloc(1, sizeof(*s) + http1->client_cert.n + 1);

    if (http1->client_cert.p) {
        memcpy(s->text, http1->client_cert.p, http1->client_cert.n);
        s->client_cert = str_from(s->text, http1->client_cert.n);
    }
    return s;
}

static void hand_over(struct api *api, enum api_server port, const struct net_http1 *http1)
{
    struct handed *h = xcalloc(1, sizeof(*h));

    h->mail.handle = add_connection;
    h->server = &api->servers[port];
    h->fd = http1->fd;
    h->secured = secured_new(http1);
    h->peer_len = http1->peer_len < sizeof(h->peer) ? http1->peer_len : sizeof(h->peer);
    memcpy(&h->peer, http1->peer, h->peer_len);
    mailbox_send(&api->mailbox, &h->mail);
}

void api_take_http1(void *ctx, const struct net_http1 *http1)
{
    hand_over(ctx, API_DP, http1);
}

void api_take_https(void *ctx, const struct net_http1 *http1)
{
    hand_over(ctx, API_REST, http1);
}

/* ---- life ---- */

static void wake(struct mail *mail)
{
    free(mail);
}

static enum err_kind start_all(struct api *api, struct err *e)
{
    const struct api_options *o = &api->options;
    struct epoll_event watch = {.events = EPOLLIN};

    if (api->epoll_fd < 0 || epoll_ctl(api->epoll_fd, EPOLL_CTL_ADD, api->mailbox.event_fd, &watch) != 0)
        return err_set(e, ERR_IO, "cannot make the API's loop: %m");
    if (cors_init(&api->cors, &o->cors_domains, e) != ERR_NONE)
        return e->kind;
    if (server_start(api, API_REST, o->rest_address, o->rest_port, e) != ERR_NONE ||
        server_start(api, API_DP, NULL, 0, e) != ERR_NONE ||
        server_start(api, API_DIAG, o->diag_address, o->diag_port, e) != ERR_NONE ||
        proxy_admin_start(&ask_proxies, &api->proxy_admin, e) != ERR_NONE)
        return e->kind;
    if (pthread_create(&api->thread, NULL, loop, api) != 0)
        return err_set(e, ERR_IO, "cannot start the API's thread");
    pthread_setname_np(api->thread, "api");
    api->started = true;
    return ERR_NONE;
}

enum err_kind api_start(const struct api_options *options, struct api **out, struct err *e)
{
    struct api *api = xcalloc(1, sizeof(*api));

    resource_set_native_check(envoy_check_native);
    api->options = *options;
    api->server_cert = blob_new(options->bootstrap.server_cert_pem.p, options->bootstrap.server_cert_pem.n);
    api->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    api->now = clock_mono_ns();
    for (int i = 0; i < API_SERVERS; i++)
        api->servers[i].listen_fd = -1;
    mailbox_init(&api->mailbox);
    lock_init(&api->net_lock);
    event_streams_init(api);
    if (start_all(api, e) != ERR_NONE) {
        api_stop(api);
        return e->kind;
    }
    *out = api;
    return ERR_NONE;
}

struct end_mail {
    struct mail mail;
    struct api *api;
};

static void end_streams(struct mail *mail)
{
    struct end_mail *m = CONTAINER_OF(mail, struct end_mail, mail);

    event_streams_end(m->api);
    free(m);
}

void api_end_streams(struct api *api)
{
    struct end_mail *m = xcalloc(1, sizeof(*m));

    m->mail.handle = end_streams;
    m->api = api;
    mailbox_send(&api->mailbox, &m->mail);
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    atomic_store(&api->stopping, true);
    if (api->proxy_admin)
        proxy_admin_cancel(api->proxy_admin);
    if (api->started) {
        struct mail *mail = xcalloc(1, sizeof(*mail));
        mail->handle = wake;
        mailbox_send(&api->mailbox, mail);
        pthread_join(api->thread, NULL);
        proxy_admin_stop(api->proxy_admin);
        api->proxy_admin = NULL;
        mailbox_run(&api->mailbox); /* connections for servers that are still there */
        event_streams_fini(api);
    }
    if (api->n_suspended > 0) {
        /* Somebody still holds these requests: freeing them would be worse than leaving them to the end of
         * the process. */
        log_error("api", "stopping with unanswered requests n=%zu", api->n_suspended);
        return;
    }
    for (int i = 0; i < API_SERVERS; i++) {
        struct server *s = &api->servers[i];
        if (s->daemon)
            MHD_stop_daemon(s->daemon);
        if (s->listen_fd >= 0)
            close(s->listen_fd);
        timer_clear(&api->timers, &s->pause);
    }
    proxy_admin_stop(api->proxy_admin);
    timers_fini(&api->timers);
    mailbox_fini(&api->mailbox);
    lock_fini(&api->net_lock);
    cors_fini(&api->cors);
    blob_unref(api->server_cert);
    schemas_forget(api);
    buf_fini(&api->spare_body);
    if (api->epoll_fd >= 0)
        close(api->epoll_fd);
    free(api);
}

void api_set_net(struct api *api, struct net *net)
{
    lock_take(&api->net_lock);
    api->net = net;
    lock_drop(&api->net_lock);
}

struct cert_mail {
    struct mail mail;
    struct api *api;
    struct blob *pem;
};

static void take_server_cert(struct mail *mail)
{
    struct cert_mail *m = CONTAINER_OF(mail, struct cert_mail, mail);

    blob_unref(m->api->server_cert);
    m->api->server_cert = m->pem;
    free(m);
}

void api_set_server_cert(struct api *api, struct str pem)
{
    struct cert_mail *m = xcalloc(1, sizeof(*m));

    m->mail.handle = take_server_cert;
    m->api = api;
    m->pem = blob_new(pem.p, pem.n);
    mailbox_send(&api->mailbox, &m->mail);
}

void api_set_ready(struct api *api, bool ready)
{
    atomic_store(&api->ready, ready);
}

uint16_t api_port(const struct api *api, enum api_server port)
{
    return api->servers[port].bound_port;
}
