/* Connections over loopback: ALPN, HTTP/1.1, garbage, floods, limits, stopping, certificates. */
#include "server.h"

#include <pthread.h>

TEST(alpn_chooses_the_protocol)
{
    static const struct {
        const char *name;
        struct str offer;
        const char *want; /* "-": none was chosen; "!": refused */
        bool want_http1;
    } rows[] = {
        {"h2 only", STR_INIT("\x02h2"), "h2", false},
        {"both", STR_INIT("\x02h2\x08http/1.1"), "http/1.1", true},
        {"http/1.1 only", STR_INIT("\x08http/1.1"), "http/1.1", true},
        {"no ALPN", STR_INIT(""), "-", true},
        {"something else", STR_INIT("\x06spdy/1"), "!", false},
    };
    uint16_t port = start();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client c;
        const unsigned char *name = NULL;
        unsigned n = 0;

        atomic_store(&handed_fd, -1);
        bool open = client_open(&c, port, rows[i].offer);

        if (open)
            SSL_get0_alpn_selected(c.ssl, &name, &n);
        EXPECT_STR(rows[i].name, !open ? STR("!") : n == 0 ? STR("-") : str_from(name, n), rows[i].want);
        if (open && !rows[i].want_http1) {
            struct call call;

            client_start_h2(&c, true);
            call_start(&call, &c);
            call_send(&call, "echo h2");
            WAIT_FOR(&c, call_has_message(&call));
            call_end(&call);
        }
        c.deaf = true; /* client_step only waits */
        c.closed = !open || rows[i].want_http1;
        WAIT_FOR(&c, !rows[i].want_http1 || atomic_load(&handed_fd) >= 0);
        if (rows[i].want_http1)
            close(atomic_load(&handed_fd));
        client_close(&c);
    }
    stop();
}

/* Reads until the end; the number of bytes, which all must be as the pattern says. */
static size_t read_pattern(ssize_t (*get)(void *ctx, void *p, size_t n), void *ctx)
{
    uint8_t bytes[4096];
    size_t total = 0;
    ssize_t n;

    while ((n = get(ctx, bytes, sizeof(bytes))) > 0)
        for (ssize_t i = 0; i < n; i++)
            if ((char)bytes[i] != fake_byte(total++))
                FAIL("byte %zu is wrong", total - 1);
    return total;
}

static ssize_t get_fd(void *ctx, void *p, size_t n)
{
    struct pollfd fd = {.fd = *(int *)ctx, .events = POLLIN};

    poll(&fd, 1, CLIENT_SECONDS * 1000);
    return read(fd.fd, p, n);
}

static ssize_t get_tls(void *ctx, void *p, size_t n)
{
    return SSL_read(ctx, p, (int)n);
}

#define HTTP1_BYTES 3000000
static char pattern[HTTP1_BYTES];

static void *send_to_server(void *ssl)
{
    for (int at = 0, n = 1; at < HTTP1_BYTES && n > 0; at += n)
        n = SSL_write(ssl, pattern + at, HTTP1_BYTES - at);
    SSL_shutdown(ssl);
    return NULL;
}

