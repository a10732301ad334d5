/* stream.c -- one gRPC call. Ads is pulled: only when HTTP/2 may send is the next message asked for, so a
 * slow reader holds one at most. */
#include "stream.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"
#include "ursa/base/log.h"

/* Incomplete requests of one session: Envoy's first request is 61 kB, and an honest peer has one at a time.
 */
#define SESSION_HELD_MAX ((size_t)2 * DISCOVERY_REQUEST_MAX)

static nghttp2_nv field(struct str name, struct str value)
{
    /* nghttp2 reads these only; its struct is shared with the receiving side and so not const. */
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                        .value = (uint8_t *)(uintptr_t)value.p,
                        .namelen = name.n,
                        .valuelen = value.n,
                        .flags = NGHTTP2_NV_FLAG_NONE};
}

struct stream *stream_new(struct h2 *h, int32_t id)
{
    struct stream *s = xcalloc(1, sizeof(*s));

    s->h2 = h;
    s->id = id;
    s->head = xmalloc(sizeof(*s->head));
    grpc_head_init(s->head);
    grpc_reader_init(&s->in);
    list_add_tail(&h->streams, &s->node);
    GAUGE_ADD(net_streams, 1);
    return s;
}

static void head_drop(struct stream *s)
{
    if (s->head)
        grpc_head_fini(s->head);
    free(s->head);
    s->head = NULL;
}

static void message_drop(struct stream *s)
{
    if (s->sending)
        xds_message_fini(&s->out);
    s->sending = false;
}

static void reader_drop(struct stream *s)
{
    s->h2->n_held -= grpc_reader_held(&s->in);
    *s->h2->options.n_held -= grpc_reader_held(&s->in);
    grpc_reader_fini(&s->in);
}

void stream_let_go(struct stream *s)
{
    struct ads_stream *ads = s->ads;
    struct hds_stream *hds = s->hds;

    s->ads = NULL;
    s->hds = NULL;
    if (ads)
        ads_close(ads);
    if (hds)
        hds_close(hds);
}

void stream_free(struct stream *s)
{
    struct h2 *h = s->h2;

    stream_let_go(s);
    if (s->used && --h->n_used == 0)
        h->unused_since = h->now;
    list_del(&s->node);
    head_drop(s);
    message_drop(s);
    reader_drop(s);
    free(s->text);
    free(s);
    GAUGE_ADD(net_streams, -1);
}

/* ---- sending ---- */

static void trailers_text(const struct stream *s, struct buf *text)
{
    buf_init(text, 3 * GRPC_TEXT_MAX);
    grpc_message_encode(str_from_c(s->text), text);
}

/* grpc-status, and grpc-message when there is a text. */
static size_t status_fields(const struct stream *s, const struct buf *text, char code[3],
                            nghttp2_nv fields[2])
{
    snprintf(code, 3, "%u", (unsigned)grpc_code_of(s->status) % 100);
    fields[0] = field(STR("grpc-status"), str_from_c(code));
    if (text->n == 0)
        return 1;
    fields[1] = field(STR("grpc-message"), buf_str(text));
    return 2;
}

static void submitted(struct stream *s, int rv)
{
    /* The peer can make none of these calls fail: what it closes is told to h2.c first. */
    if (rv != 0) {
        log_error("net", "stream=%d http2=%s", s->id, nghttp2_strerror(rv));
        s->h2->fault = NGHTTP2_INTERNAL_ERROR;
    }
}

static void submit_trailers(struct stream *s)
{
    char code[3];
    nghttp2_nv fields[2];
    struct buf text;

    trailers_text(s, &text);
    size_t n = status_fields(s, &text, code, fields);

    submitted(s, nghttp2_submit_trailer(s->h2->session, s->id, fields, n));
    buf_fini(&text);
}

/* The status alone, as one header: nothing was sent before it. */
static void submit_trailers_only(struct stream *s)
{
    char code[3];
    nghttp2_nv fields[4] = {field(STR(":status"), STR("200")),
                            field(STR("content-type"), STR("application/grpc"))};
    struct buf text;

    trailers_text(s, &text);
    size_t n = 2 + status_fields(s, &text, code, fields + 2);

    submitted(s, nghttp2_submit_response(s->h2->session, s->id, fields, n, NULL));
    buf_fini(&text);
}

static void submit_refusal(struct stream *s, unsigned http_status)
{
    char status[4];

    snprintf(status, sizeof(status), "%u", http_status % 1000);
    nghttp2_nv fields[] = {field(STR(":status"), str_from_c(status)), field(STR("content-length"), STR("0"))};

    s->answered = s->finished = true;
    submitted(s, nghttp2_submit_response(s->h2->session, s->id, fields, ARRAY_LEN(fields), NULL));
}

static size_t message_left(const struct stream *s)
{
    return GRPC_PREFIX_SIZE + s->out.n_bytes - s->out_sent;
}

static bool pull(struct stream *s)
{
    if (s->finished)
        return false;
    return s->ads ? ads_pull(s->ads, &s->out) : s->hds && hds_pull(s->hds, &s->out);
}

/* nghttp2 may send: how much of the present message, or of the next? The bytes follow through stream_write.
 */
static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *unused, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct stream *s = source->ptr;

    (void)session, (void)id, (void)unused, (void)user;
    if (!s->sending && pull(s)) {
        s->sending = true;
        s->out_sent = s->part = s->part_sent = 0;
        COUNT(net_messages_sent);
    }
    if (s->sending) {
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        return (ssize_t)(size < message_left(s) ? size : message_left(s));
    }
    if (!s->finished)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    submit_trailers(s);
    return 0;
}

