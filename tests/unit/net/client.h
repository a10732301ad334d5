/* client.h -- a gRPC client over TLS and HTTP/2 for net's tests; one thread, no sleeping: it polls until what
 * it waits for is there. */
#ifndef URSA_TESTS_UNIT_NET_CLIENT_H
#define URSA_TESTS_UNIT_NET_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/test.h"
#include "ursa/base/buf.h"

#define ADS_SERVICE "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
#define ADS_PATH ADS_SERVICE "StreamAggregatedResources"
#define CLIENT_SECONDS 10
#define CLIENT_MESSAGES (64u << 20)

struct call {
    struct client *client;
    int32_t id;
    struct buf in;  /* frames that came */
    struct buf out; /* frames to send */
    size_t out_sent;
    bool half_close;
    int http_status, grpc_status; /* -1: none came */
    char text[256];               /* grpc-message */
    bool ended;
    uint32_t reset; /* error code of the stream's end */
};

struct client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    nghttp2_session *h2;
    bool closed;    /* by the server */
    bool deaf;      /* reads nothing */
    int64_t goaway; /* its error code; -1: none came */
    size_t n_pings; /* that came */
};

/* The real clock: the daemon's may be faked. */
static inline int64_t client_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

#define WAIT_FOR(client, condition)                                                                          \
    do {                                                                                                     \
        int64_t deadline_ = client_now() + CLIENT_SECONDS;                                                   \
        while (!(condition)) {                                                                               \
            if (client_now() > deadline_)                                                                    \
                FAIL("%s did not come true in %d s", #condition, CLIENT_SECONDS);                            \
            client_step(client);                                                                             \
        }                                                                                                    \
    } while (0)

static inline int client_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct timeval limit = {.tv_sec = CLIENT_SECONDS};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    /* Window updates are small and must not wait. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

static inline void client_connect_socket(int fd, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        FAIL("connect: %s", strerror(errno));
}

static inline int client_connect(uint16_t port)
{
    int fd = client_socket();

    client_connect_socket(fd, port);
    return fd;
}

/* Until the server closes. */
static inline void client_wait_for_end(int fd)
{
    char bytes[4096];
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        ;
    if (n < 0 && errno == EAGAIN)
        FAIL("the server keeps the connection");
}

/* TLS with these protocols offered ("\x02h2"; "": no ALPN); false when the handshake fails. Takes over 'fd'.
 */
static inline bool client_open_fd(struct client *c, int fd, struct str alpn)
{
    *c = (struct client){.fd = fd, .goaway = -1};
    c->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    c->ssl = SSL_new(c->ctx);
    SSL_set_fd(c->ssl, c->fd);
    if (alpn.n > 0)
        SSL_set_alpn_protos(c->ssl, (const unsigned char *)alpn.p, (unsigned)alpn.n);
    ERR_clear_error();
    return SSL_connect(c->ssl) == 1;
}

static inline bool client_open(struct client *c, uint16_t port, struct str alpn)
{
    return client_open_fd(c, client_connect(port), alpn);
}

static inline void client_close(struct client *c)
{
    nghttp2_session_del(c->h2);
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
}

static inline int client_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                                   size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                                   void *user)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct str n = str_from(name, name_size), v = str_from(value, value_size);
    int64_t number = -1;

    (void)flags, (void)user;
    if (!call)
        return 0;
    if (str_eq(n, STR(":status")) && str_to_int(v, 0, 999, &number))
        call->http_status = (int)number;
    else if (str_eq(n, STR("grpc-status")) && str_to_int(v, 0, 16, &number))
        call->grpc_status = (int)number;
    else if (str_eq(n, STR("grpc-message")) && v.n < sizeof(call->text))
        memcpy(call->text, v.p, v.n);
    return 0;
}

static inline int client_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                                 size_t size, void *user)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, id);

    (void)flags, (void)user;
    if (call)
        buf_add(&call->in, data, size);
    return 0;
}

static inline int client_on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct call *call = nghttp2_session_get_stream_user_data(session, id);

    (void)user;
    if (call) {
        call->ended = true;
        call->reset = code;
    }
    return 0;
}

static inline int client_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct client *c = user;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        c->goaway = frame->goaway.error_code;
    if (frame->hd.type == NGHTTP2_PING && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
        c->n_pings++;
    return 0;
}