static void *send_to_client(void *arg)
{
    struct pollfd fd = {.fd = *(int *)arg, .events = POLLOUT};

    for (size_t at = 0; at < HTTP1_BYTES;) {
        poll(&fd, 1, CLIENT_SECONDS * 1000);
        ssize_t n = send(fd.fd, pattern + at, HTTP1_BYTES - at, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        at += (size_t)n;
    }
    close(fd.fd);
    return NULL;
}

/* Megabytes each way, far more than any buffer holds, and an end of input that travels on in both directions.
 */
TEST(http1_is_handed_over_and_pumped)
{
    struct client c;
    pthread_t writer;
    uint16_t port = start();

    for (size_t i = 0; i < HTTP1_BYTES; i++)
        pattern[i] = fake_byte(i);
    if (!client_open(&c, port, STR("\x08http/1.1")))
        FAIL("the handshake failed");
    c.closed = true; /* client_step only waits */
    WAIT_FOR(&c, atomic_load(&handed_fd) >= 0);
    int fd = atomic_load(&handed_fd);

    pthread_create(&writer, NULL, send_to_server, c.ssl);
    EXPECT_INT("to the server", read_pattern(get_fd, &fd), HTTP1_BYTES);
    pthread_join(writer, NULL);
    pthread_create(&writer, NULL, send_to_client, &fd);
    EXPECT_INT("to the client", read_pattern(get_tls, c.ssl), HTTP1_BYTES);
    pthread_join(writer, NULL);
    client_close(&c);
    stop();
}

TEST(http1_ends_with_its_server)
{
    struct client c;
    char byte;

    if (!client_open(&c, start(), STR("\x08http/1.1")))
        FAIL("the handshake failed");
    c.closed = true;
    WAIT_FOR(&c, atomic_load(&handed_fd) >= 0);
    int fd = atomic_load(&handed_fd);

    SSL_write(c.ssl, "x", 1); /* never read: closing resets the pair */
    EXPECT_INT("answer", write(fd, "bye", 3), 3);
    close(fd);
    for (const char *p = "bye"; *p; p++)
        EXPECT_INT("the answer arrives", SSL_read(c.ssl, &byte, 1) == 1 && byte == *p, 1);
    EXPECT_INT("then the end", SSL_read(c.ssl, &byte, 1), 0);
    EXPECT_INT("as TLS ends", SSL_get_error(c.ssl, 0), SSL_ERROR_ZERO_RETURN);
    client_close(&c);
    stop();
}

TEST(garbage_ends_its_own_connection_only)
{
    static const struct {
        const char *name;
        bool in_tls;
        struct str bytes;
    } rows[] = {
        {"plain HTTP", false, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
        {"plain HTTP/2", false, STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
        {"zeros", false, STR_INIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
        {"a bad TLS record", false, STR_INIT("\x16\x03\x01\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00")},
        {"HTTP/1.1 as h2", true, STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
        {"a bad frame", true,
         STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")},
        {"DATA of no stream", true,
         STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\1\0\0\0\0\0\x07x")},
    };
    struct client well;
    struct call call;
    uint16_t port = start();

    client_dial(&well, port);
    call_start(&call, &well);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].in_tls) {
            struct client c;
            char bytes[4096];

            if (!client_open(&c, port, STR("\x02h2")))
                FAIL("%s: the handshake failed", rows[i].name);
            SSL_write(c.ssl, rows[i].bytes.p, (int)rows[i].bytes.n);
            while (SSL_read(c.ssl, bytes, sizeof(bytes)) > 0)
                ;
            if (errno == EAGAIN)
                FAIL("%s: the server keeps the connection", rows[i].name);
            client_close(&c);
        } else {
            int fd = client_connect(port);

            EXPECT_INT(rows[i].name, write(fd, rows[i].bytes.p, rows[i].bytes.n), rows[i].bytes.n);
            shutdown(fd, SHUT_WR);
            client_wait_for_end(fd);
            close(fd);
        }
        call_send(&call, "echo well");
        WAIT_FOR(&well, call_has_message(&call));
        EXPECT_STR(rows[i].name, call_message(&call), "well");
        call_drop(&call);
    }
    call_end(&call);
    client_close(&well);
    stop();
}

static void flood_resets(struct client *c)
{
    struct call call;

    call_start(&call, c);
    client_send(c);
    nghttp2_submit_rst_stream(c->h2, NGHTTP2_FLAG_NONE, call.id, NGHTTP2_CANCEL);
    call_end(&call);
}

static void flood_settings(struct client *c)
{
    nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void flood_pings(struct client *c)
{
    nghttp2_submit_ping(c->h2, NGHTTP2_FLAG_NONE, NULL);
}

static void flood_streams(struct client *c)
{
    static const char *const fields[] = {CALL("POST", "/a.B/C", "application/grpc"), NULL};
    struct call call;

    call_start_with(&call, c, fields);
    call_end(&call);
}

TEST(floods_are_answered_with_enhance_your_calm)
{
    static const struct {
        const char *name;
        void (*one)(struct client *);
    } rows[] = {
        {"rapid reset", flood_resets},
        {"SETTINGS", flood_settings},
        {"PING", flood_pings},
        {"refused calls", flood_streams},
    };
    uint16_t port = start();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client c;

        client_dial(&c, port);
        for (int k = 0; k < 5000 && c.goaway < 0; k++) {
            rows[i].one(&c);
            client_turn(&c, 0);
        }
        WAIT_FOR(&c, c.closed);
        EXPECT_INT(rows[i].name, c.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
        client_close(&c);
    }
    stop();
}

/* The error code of the GOAWAY frame among what the server sends until it closes; -1: there is none. */
static int64_t read_goaway(struct client *c)
{
    static uint8_t bytes[1 << 20];
    size_t n = 0;
    int got;
    int64_t code = -1;

    while (n < sizeof(bytes) && (got = SSL_read(c->ssl, bytes + n, (int)(sizeof(bytes) - n))) > 0)
        n += (size_t)got;
    for (size_t at = 0; at + 9 <= n;) {
        const uint8_t *f = bytes + at;

        if (f[3] == NGHTTP2_GOAWAY && at + 17 <= n)
            code = (int64_t)f[13] << 24 | f[14] << 16 | f[15] << 8 | f[16];
        at += 9 + ((size_t)f[0] << 16 | (size_t)f[1] << 8 | f[2]);
    }
    return code;
}

/* What nghttp2's own client would never send. */
TEST(raw_floods_are_answered_with_enhance_your_calm)
{
#define HELLO "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
    static const struct {
        const char *name;
        struct str before, frame;
    } rows[] = {
        /* :method POST, without END_HEADERS */
        {"CONTINUATION", STR_INIT(HELLO "\0\0\1\1\0\0\0\0\1\x83"), STR_INIT("\0\0\1\x09\0\0\0\0\1\x83")},
        {"empty CONTINUATION", STR_INIT(HELLO "\0\0\1\1\0\0\0\0\1\x83"), STR_INIT("\0\0\0\x09\0\0\0\0\1")},
        /* a call that stays open */
        {"empty DATA",
         STR_INIT(HELLO "\0\0\x69\1\4\0\0\0\1\x83\x87\x44\x50" ADS_PATH "\x41\1"
                        "a"
                        "\x5f\x10"
                        "application/grpc"),
         STR_INIT("\0\0\0\0\0\0\0\0\1")},
        {"PRIORITY", STR_INIT(HELLO), STR_INIT("\0\0\5\2\0\0\0\0\3\0\0\0\0\0")},
    };
    uint16_t port = start();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client c;

        if (!client_open(&c, port, STR("\x02h2")))
            FAIL("the handshake failed");
        SSL_write(c.ssl, rows[i].before.p, (int)rows[i].before.n);
        for (int k = 0; k < 2000 && SSL_write(c.ssl, rows[i].frame.p, (int)rows[i].frame.n) > 0; k++)
            ;
        EXPECT_INT(rows[i].name, read_goaway(&c), NGHTTP2_ENHANCE_YOUR_CALM);
        client_close(&c);
    }
    stop();
}

#define MANY 200

TEST(many_connections_are_pushed_to)
{
    static struct client clients[MANY];
    static struct call calls[MANY];
    uint16_t port = start();

    for (size_t i = 0; i < MANY; i++) {
        client_dial(&clients[i], port);
        call_start(&calls[i], &clients[i]);
        call_send(&calls[i], "echo hello");
        client_send(&clients[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        WAIT_FOR(&clients[i], call_has_message(&calls[i]));
        call_drop(&calls[i]);
    }
    fake_tell("big 200000");
    for (size_t i = 0; i < MANY; i++) {
        WAIT_FOR(&clients[i], call_has_message(&calls[i]));
        EXPECT_INT("pushed", call_message(&calls[i]).n, 200000);
    }
    for (size_t i = 0; i < MANY; i++) {
        call_end(&calls[i]);
        client_close(&clients[i]);
    }
    stop();
}

TEST(connections_beyond_the_limit_are_refused)
{
    struct client a, b;
    struct call call;
    uint16_t port = start_with(2, 2);

    client_dial(&a, port);
    client_dial(&b, port);
    int fd = client_connect(port);

    client_wait_for_end(fd);
    close(fd);
    call_start(&call, &a);
    call_send(&call, "echo here");
    WAIT_FOR(&a, call_has_message(&call));
    call_end(&call);
    client_close(&a);
    client_close(&b);
    stop();
}

/* Wherever they were accepted, and however few they are. */
TEST(each_loop_has_as_many_connections)
{
    struct client clients[9];
    struct call calls[9];
    uint16_t port = start_with(100, 3);

    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        client_dial(&clients[i], port);
        call_start(&calls[i], &clients[i]);
        call_send(&calls[i], "echo here");
        WAIT_FOR(&clients[i], call_has_message(&calls[i]));
        call_drop(&calls[i]);
    }
    for (size_t i = 0; i < 3; i++)
        EXPECT_INT("of this loop", fake_services[i]->n_streams, 3);
    fake_tell("big 100000");
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        WAIT_FOR(&clients[i], call_has_message(&calls[i]));
        call_end(&calls[i]);
        client_close(&clients[i]);
    }
    stop();
}

static void *stop_slowly(void *unused)
{
    net_stop(net, CLIENT_SECONDS * 1000);
    return unused;
}

TEST(stopping_ends_calls_and_says_goaway)
{
    struct client c, http1;
    struct call call, amid;
    pthread_t stopper;
    char byte;
    uint16_t port = start();

    client_dial(&c, port);
    if (!client_open(&http1, port, STR("\x08http/1.1")))
        FAIL("the handshake failed");
    call_start(&call, &c);
    call_start(&amid, &c);
    call_send(&call, "echo hello");
    call_send(&amid, "big 1000000");
    WAIT_FOR(&c, call_has_message(&call) && amid.in.n > 0 && atomic_load(&handed_fd) >= 0);
    pthread_create(&stopper, NULL, stop_slowly, NULL);
    WAIT_FOR(&c, c.closed);
    EXPECT_INT("goaway", c.goaway, NGHTTP2_NO_ERROR);
    EXPECT_INT("idle call", call.grpc_status, 14);
    EXPECT_TRUE("a message that has begun is sent to its end", call_has_message(&amid));
    EXPECT_INT("busy call", amid.grpc_status, 14);
    int fd = atomic_load(&handed_fd);

    EXPECT_INT("HTTP/1.1 servers are told", get_fd(&fd, &byte, 1), 0);
    EXPECT_INT("and may still answer", write(fd, "x", 1), 1);
    close(fd);
    EXPECT_INT("the client gets it", SSL_read(http1.ssl, &byte, 1), 1);
    call_end(&call);
    call_end(&amid);
    client_close(&c);
    client_close(&http1);
    pthread_join(stopper, NULL);
    EXPECT_INT("streams left", fake.n_open, 0);
    EXPECT_INT("blobs left", fake.n_blobs, 0);
}

static bool shows_certificate(uint16_t port, const char *want)
{
    struct client c;
    char got[64] = "";

    if (!client_open(&c, port, STR("\x02h2")))
        FAIL("%s: the handshake failed", want);
    X509 *cert = SSL_get1_peer_certificate(c.ssl);

    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, got, sizeof(got));
    X509_free(cert);
    client_close(&c);
    return strcmp(got, want) == 0;
}

TEST(a_new_certificate_serves_new_connections)
{
    struct client c;
    struct call call;
    struct pem second, other;
    struct arena arena;
    struct err e;
    uint16_t port = start();

    arena_init(&arena);
    err_init(&e, &arena);
    pem_make(&second, "second");
    pem_make(&other, "other");
    client_dial(&c, port);
    call_start(&call, &c);
    EXPECT_TRUE("at first", shows_certificate(port, "first"));
    EXPECT_INT("no PEM", net_reload_tls(net, STR("x"), second.key, NULL, &e), ERR_INVALID);
    EXPECT_INT("another's key", net_reload_tls(net, second.cert, other.key, NULL, &e), ERR_INVALID);
    EXPECT_INT("half a chain",
               net_reload_tls(net, str_slice(second.cert, 0, second.cert.n - 40), second.key, NULL, &e),
               ERR_INVALID);
    EXPECT_TRUE("bad ones change nothing", shows_certificate(port, "first"));
    EXPECT_INT("a good one", net_reload_tls(net, second.cert, second.key, NULL, &e), ERR_NONE);
    WAIT_FOR(&c, shows_certificate(port, "second")); /* each loop takes it when its mail's turn comes */
    call_send(&call, "echo on");
    WAIT_FOR(&c, call_has_message(&call));
    call_end(&call);
    client_close(&c);
    pem_free(&second);
    pem_free(&other);
    arena_fini(&arena);
    stop();
}

TEST(a_bad_start_says_why)
{
    struct pem pem;
    struct arena arena;
    struct err e;
    struct net *none = NULL;

    arena_init(&arena);
    err_init(&e, &arena);
    pem_make(&pem, "x");
    const uint16_t taken = start();
    struct net_options options = {
        .address = "127.0.0.1", .port = taken, .cert_pem = pem.cert, .key_pem = pem.key};

    EXPECT_INT("port in use", net_start(&options, &none, &e), ERR_IO);
    EXPECT_TRUE("its text names the place", str_find(e.text, STR("127.0.0.1 port ")) < e.text.n);
    options.address = "no.such.address.invalid.";
    EXPECT_INT("no address", net_start(&options, &none, &e), ERR_INVALID);
    options.key_pem = STR("");
    EXPECT_INT("no key", net_start(&options, &none, &e), ERR_INVALID);
    net_stop(NULL, 0);
    pem_free(&pem);
    arena_fini(&arena);
    stop();
}
