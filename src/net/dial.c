/* dial.c -- see dial.h. */
#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ursa/base/clock.h"

/* ---- waiting ---- */

/* Until the descriptor is ready for 'events'. */
static enum err_kind wait_for(struct dial *d, short events, const char *what, struct err *e)
{
    struct pollfd fds[] = {{.fd = d->fd, .events = events}, {.fd = d->cancel_fd, .events = POLLIN}};

    for (;;) {
        int64_t left = d->deadline_ns - clock_mono_ns();
        int n = left > 0 ? poll(fds, 2, (int)(left / NS_PER_MS) + 1) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_PEER, "cannot wait for the proxy: %s", strerrordesc_np(errno));
        if (n == 0)
            return err_set(e, ERR_PEER, "the proxy did not %s in time", what);
        if (fds[1].revents)
            return err_set(e, ERR_UNAVAILABLE, "the control plane is stopping");
        return ERR_NONE;
    }
}

/* ---- opening ---- */

static socklen_t parse(struct str address, uint16_t port, struct sockaddr_storage *out)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memset(out, 0, sizeof(*out));
    if (address.n >= sizeof(text) || port == 0)
        return 0;
    memcpy(text, address.p, address.n);
    text[address.n] = '\0';
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, sizeof(v6));
        return sizeof(v6);
    }
    return 0;
}

static enum err_kind open_socket(struct dial *d, struct str address, uint16_t port, struct err *e)
{
    struct sockaddr_storage to;
    socklen_t size = parse(address, port, &to), fault_size = sizeof(int);
    int fault = 0;

    if (size == 0)
        return err_set(e, ERR_PEER, "the proxy's address is no IP address with a port");
    d->fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (d->fd < 0)
        return err_set(e, ERR_PEER, "cannot make a socket: %s", strerrordesc_np(errno));
    if (connect(d->fd, (const struct sockaddr *)&to, size) == 0)
        return ERR_NONE;
    if (errno != EINPROGRESS)
        return err_set(e, ERR_PEER, "cannot connect to the proxy: %s", strerrordesc_np(errno));
    if (wait_for(d, POLLOUT, "accept a connection", e) != ERR_NONE)
        return e->kind;
    if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &fault, &fault_size) != 0)
        fault = errno;
    return fault == 0 ? ERR_NONE
                      : err_set(e, ERR_PEER, "cannot connect to the proxy: %s", strerrordesc_np(fault));
}

/* What 'io' waits for; ERR_NONE: try again. */
static enum err_kind wait_tls(struct dial *d, enum io io, const char *what, struct err *e)
{
    if (io == IO_READ || io == IO_WRITE)
        return wait_for(d, io == IO_READ ? POLLIN : POLLOUT, what, e);
    return err_set(e, ERR_PEER, "the proxy did not %s: %s", what, tls_fault());
}

/* The certificate is to be for this host, which is no matter of its subject. */
static bool expect_host(SSL *ssl, struct str host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    char text[256];

    if (host.n == 0 || host.n >= sizeof(text))
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS);
    return X509_VERIFY_PARAM_set1_ip_asc(param, text) == 1 ||
           X509_VERIFY_PARAM_set1_host(param, text, host.n) == 1;
}

static enum err_kind open_tls(struct dial *d, struct str host, SSL_CTX *tls, struct err *e)
{
    enum io io;

    d->ssl = SSL_new(tls);
    if (!d->ssl || SSL_set_fd(d->ssl, d->fd) != 1 || !expect_host(d->ssl, host))
        return err_set(e, ERR_PEER, "TLS cannot be set up: %s", tls_fault());
    SSL_set_connect_state(d->ssl);
    while ((io = tls_handshake(d->ssl)) != IO_OK) {
        long verified = SSL_get_verify_result(d->ssl);
        if (io == IO_FAULT && verified != X509_V_OK)
            return err_set(e, ERR_PEER,
                           "the certificate of the proxy's admin port is not what it must be: %s",
                           X509_verify_cert_error_string(verified));
        if (wait_tls(d, io, "finish the TLS handshake", e) != ERR_NONE)
            return e->kind;
    }
    return ERR_NONE;
}

