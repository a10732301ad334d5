/* conn.c -- OpenSSL and nghttp2 on the client's side. */
#include "conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/net/tls.h"
#include "ursa/base/alloc.h"

#define PREFIX_SIZE 5u /* of a gRPC message: compressed or not, and its size */
#define MESSAGE_MAX (256u << 20)
#define WINDOW (256 << 20) /* Envoy's */

static int owner_slot; /* of an SSL: its connection */

/* A ticket came: it opens the next connection. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct conn *c = SSL_get_ex_data(ssl, owner_slot);

    SSL_SESSION_free(c->session);
    c->session = session;
    return 1;
}

void conn_place_init(struct conn_place *p, uint16_t port, uint32_t n_sources, bool resumes, const char *path,
                     const struct conn_events *events)
{
    *p = (struct conn_place){.n_sources = n_sources, .resumes = resumes, .path = path, .events = events};
    loop_init(&p->loop);
    p->server = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    p->tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_alpn_protos(p->tls, (const unsigned char *)"\x02h2", 3);
    SSL_CTX_set_mode(p->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    owner_slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (resumes) {
        SSL_CTX_set_session_cache_mode(p->tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(p->tls, keep_session);
    }
}

/* ---- the end ---- */

static void bury(struct job *job)
{
    struct conn *c = CONTAINER_OF(job, struct conn, burial);

    nghttp2_session_del(c->h2);
    c->h2 = NULL;
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->watch.fd >= 0)
        close(c->watch.fd);
    buf_fini(&c->out);
    buf_fini(&c->requests);
    buf_fini(&c->in);
}

void conn_close(struct conn *c)
{
    if (!c->place || c->is_closed)
        return;
    c->is_closed = true;
    if (c->ssl && c->is_open)
        SSL_shutdown(c->ssl); /* without it OpenSSL takes the session for broken */
    loop_watch(&c->place->loop, &c->watch, 0);
    loop_work_cancel(&c->send);
    loop_bury(&c->place->loop, &c->burial);
}

static void fail(struct conn *c, const char *why)
{
    if (c->is_closed)
        return;
    conn_close(c);
    c->place->events->failed(c, why);
}

/* ---- HTTP/2 ---- */

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
                   void *user)
{
    struct conn *c = user;
    size_t used = 0;

    (void)session, (void)flags, (void)id;
    buf_add(&c->in, data, size);
    while (!c->is_closed && c->in.n - used >= PREFIX_SIZE) {
        uint32_t n;

        memcpy(&n, c->in.p + used + 1, sizeof(n));
        n = ntohl(n);
        if (c->in.n - used - PREFIX_SIZE < n)
            break;
        c->place->events->message(c, str_from(c->in.p + used + PREFIX_SIZE, n));
        used += PREFIX_SIZE + n;
    }
    if (used == c->in.n)
        buf_fini(&c->in);
    else
        buf_consume(&c->in, used);
    return buf_ok(&c->in) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
    char text[200];

    (void)session, (void)frame, (void)flags;
    if (!str_eq(str_from(name, name_size), STR("grpc-message")))
        return 0;
    value_size = value_size < sizeof(text) ? value_size : sizeof(text) - 1;
    memcpy(text, value, value_size);
    text[value_size] = '\0';
    fail(user, text);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)session, (void)id, (void)code;
    fail(user, "the stream ended");
    return 0;
}

static ssize_t read_requests(nghttp2_session *session, int32_t id, uint8_t *p, size_t size, uint32_t *flags,
                             nghttp2_data_source *source, void *user)
{
    struct conn *c = source->ptr;
    size_t n = c->requests.n - c->requests_sent;

    (void)session, (void)id, (void)flags, (void)user;
    n = n < size ? n : size;
    if (n == 0) {
        buf_fini(&c->requests);
        c->requests_sent = 0;
        return NGHTTP2_ERR_DEFERRED;
    }
    memcpy(p, c->requests.p + c->requests_sent, n);
    c->requests_sent += n;
    return (ssize_t)n;
}

static nghttp2_nv field(const char *name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.p, strlen(name), value.n, 0};
}