/* Makes it an HTTP/2 client; 'answers_pings' as any should. */
static inline void client_start_h2(struct client *c, bool answers_pings)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;

    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_ping_ack(option, !answers_pings);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, client_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_on_frame);
    nghttp2_session_client_new2(&c->h2, callbacks, c, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, NULL, 0);
}

static inline void client_dial(struct client *c, uint16_t port)
{
    if (!client_open(c, port, STR("\x02h2")))
        FAIL("the handshake failed");
    client_start_h2(c, true);
}

/* Sends all that is to be sent; the server always reads, so it blocks but shortly. */
static inline void client_send(struct client *c)
{
    const uint8_t *p;
    ssize_t n;

    while (!c->closed && (n = nghttp2_session_mem_send(c->h2, &p)) > 0)
        if (SSL_write(c->ssl, p, (int)n) != n)
            c->closed = true;
}

/* Sends, and reads once if there is something within 'wait_ms'. */
static inline void client_turn(struct client *c, int wait_ms)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLIN};
    uint8_t bytes[16384];

    client_send(c);
    if (c->closed || c->deaf) {
        poll(NULL, 0, 1);
        return;
    }
    if (SSL_pending(c->ssl) == 0 && poll(&fd, 1, wait_ms) == 0)
        return;
    ERR_clear_error();
    int n = SSL_read(c->ssl, bytes, sizeof(bytes));

    if (n <= 0)
        c->closed = true;
    else if (nghttp2_session_mem_recv(c->h2, bytes, (size_t)n) < 0)
        FAIL("the server breaks HTTP/2");
}

static inline void client_step(struct client *c)
{
    client_turn(c, 20);
}

static inline ssize_t client_read(nghttp2_session *session, int32_t id, uint8_t *p, size_t size,
                                  uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct call *call = source->ptr;
    size_t n = call->out.n - call->out_sent;

    (void)session, (void)id, (void)user;
    n = n < size ? n : size;
    if (n > 0)
        memcpy(p, call->out.p + call->out_sent, n);
    call->out_sent += n;
    if (call->half_close && call->out_sent == call->out.n)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (n == 0)
        return NGHTTP2_ERR_DEFERRED;
    return (ssize_t)n;
}

/* Fields in pairs, NULL at the end. */
static inline void call_start_with(struct call *call, struct client *c, const char *const *fields)
{
    nghttp2_nv nv[16];
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = client_read};
    size_t n = 0;

    *call = (struct call){.client = c, .http_status = -1, .grpc_status = -1};
    buf_init(&call->in, CLIENT_MESSAGES);
    buf_init(&call->out, CLIENT_MESSAGES);
    for (; fields[2 * n]; n++)
        nv[n] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[2 * n], (uint8_t *)(uintptr_t)fields[2 * n + 1],
                             strlen(fields[2 * n]), strlen(fields[2 * n + 1]), NGHTTP2_NV_FLAG_NONE};
    call->id = nghttp2_submit_request(c->h2, NULL, nv, n, &provider, call);
}

#define CALL(method, path, type)                                                                             \
    ":method", method, ":scheme", "https", ":authority", "cp", ":path", path, "content-type", type

static inline void call_start(struct call *call, struct client *c)
{
    static const char *const fields[] = {CALL("POST", ADS_PATH, "application/grpc"), "te", "trailers", NULL};

    call_start_with(call, c, fields);
}

static inline void call_end(struct call *call)
{
    if (call->client->h2)
        nghttp2_session_set_stream_user_data(call->client->h2, call->id, NULL);
    buf_fini(&call->in);
    buf_fini(&call->out);
}

static inline void call_send_bytes(struct call *call, struct str bytes)
{
    buf_add_str(&call->out, bytes);
    nghttp2_session_resume_data(call->client->h2, call->id);
}

static inline void call_send(struct call *call, const char *message)
{
    uint8_t prefix[5] = {0, 0, 0, 0, (uint8_t)strlen(message)};

    buf_add(&call->out, prefix, sizeof(prefix));
    call_send_bytes(call, str_from_c(message));
}

/* The first message that came, taken out of 'in' by call_drop. */
static inline bool call_has_message(const struct call *call)
{
    const uint8_t *p = call->in.p;

    return call->in.n >= 5 &&
           call->in.n - 5 >= ((size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4]);
}

static inline struct str call_message(const struct call *call)
{
    const uint8_t *p = call->in.p;

    return str_from(p + 5, (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4]);
}

static inline void call_drop(struct call *call)
{
    buf_consume(&call->in, 5 + call_message(call).n);
}

#endif
