/* call.c -- nghttp2 on the client's side. */
#include "call.h"

#include <arpa/inet.h>
#include <string.h>

#define PREFIX_SIZE 5u /* of a gRPC message: compressed or not, and its size */
#define MESSAGE_MAX (256u << 20)
#define WINDOW (256 << 20) /* Envoy's */

static struct call *call_of(struct conn *c)
{
    return CONTAINER_OF(c, struct call, conn);
}

/* ---- what arrives ---- */

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
                   void *user)
{
    struct call *c = user;
    size_t used = 0;

    (void)session, (void)flags, (void)id;
    buf_add(&c->in, data, size);
    while (!c->conn.is_closed && c->in.n - used >= PREFIX_SIZE) {
        uint32_t n;

        memcpy(&n, c->in.p + used + 1, sizeof(n));
        n = ntohl(n);
        if (c->in.n - used - PREFIX_SIZE < n)
            break;
        c->events->message(c, str_from(c->in.p + used + PREFIX_SIZE, n));
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
    struct call *c = user;
    char text[200];

    (void)session, (void)frame, (void)flags;
    if (!str_eq(str_from(name, name_size), STR("grpc-message")))
        return 0;
    value_size = value_size < sizeof(text) ? value_size : sizeof(text) - 1;
    memcpy(text, value, value_size);
    text[value_size] = '\0';
    conn_fail(&c->conn, text);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct call *c = user;

    (void)session, (void)id, (void)code;
    conn_fail(&c->conn, "the stream ended");
    return 0;
}

static void on_bytes(struct conn *conn, struct str bytes)
{
    if (nghttp2_session_mem_recv(call_of(conn)->h2, (const uint8_t *)bytes.p, bytes.n) < 0)
        conn_fail(conn, "HTTP/2 is broken");
}

/* ---- what is sent ---- */

static ssize_t read_requests(nghttp2_session *session, int32_t id, uint8_t *p, size_t size, uint32_t *flags,
                             nghttp2_data_source *source, void *user)
{
    struct call *c = source->ptr;
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

static void on_produce(struct conn *conn, struct buf *out)
{
    const uint8_t *bytes;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(call_of(conn)->h2, &bytes)) > 0)
        buf_add(out, bytes, (size_t)n);
    if (n < 0)
        conn_fail(conn, "cannot send");
}

void call_send(struct call *c, struct str message)
{
    uint32_t size = htonl((uint32_t)message.n);

    buf_add_byte(&c->requests, 0);
    buf_add(&c->requests, &size, sizeof(size));
    buf_add_str(&c->requests, message);
    nghttp2_session_resume_data(c->h2, c->stream);
    conn_wake(&c->conn);
}

/* ---- its life ---- */

static nghttp2_nv field(const char *name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.p, strlen(name), value.n, 0};
}

static void on_opened(struct conn *conn)
{
    struct call *c = call_of(conn);
    nghttp2_session_callbacks *callbacks;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW}};
    const nghttp2_nv fields[] = {
        field(":method", STR("POST")),         field(":scheme", STR("https")),
        field(":authority", STR("localhost")), field(":path", str_from_c(c->path)),
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
    c->events->opened(c);
}

static void on_failed(struct conn *conn, const char *why)
{
    struct call *c = call_of(conn);

    c->events->failed(c, why);
}

static void on_buried(struct conn *conn)
{
    struct call *c = call_of(conn);

    nghttp2_session_del(c->h2);
    c->h2 = NULL;
    buf_fini(&c->requests);
    buf_fini(&c->in);
}

void call_open(struct call *c, struct conn_place *p, const struct call_events *events, const char *path,
               uint32_t number)
{
    static const struct conn_events conn_events = {.opened = on_opened,
                                                   .bytes = on_bytes,
                                                   .produce = on_produce,
                                                   .failed = on_failed,
                                                   .buried = on_buried};

    c->events = events;
    c->path = path;
    c->requests_sent = 0;
    buf_init(&c->requests, MESSAGE_MAX);
    buf_init(&c->in, MESSAGE_MAX);
    conn_open(&c->conn, p, &conn_events, number);
}

void call_close(struct call *c)
{
    conn_close(&c->conn);
}