static void h2_begin(struct conn *c)
{
    nghttp2_session_callbacks *callbacks;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW}};
    const nghttp2_nv fields[] = {
        field(":method", STR("POST")),         field(":scheme", STR("https")),
        field(":authority", STR("localhost")), field(":path", str_from_c(c->place->path)),
        field("te", STR("trailers")),          field("content-type", STR("application/grpc")),
        field("authorization", c->token),
    };
    nghttp2_data_provider provider = {.source.ptr = c, .read_callback = read_requests};

    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&c->h2, callbacks, c);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    nghttp2_session_set_local_window_size(c->h2, NGHTTP2_FLAG_NONE, 0, WINDOW);
    c->stream =
        nghttp2_submit_request(c->h2, NULL, fields, ARRAY_LEN(fields) - (c->token.n == 0), &provider, NULL);
}

void conn_send(struct conn *c, struct str message)
{
    uint32_t size = htonl((uint32_t)message.n);

    buf_add_byte(&c->requests, 0);
    buf_add(&c->requests, &size, sizeof(size));
    buf_add_str(&c->requests, message);
    nghttp2_session_resume_data(c->h2, c->stream);
    loop_work(&c->place->loop, &c->send, 0);
}

/* ---- the descriptor ---- */

static void send_all(struct conn *c)
{
    const uint8_t *bytes;
    ssize_t n;

    if (c->is_closed || !c->is_open)
        return;
    while ((n = nghttp2_session_mem_send(c->h2, &bytes)) > 0)
        buf_add(&c->out, bytes, (size_t)n);
    enum io io = tls_write(c->ssl, &c->out, &c->out_sent);

    if (n < 0 || io == IO_FAULT || io == IO_END)
        fail(c, "cannot send");
    else
        loop_watch(&c->place->loop, &c->watch, io == IO_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void on_send(struct job *job)
{
    send_all(CONTAINER_OF(job, struct conn, send));
}

static void receive(struct conn *c)
{
    struct conn_place *p = c->place;
    size_t n;
    enum io io = IO_OK;

    while (!c->is_closed && (io = tls_read(c->ssl, p->scratch, sizeof(p->scratch), &n)) == IO_OK) {
        p->n_bytes += n;
        if (nghttp2_session_mem_recv(c->h2, (const uint8_t *)p->scratch, n) < 0)
            fail(c, "HTTP/2 is broken");
    }
    if (io == IO_FAULT || io == IO_END)
        fail(c, io == IO_END ? "the server closed the connection" : tls_fault());
}

static bool shake_hands(struct conn *c)
{
    enum io io = tls_handshake(c->ssl);

    if (io == IO_READ || io == IO_WRITE)
        loop_watch(&c->place->loop, &c->watch, io == IO_READ ? EPOLLIN : EPOLLOUT);
    else if (io != IO_OK)
        fail(c, tls_fault());
    return io == IO_OK;
}

static void on_ready(struct watch *w, uint32_t events)
{
    struct conn *c = CONTAINER_OF(w, struct conn, watch);

    (void)events;
    if (!c->is_open) {
        if (c->is_closed || !shake_hands(c))
            return;
        c->is_open = true;
        h2_begin(c);
        c->place->events->opened(c);
    }
    receive(c);
    send_all(c);
}

/* The port is chosen by connect(): only then does the kernel know that one is free towards this server. */
static int socket_from(uint32_t source)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source)};

    if (fd >= 0 && (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
                    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

void conn_open(struct conn *c, struct conn_place *p, uint32_t number)
{
    int fd = socket_from(number % p->n_sources);

    c->place = p;
    c->is_open = c->is_closed = false;
    c->out_sent = c->requests_sent = 0;
    c->watch = (struct watch){.fd = fd, .ready = on_ready};
    job_init(&c->send, on_send);
    job_init(&c->burial, bury);
    buf_init(&c->out, MESSAGE_MAX);
    buf_init(&c->requests, MESSAGE_MAX);
    buf_init(&c->in, MESSAGE_MAX);
    c->ssl = SSL_new(p->tls);
    if (fd < 0 || !c->ssl ||
        (connect(fd, (struct sockaddr *)&p->server, sizeof(p->server)) < 0 && errno != EINPROGRESS)) {
        fail(c, strerror(errno));
        return;
    }
    SSL_set_ex_data(c->ssl, owner_slot, c);
    SSL_set_fd(c->ssl, fd);
    SSL_set_connect_state(c->ssl);
    if (c->session)
        SSL_set_session(c->ssl, c->session);
    loop_watch(&p->loop, &c->watch, EPOLLOUT);
}
