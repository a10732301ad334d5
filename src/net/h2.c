/* h2.c -- the HTTP/2 session of a connection: nghttp2's callbacks, and the limits on what a peer may do.
 *
 * Facts on floods: CVE-2023-44487 (rapid reset), CVE-2024-28182 (CONTINUATION), CVE-2019-9512 and -9515
 * (PING, SETTINGS), -9518 (empty frames). nghttp2 bounds CONTINUATION frames and the acknowledgements it
 * owes. */
#include "h2.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "stream.h"
#include "ursa/base/alloc.h"
#include "ursa/base/count.h"

/* Frames that nghttp2 may owe the peer (answers to PING, SETTINGS, refused streams) before the session ends.
 */
#define MAX_OWED 1000
#define FRAME_PAYLOAD_MAX 16384u /* HTTP/2's, as long as nobody asks for more */

/* grpc-go measures the path with a PING for every few DATA frames that it receives, so PINGs have the widest
 * limit. */
static const struct rate_limit limits[N_RATES] = {
    [RATE_RESETS] = {.burst = 100, .a_second = 10},        [RATE_SETTINGS] = {.burst = 20, .a_second = 1},
    [RATE_PINGS] = {.burst = 1000, .a_second = 100},       [RATE_STREAMS] = {.burst = 200, .a_second = 20},
    [RATE_IDLE_FRAMES] = {.burst = 1000, .a_second = 100},
};

/* ---- memory: as everywhere, it does not run out; frame buffers have a place of their own ---- */

static void *mem_malloc(size_t size, void *frames)
{
    /* Of this size is nothing but a frame buffer. */
    void *slot = size > FRAME_PAYLOAD_MAX && size <= FRAME_SLOT_SIZE ? frames_take(frames) : NULL;

    return slot ? slot : xmalloc(size);
}

static void mem_free(void *p, void *frames)
{
    if (frames_own(frames, p))
        frames_give(frames, p);
    else
        free(p);
}

static void *mem_calloc(size_t n, size_t size, void *unused)
{
    (void)unused;
    return xcalloc(n, size);
}

static void *mem_realloc(void *p, size_t size, void *frames)
{
    if (!p)
        return mem_malloc(size, frames);
    if (!frames_own(frames, p))
        return xrealloc(p, size);
    if (size <= FRAME_SLOT_SIZE)
        return p;
    void *larger = xmalloc(size);

    memcpy(larger, p, FRAME_SLOT_SIZE);
    frames_give(frames, p);
    return larger;
}

/* ---- callbacks: receiving ---- */

static struct stream *stream_of(const struct h2 *h, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h->session, id);
}

/* Which limit a frame counts against; N_RATES: none. WINDOW_UPDATE costs nothing and needs no answer. */
static enum h2_rate rate_of(const nghttp2_frame_hd *hd)
{
    switch (hd->type) {
    case NGHTTP2_RST_STREAM:
        return RATE_RESETS;
    case NGHTTP2_SETTINGS:
        return RATE_SETTINGS;
    case NGHTTP2_PING:
        return hd->flags & NGHTTP2_FLAG_ACK ? N_RATES : RATE_PINGS;
    case NGHTTP2_HEADERS:
        return RATE_STREAMS;
    case NGHTTP2_DATA: /* flow control bounds them, but for those without content */
        return hd->length == 0 ? RATE_IDLE_FRAMES : N_RATES;
    case NGHTTP2_WINDOW_UPDATE:
        return N_RATES;
    default: /* PRIORITY, CONTINUATION; nghttp2 drops unknown frames unseen */
        return RATE_IDLE_FRAMES;
    }
}

static int frame_admit(struct h2 *h, const nghttp2_frame_hd *hd)
{
    enum h2_rate rate = rate_of(hd);

    if (rate == N_RATES || rate_admit(&h->full_at[rate], &limits[rate], h->now))
        return 0;
    h->fault = NGHTTP2_ENHANCE_YOUR_CALM;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Before the frame is acted upon; nghttp2 leaves DATA out. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
    (void)session;
    return hd->type == NGHTTP2_DATA ? 0 : frame_admit(user, hd);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct stream *s = stream_new(user, frame->hd.stream_id);

    nghttp2_session_set_stream_user_data(session, s->id, s);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
    struct stream *s = stream_of(user, frame->hd.stream_id);

    (void)session, (void)flags;
    if (s && s->head) /* trailers of a request are ignored */
        grpc_head_add(s->head, str_from(name, name_size), str_from(value, value_size));
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t size, void *user)
{
    struct stream *s = stream_of(user, id);

    (void)session, (void)flags;
    if (s)
        stream_receive(s, str_from(data, size));
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    bool is_headers = frame->hd.type == NGHTTP2_HEADERS, is_data = frame->hd.type == NGHTTP2_DATA;
    struct stream *s = is_headers || is_data ? stream_of(user, frame->hd.stream_id) : NULL;

    (void)session;
    if (is_data && frame_admit(user, &frame->hd) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (s && is_headers && s->head)
        stream_open(s);
    if (s && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        stream_half_close(s);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct stream *s = stream_of(user, id);

    (void)session, (void)code;
    if (s)
        stream_free(s);
    return 0;
}

/* ---- callbacks: sending ---- */

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t size, int flags, void *user)
{
    struct h2 *h = user;

    (void)session, (void)flags;
    if (h->out->n >= H2_OUTPUT_MAX)
        return NGHTTP2_ERR_WOULDBLOCK;
    buf_add(h->out, data, size);
    return buf_ok(h->out) ? (ssize_t)size : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* A DATA frame whose payload stream.c writes: nghttp2 made the 9 bytes of its header only. */
static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t size,
                        nghttp2_data_source *source, void *user)
{
    struct h2 *h = user;

    (void)session;
    if (h->out->n >= H2_OUTPUT_MAX)
        return NGHTTP2_ERR_WOULDBLOCK;
    assert(frame->data.padlen == 0); /* nobody asked for padding */
    buf_add(h->out, header, 9);
    stream_write(source->ptr, size, h->out);
    return 0;
}

/* A call that ends before the peer has ended its side: it must stop sending, but the status stands (RFC
 * 9113, 8.1). */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    int32_t id = frame->hd.stream_id;

    (void)user;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
        nghttp2_session_get_stream_remote_close(session, id) == 0)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    return 0;
}