enum err_kind dial_open(struct dial *d, struct str address, uint16_t port, struct str host, SSL_CTX *tls,
                        struct err *e)
{
    d->fd = -1;
    d->ssl = NULL;
    if (open_socket(d, address, port, e) != ERR_NONE || (tls && open_tls(d, host, tls, e) != ERR_NONE)) {
        dial_close(d);
        return e->kind;
    }
    return ERR_NONE;
}

void dial_close(struct dial *d)
{
    SSL_free(d->ssl);
    if (d->fd >= 0)
        close(d->fd);
    d->ssl = NULL;
    d->fd = -1;
}

/* ---- bytes ---- */

static enum io write_some(struct dial *d, struct str bytes, size_t *n)
{
    if (d->ssl) {
        int rv = SSL_write_ex(d->ssl, bytes.p, bytes.n, n);
        if (rv == 1)
            return IO_OK;
        int fault = SSL_get_error(d->ssl, rv);
        return fault == SSL_ERROR_WANT_READ ? IO_READ : fault == SSL_ERROR_WANT_WRITE ? IO_WRITE : IO_FAULT;
    }
    ssize_t sent = send(d->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
    *n = sent > 0 ? (size_t)sent : 0;
    if (sent >= 0)
        return IO_OK;
    return errno == EAGAIN || errno == EINTR ? IO_WRITE : IO_FAULT;
}

enum err_kind dial_write(struct dial *d, struct str bytes, struct err *e)
{
    while (bytes.n > 0) {
        size_t n = 0;
        ERR_clear_error();
        enum io io = write_some(d, bytes, &n);
        bytes = str_slice(bytes, n, bytes.n);
        if (io != IO_OK && wait_tls(d, io, "take the question", e) != ERR_NONE)
            return e->kind;
    }
    return ERR_NONE;
}

static enum io read_some(struct dial *d, void *p, size_t size, size_t *n)
{
    if (d->ssl)
        return tls_read(d->ssl, p, size, n);
    ssize_t got = recv(d->fd, p, size, 0);
    *n = got > 0 ? (size_t)got : 0;
    if (got == 0)
        return IO_END;
    return got > 0 ? IO_OK : errno == EAGAIN || errno == EINTR ? IO_READ : IO_FAULT;
}

enum err_kind dial_read(struct dial *d, void *p, size_t size, size_t *n, struct err *e)
{
    for (;;) {
        *n = 0;
        enum io io = read_some(d, p, size, n);
        if (io == IO_OK || io == IO_END)
            return ERR_NONE;
        if (wait_tls(d, io, "answer", e) != ERR_NONE)
            return e->kind;
    }
}

/* ---- TLS ---- */

static X509 *read_cert(struct str pem)
{
    BIO *bio = pem.n < INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return cert;
}

static bool trust(SSL_CTX *ctx, struct str ca_pem)
{
    X509 *cert = read_cert(ca_pem);
    bool ok = cert && X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1;

    X509_free(cert);
    return ok;
}

static bool show(SSL_CTX *ctx, struct str cert_pem, struct str key_pem)
{
    X509 *cert = read_cert(cert_pem);
    BIO *bio = key_pem.n < INT_MAX ? BIO_new_mem_buf(key_pem.p, (int)key_pem.n) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    bool ok = cert && key && SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;

    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok;
}

enum err_kind dial_context_new(struct str cert_pem, struct str key_pem, struct str ca_pem, SSL_CTX **out,
                               struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    ERR_clear_error();
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || !show(ctx, cert_pem, key_pem) ||
        !trust(ctx, ca_pem)) {
        err_set(e, ERR_PEER, "the CA between control plane and proxies cannot be used: %s", tls_fault());
        SSL_CTX_free(ctx);
        return e->kind;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    *out = ctx;
    return ERR_NONE;
}