static void submit_response(struct stream *s)
{
    nghttp2_nv fields[] = {field(STR(":status"), STR("200")),
                           field(STR("content-type"), STR("application/grpc"))};
    nghttp2_data_provider provider = {.source.ptr = s, .read_callback = read_data};

    submitted(s, nghttp2_submit_response(s->h2->session, s->id, fields, ARRAY_LEN(fields), &provider));
}

void stream_write(struct stream *s, size_t n, struct buf *out)
{
    assert(n <= message_left(s));
    if (s->out_sent < GRPC_PREFIX_SIZE) {
        uint8_t prefix[GRPC_PREFIX_SIZE];
        size_t take = n < GRPC_PREFIX_SIZE - s->out_sent ? n : GRPC_PREFIX_SIZE - s->out_sent;

        grpc_prefix_write(prefix, s->out.n_bytes);
        buf_add(out, prefix + s->out_sent, take);
        s->out_sent += take;
        n -= take;
    }
    while (n > 0) {
        assert(s->part < s->out.n_parts);
        struct str rest = str_slice(s->out.parts[s->part].bytes, s->part_sent, SIZE_MAX);
        struct str piece = str_slice(rest, 0, n);

        buf_add_str(out, piece);
        s->out_sent += piece.n;
        s->part_sent += piece.n;
        n -= piece.n;
        if (piece.n == rest.n) {
            s->part++;
            s->part_sent = 0;
        }
    }
    if (message_left(s) == 0)
        message_drop(s);
}

/* ---- what ads asks for ---- */

static void stream_wake(void *peer)
{
    struct stream *s = peer;

    if (s->finished)
        return;
    if (s->h2->lane == 0 && (s->ads || s->hds)) {
        struct str mesh = s->ads ? ads_mesh(s->ads) : hds_mesh(s->hds);

        s->h2->lane = hash_key(mesh.p, mesh.n);
    }
    /* The header waits for the first message: a call that is refused before it gets its status alone. */
    if (!s->answered) {
        s->answered = true;
        submit_response(s);
    } else {
        nghttp2_session_resume_data(s->h2->session,
                                    s->id); /* an error when it is not deferred, which is as good */
    }
    s->h2->options.wake(s->h2->options.ctx);
}

void stream_finish(struct stream *s, enum err_kind kind, struct str text)
{
    if (s->finished)
        return;
    s->finished = true;
    s->status = kind;
    s->text = xstrndup(text);
    s->h2->n_finished++;
    if (kind != ERR_NONE)
        log_debug("net", "stream=%d ends: %s " STR_FMT, s->id, err_kind_name(kind), STR_ARG(text));
    if (!s->answered) {
        s->answered = true;
        submit_trailers_only(s);
    } else {
        nghttp2_session_resume_data(s->h2->session, s->id);
    }
    s->h2->options.wake(s->h2->options.ctx);
}

static void ads_finish(void *peer, enum err_kind kind, struct str text)
{
    stream_finish(peer, kind, text);
}

static const struct ads_transport transport = {.wake = stream_wake, .finish = ads_finish};

/* ---- receiving ---- */

void stream_open(struct stream *s)
{
    struct grpc_status status;
    unsigned refusal = grpc_head_check(s->head, &status);

    if (refusal == 0) {
        COUNT(net_calls_opened);
        const struct credential authorization = {.text = grpc_head_authorization(s->head),
                                                 .source = s->h2->options.source};

        if (s->head->is_ads)
            s->ads = ads_open(s->h2->options.ads, s->head->variant, &transport, s, &authorization);
        else
            s->hds = hds_open(s->h2->options.ads, &transport, s, &authorization);
    } else {
        COUNT(net_calls_refused);
        if (refusal == 200)
            stream_finish(s, status.kind, status.text);
        else
            submit_refusal(s, refusal);
    }
    head_drop(s);
}

static void count_message(struct stream *s)
{
    COUNT(net_messages_received);
    if (s->used)
        return;
    s->used = true;
    s->h2->n_used++;
}

/* Takes what the reader holds into the sums; false when they are too large. */
static bool held_change(struct stream *s, size_t before)
{
    size_t after = grpc_reader_held(&s->in);

    s->h2->n_held = s->h2->n_held - before + after;
    *s->h2->options.n_held = *s->h2->options.n_held - before + after;
    return after <= before ||
           (s->h2->n_held <= SESSION_HELD_MAX && *s->h2->options.n_held <= s->h2->options.held_max);
}

void stream_receive(struct stream *s, struct str bytes)
{
    while (!s->finished) {
        struct str message = STR_NONE;
        struct grpc_status status;
        size_t held = grpc_reader_held(&s->in);
        enum grpc_event event = grpc_reader_next(&s->in, &bytes, &message, &status);

        if (!held_change(s, held)) {
            stream_finish(s, ERR_LIMIT, STR("too many incomplete messages"));
        } else if (event == GRPC_FAULT) {
            stream_finish(s, status.kind, status.text);
        } else if (event == GRPC_MORE) {
            return;
        } else {
            count_message(s);
            if (s->ads)
                ads_receive(s->ads, message);
            else
                hds_receive(s->hds, message);
        }
    }
    reader_drop(s); /* what still comes is ignored */
}

void stream_half_close(struct stream *s)
{
    if (grpc_reader_is_amid(&s->in))
        stream_finish(s, ERR_MALFORMED, STR("the stream ended amid a message"));
    else
        stream_finish(s, ERR_NONE, STR_NONE);
}