/* ---- the session ---- */

static nghttp2_session *session_new(struct h2 *h)
{
    nghttp2_mem memory = {h->options.frames, mem_malloc, mem_free, mem_calloc,
                          mem_realloc}; /* nghttp2 copies it */
    nghttp2_session *session;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    int rv = nghttp2_session_callbacks_new(&callbacks) | nghttp2_option_new(&option);

    if (rv != 0)
        die_no_memory(0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    /* One call a connection: compressing its response's header against earlier ones gains nothing. */
    nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
    nghttp2_option_set_max_outbound_ack(option, MAX_OWED);
    nghttp2_option_set_no_closed_streams(option, 1);
    rv = nghttp2_session_server_new3(&session, callbacks, h, option, &memory);
    assert(rv == 0); /* memory cannot run out, and a server has no other fault here */
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return session;
}

static void submit_settings(nghttp2_session *session)
{
    /* No table for received headers: a connection has one call, and its token must not stay in memory. */
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_MAX_STREAMS},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEADER_MAX},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0},
    };
    int rv = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));

    assert(rv == 0);
}

struct h2 *h2_new(const struct h2_options *options, int64_t now)
{
    struct h2 *h = xcalloc(1, sizeof(*h));

    h->options = *options;
    h->now = h->unused_since = now;
    list_init(&h->streams);
    h->session = session_new(h);
    submit_settings(h->session);
    return h;
}

void h2_free(struct h2 *h)
{
    if (!h)
        return;
    /* nghttp2 does not announce the streams that die with their session. */
    LIST_FOR (node, &h->streams)
        stream_free(LIST_ITEM(node, struct stream, node));
    nghttp2_session_del(h->session);
    free(h);
}

/* Finished calls let go of ads here, where none of its functions is running. */
static void let_go_finished(struct h2 *h)
{
    if (h->n_finished == 0)
        return;
    h->n_finished = 0;
    LIST_FOR (node, &h->streams) {
        struct stream *s = LIST_ITEM(node, struct stream, node);

        if (s->finished)
            stream_let_go(s);
    }
}

static uint32_t fault_of(ssize_t error)
{
    switch (error) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_SETTINGS:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
        return NGHTTP2_ENHANCE_YOUR_CALM;
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        return NGHTTP2_PROTOCOL_ERROR;
    default:
        return NGHTTP2_INTERNAL_ERROR;
    }
}

bool h2_receive(struct h2 *h, struct str bytes, int64_t now)
{
    h->now = now;
    if (h->fault != 0)
        return false;
    ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.p, bytes.n);

    if (n < 0 && h->fault == 0)
        h->fault = fault_of(n);
    if (nghttp2_session_get_outbound_queue_size(h->session) > MAX_OWED)
        h->fault = NGHTTP2_ENHANCE_YOUR_CALM;
    let_go_finished(h);
    return h->fault == 0;
}

/* Written by hand, since after some faults nghttp2 sends nothing more. 'out' ends with a whole frame. */
static void goaway_write(struct h2 *h, struct buf *out)
{
    uint32_t last = (uint32_t)nghttp2_session_get_last_proc_stream_id(h->session);
    uint8_t frame[17] = {0, 0, 8, NGHTTP2_GOAWAY};

    for (int i = 0; i < 4; i++) {
        frame[9 + i] = (uint8_t)(last >> (24 - 8 * i));
        frame[13 + i] = (uint8_t)(h->fault >> (24 - 8 * i));
    }
    buf_add(out, frame, sizeof(frame));
}

bool h2_send(struct h2 *h, struct buf *out)
{
    let_go_finished(h);
    if (h->fault == 0) {
        h->out = out;
        int rv = nghttp2_session_send(h->session);

        h->out = NULL;
        if (rv != 0 && h->fault == 0)
            h->fault = fault_of(rv);
    }
    if (h->fault != 0) {
        if (h->fault == NGHTTP2_ENHANCE_YOUR_CALM)
            COUNT(net_peers_calmed);
        goaway_write(h, out);
        return false;
    }
    return nghttp2_session_want_read(h->session) || nghttp2_session_want_write(h->session);
}

bool h2_has_more(const struct h2 *h)
{
    return nghttp2_session_want_write(h->session) != 0;
}

uint64_t h2_lane(const struct h2 *h)
{
    return h->lane;
}

const char *h2_fault(const struct h2 *h)
{
    return h->fault != 0 ? nghttp2_http2_strerror(h->fault) : NULL;
}

void h2_ping(struct h2 *h)
{
    nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
    h->options.wake(h->options.ctx);
}

void h2_drain(struct h2 *h, enum err_kind kind, struct str text)
{
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h->session),
                          NGHTTP2_NO_ERROR, NULL, 0);
    LIST_FOR (node, &h->streams) {
        struct stream *s = LIST_ITEM(node, struct stream, node);

        if (!s->head) /* a request that is not whole has not begun */
            stream_finish(s, kind, text);
    }
    h->options.wake(h->options.ctx);
}

int64_t h2_unused_since(const struct h2 *h)
{
    return h->n_used > 0 ? INT64_MAX : h->unused_since;
}
