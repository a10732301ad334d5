/* conn.c -- OpenSSL on the client's side. */
#include "conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/net/tls.h"

#define UNSENT_MAX (256u << 20)

static int owner_slot; /* of an SSL: its connection */

/* A ticket came: it opens the next connection. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct conn *c = SSL_get_ex_data(ssl, owner_slot);

    SSL_SESSION_free(c->session);
    c->session = session;
    return 1;
}

void conn_place_init(struct conn_place *p, uint16_t port, uint32_t n_sources, bool resumes, struct str alpn)
{
    unsigned char offer[32];

    *p = (struct conn_place){.n_sources = n_sources, .resumes = resumes};
    loop_init(&p->loop);
    p->server = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    p->tls = SSL_CTX_new(TLS_client_method());
    offer[0] = (unsigned char)alpn.n;
    memcpy(offer + 1, alpn.p, alpn.n);
    SSL_CTX_set_alpn_protos(p->tls, offer, (unsigned)alpn.n + 1);
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

    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->watch.fd >= 0)
        close(c->watch.fd);
    buf_fini(&c->out);
    c->events->buried(c);
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

void conn_fail(struct conn *c, const char *why)
{
    if (c->is_closed)
        return;
    conn_close(c);
    c->events->failed(c, why);
}

/* ---- the descriptor ---- */

static void send_all(struct conn *c)
{
    if (c->is_closed || !c->is_open)
        return;
    if (c->events->produce)
        c->events->produce(c, &c->out);
    if (c->is_closed)
        return;
    enum io io = tls_write(c->ssl, &c->out, &c->out_sent);

    if (io == IO_FAULT || io == IO_END)
        conn_fail(c, "cannot send");
    else
        loop_watch(&c->place->loop, &c->watch, io == IO_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void on_send(struct job *job)
{
    send_all(CONTAINER_OF(job, struct conn, send));
}

void conn_wake(struct conn *c)
{
    loop_work(&c->place->loop, &c->send, 0);
}

void conn_write(struct conn *c, struct str bytes)
{
    buf_add_str(&c->out, bytes);
    conn_wake(c);
}

static void receive(struct conn *c)
{
    struct conn_place *p = c->place;
    size_t n;
    enum io io = IO_OK;

    while (!c->is_closed && (io = tls_read(c->ssl, p->scratch, sizeof(p->scratch), &n)) == IO_OK) {
        p->n_bytes += n;
        c->events->bytes(c, str_from(p->scratch, n));
    }
    if (io == IO_FAULT || io == IO_END)
        conn_fail(c, io == IO_END ? "the server closed the connection" : tls_fault());
}

static bool shake_hands(struct conn *c)
{
    enum io io = tls_handshake(c->ssl);

    if (io == IO_READ || io == IO_WRITE)
        loop_watch(&c->place->loop, &c->watch, io == IO_READ ? EPOLLIN : EPOLLOUT);
    else if (io != IO_OK)
        conn_fail(c, tls_fault());
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
        c->events->opened(c);
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

void conn_open(struct conn *c, struct conn_place *p, const struct conn_events *events, uint32_t number)
{
    int fd = socket_from(number % p->n_sources);

    c->place = p;
    c->events = events;
    c->is_open = c->is_closed = false;
    c->out_sent = 0;
    c->watch = (struct watch){.fd = fd, .ready = on_ready};
    job_init(&c->send, on_send);
    job_init(&c->burial, bury);
    buf_init(&c->out, UNSENT_MAX);
    c->ssl = SSL_new(p->tls);
    if (fd < 0 || !c->ssl ||
        (connect(fd, (struct sockaddr *)&p->server, sizeof(p->server)) < 0 && errno != EINPROGRESS)) {
        conn_fail(c, strerror(errno));
        return;
    }
    SSL_set_ex_data(c->ssl, owner_slot, c);
    SSL_set_fd(c->ssl, fd);
    SSL_set_connect_state(c->ssl);
    if (c->session)
        SSL_set_session(c->ssl, c->session);
    loop_watch(&p->loop, &c->watch, EPOLLOUT);
}
