/* event_streams.c -- GET /events: server-sent events (decision 0009).
 *
 * A stream is a place in the ring of events and the event that is being sent, nothing else: who reads slowly
 * costs no memory, and falls out when the ring has gone on. While there is nothing to tell the connection is
 * suspended; then it does not count as idle, and its socket is watched for the client's end. */
#include "event_streams.h"

#include <string.h>

#include "peer.h"
#include "receive.h"
#include "router.h"
#include "server.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"

#define BEAT_NS                                                                                              \
    (15 * NS_PER_S) /* each stream shows a sign of life as often, and its credentials are looked at */
#define BLOCK_SIZE 4096
#define STREAM_TEXT_MAX 1024 /* of what is no event of the ring */

struct stream {
    struct list node;
    struct api *api;
    struct request *request; /* NULL: it has ended */
    struct event_filter filter;
    struct event_cursor cursor;
    struct blob *sending;
    size_t n_sent;    /* bytes of it */
    bool beats;       /* a sign of life is due */
    const char *last; /* why it ends with the next that is sent; NULL: it goes on */
    bool is_over;
    bool gone; /* the client is */
};

/* ---- what is sent ---- */

static void send_text(struct stream *s, const struct buf *text)
{
    s->sending = blob_from_buf(text);
    s->n_sent = 0;
}

/* Without an id: a client that comes back names the last event that it has seen. */
static void say(struct buf *out, struct stream *s, const char *event, const char *reason)
{
    char time[TIME_TEXT];

    buf_printf(out, "event: %s\ndata: {\"revision\":%llu,\"time\":\"%.*s\",\"reason\":\"%s\"}\n\n", event,
               (unsigned long long)events_newest(s->api->options.events).revision,
               (int)time_text(clock_wall_ns(), time), time, reason);
}

static void add_place(struct buf *out, struct event_place place)
{
    buf_printf(out, "id: %llu-%llu\n\n", (unsigned long long)place.revision, (unsigned long long)place.n);
}

static void end_with(struct stream *s, const char *reason)
{
    struct buf out;

    buf_init(&out, STREAM_TEXT_MAX);
    say(&out, s, "end", reason);
    send_text(s, &out);
    buf_fini(&out);
    s->is_over = true;
}

/* A comment, and the place that a client of few events would else not learn. */
static void send_beat(struct stream *s, struct event_place place)
{
    struct buf out;

    buf_init(&out, STREAM_TEXT_MAX);
    buf_add_str(&out, STR(":\n"));
    add_place(&out, place);
    send_text(s, &out);
    buf_fini(&out);
}

/* Finds what to send next; false: nothing now. */
static bool find_next(struct stream *s)
{
    struct event_place place =
        events_newest(s->api->options.events); /* before looking: all up to it is seen */

    if (s->last) {
        end_with(s, s->last);
        return true;
    }
    switch (events_next(s->api->options.events, &s->cursor, &s->filter, &s->sending)) {
    case EVENT_FOUND:
        s->n_sent = 0;
        return true;
    case EVENT_LOST:
        COUNT(events_streams_too_slow);
        end_with(s, "the client reads too slowly: what comes next is not kept any more");
        return true;
    case EVENT_NONE:
        break;
    }
    if (!s->beats)
        return false;
    s->beats = false;
    send_beat(s, place);
    return true;
}

/* Fills as much as there is room for; the library's callback. */
static ssize_t read_stream(void *ctx, uint64_t pos, char *out, size_t size)
{
    struct stream *s = ctx;
    size_t n = 0;

    (void)pos;
    if (s->gone)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    while (n < size && (s->sending || (!s->is_over && find_next(s)))) {
        size_t left = s->sending->n - s->n_sent, part = left < size - n ? left : size - n;
        memcpy(out + n, s->sending->p + s->n_sent, part);
        n += part;
        s->n_sent += part;
        if (s->n_sent == s->sending->n) {
            blob_unref(s->sending);
            s->sending = NULL;
        }
    }
    if (n > 0) {
        peer_reads(s->request->connection, n);
        return (ssize_t)n;
    }
    if (s->is_over)
        return MHD_CONTENT_READER_END_OF_STREAM;
    peer_waits(s->request->connection);
    request_suspend(s->request);
    return 0;
}

/* ---- its life ---- */

static void wake(struct stream *s)
{
    if (s->request)
        request_resume(s->request);
}

static void peer_gone(struct request *r)
{
    struct stream *s = r->handler_data;

    s->gone = true;
    wake(s);
}

/* Before the request is freed; the library frees the stream, before or after. */
static void request_ends(struct request *r)
{
    struct stream *s = r->handler_data;

    if (s)
        s->request = NULL;
}

static void stream_free(void *ctx)
{
    struct stream *s = ctx;

    list_del(&s->node);
    s->api->streams.n_streams--;
    GAUGE_ADD(events_streams, -1);
    if (s->request)
        s->request->handler_data = NULL;
    blob_unref(s->sending);
    free(s);
}

static void take_notice(struct mail *mail)
{
    struct api *api = CONTAINER_OF(mail, struct api, streams.notice);

    if (!api->options.events) {
        api->streams.is_listening = false;
        return;
    }
    events_heed(api->options.events);
    LIST_FOR (node, &api->streams.streams) {
        struct stream *s = LIST_ITEM(node, struct stream, node);
        if (s->request && s->request->suspended &&
            events_next(api->options.events, &s->cursor, &s->filter, NULL) != EVENT_NONE)
            wake(s);
    }
}

/* Credentials may have been revoked, or have run out, since. */
static void beat(struct stream *s)
{
    if (!s->request)
        return;
    if (!receive_is_allowed_still(s->request))
        s->last = "the credentials are not good any more";
    s->beats = true;
    wake(s);
}

/* They take turns, so that many do not hold up everything else at once. */
static int64_t turn_ns(const struct event_streams *all)
{
    int64_t each = BEAT_NS / (int64_t)all->n_streams;

    return each > NS_PER_S ? each : NS_PER_S;
}

static void take_turn(struct timer *t, int64_t now)
{
    struct api *api = CONTAINER_OF(t, struct api, streams.beat);
    struct event_streams *all = &api->streams;

    if (all->n_streams == 0)
        return;
    timer_set(&api->timers, t, now + turn_ns(all));
    for (size_t n = (all->n_streams * (size_t)turn_ns(all) - 1) / BEAT_NS + 1; n > 0; n--) {
        struct stream *s = LIST_ITEM(all->streams.next, struct stream, node);
        list_del(&s->node);
        list_add_tail(&all->streams, &s->node);
        beat(s);
    }
}

void event_streams_init(struct api *api)
{
    list_init(&api->streams.streams);
    api->streams.notice.handle = take_notice;
    api->streams.beat.expire = take_turn;
}

void event_streams_end(struct api *api)
{
    api->streams.is_over = true;
    LIST_FOR (node, &api->streams.streams) {
        struct stream *s = LIST_ITEM(node, struct stream, node);
        s->last = "the control plane stops";
        wake(s);
    }
}

void event_streams_fini(struct api *api)
{
    struct events *events = api->options.events;

    timer_clear(&api->timers, &api->streams.beat);
    if (!api->streams.is_listening || !events_unlisten(events))
        return;
    api->options.events = NULL;
    while (api->streams.is_listening) {
        mailbox_wait(&api->mailbox, -1);
        mailbox_run(&api->mailbox);
    }
}

/* ---- what is asked ---- */

static void fault(struct request *r, const char *field, struct str text, const char *want)
{
    err_cause_at(&r->err, str_from_c(field),
                 arena_printf(&r->arena, "must be %s, not \"" STR_FMT "\"", want, STR_ARG(text)));
}

/* "resource, proxy, ... or finding". */
static const char *event_kinds(struct arena *a)
{
    const char *text = event_kind_name(0);

    for (enum event_kind kind = 1; kind < EVENT_KINDS; kind++)
        text =
            arena_printf(a, "%s%s%s", text, kind + 1 < EVENT_KINDS ? ", " : " or ", event_kind_name(kind)).p;
    return text;
}

static void read_filter(struct request *r, struct event_filter *f)
{
    *f = (struct event_filter){.mesh = r->mesh, .access = &r->options->access, .user = &r->user};
    for (size_t i = 0; i < r->n_query; i++) {
        struct str value = r->query[i].value;
        if (str_eq(r->query[i].key, STR("type"))) {
            enum res_type type = res_type_by_name(value);
            if (type == RES_N)
                fault(r, "type", value, "the name of a resource type, such as Dataplane");
            else
                f->types |= UINT64_C(1) << type;
        } else if (str_eq(r->query[i].key, STR("event"))) {
            enum event_kind kind = event_kind_by_name(value);
            if (kind == EVENT_KINDS)
                fault(r, "event", value, event_kinds(&r->arena));
            else
                f->kinds |= 1u << kind;
        }
    }
}

/* Where it begins; '*reset': what the client has not seen is not kept. A browser that comes back repeats the
 * query and says more precisely where it was. */
static void read_start(struct request *r, struct event_cursor *c, bool *reset)
{
    struct events *events = r->options->events;
    struct str since = request_query(r, "since"), last = request_header(r, "Last-Event-ID");
    struct event_place place;
    uint64_t revision;

    *reset = false;
    events_from_now(events, c);
    if (last.n > 0) {
        *reset = !event_place_parse(last, &place) || !events_from_place(events, place, c);
    } else if (!since.p) {
        return;
    } else if (event_place_parse(since, &place)) {
        *reset = !events_from_place(events, place, c);
    } else if (!str_to_uint(since, UINT64_MAX, &revision)) {
        fault(r, "since", since, "a revision or the id of an event");
    } else if (revision > snap_revision(r->snap)) {
        fault(r, "since", since, "at most the store's newest revision");
    } else {
        *reset = !events_from_revision(events, revision, c);
    }
}

static void greet(struct stream *s, bool reset)
{
    struct event_place place = events_newest(s->api->options.events);
    struct buf out;

    buf_init(&out, STREAM_TEXT_MAX);
    buf_add_str(&out, STR("retry: 1000\n\n"));
    if (reset) {
        COUNT(events_resets);
        say(&out, s, "reset", "not all that happened since is kept: read anew what matters");
    }
    if (events_next(s->api->options.events, &s->cursor, &s->filter, NULL) == EVENT_NONE)
        add_place(&out, place);
    send_text(s, &out);
    buf_fini(&out);
}

static void open_stream(struct request *r, const struct event_filter *f, struct event_cursor c, bool reset)
{
    struct api *api = r->server->api;
    struct stream *s = xcalloc(1, sizeof(*s));

    *s = (struct stream){.api = api, .request = r, .filter = *f, .cursor = c};
    list_add_tail(&api->streams.streams, &s->node);
    api->streams.n_streams++;
    GAUGE_ADD(events_streams, 1);
    if (!api->streams.is_listening)
        events_listen(api->options.events, &api->mailbox, &api->streams.notice);
    api->streams.is_listening = true;
    int64_t turn = api->now + turn_ns(&api->streams);
    if (api->streams.beat.slot == 0 || turn < api->streams.beat.at)
        timer_set(&api->timers, &api->streams.beat, turn);
    greet(s, reset);
    snap_unref(r->snap); /* others must not live as long as this stream */
    r->snap = NULL;
    r->handler_data = s;
    r->ends = request_ends;
    r->status = 200;
    r->content_type = "text/event-stream";
    r->stream = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_stream, s, stream_free);
    if (!r->stream) {
        stream_free(s);
        answer_fault(r, ERR_UNAVAILABLE, "no memory for another stream");
        return;
    }
    request_watch_peer(r, peer_gone);
}

void events_get(struct request *r)
{
    struct event_filter filter;
    struct event_cursor cursor;
    bool reset;

    r->title = "Could not tell what happens";
    read_filter(r, &filter);
    read_start(r, &cursor, &reset);
    if (r->err.n_causes > 0) {
        err_set(&r->err, ERR_INVALID, "the query is not valid");
        answer_error(r);
    } else if (r->mesh.p && !snap_find_mesh(r->snap, r->mesh)) {
        answer_fault(r, ERR_NOT_FOUND, "not found");
    } else if (r->server->api->streams.is_over) {
        answer_fault(r, ERR_UNAVAILABLE, "the control plane stops");
    } else if (r->server->api->streams.n_streams >= r->options->max_event_streams) {
        COUNT(events_streams_refused);
        answer_fault(r, ERR_UNAVAILABLE,
                     "%zu clients listen already, as many as apiServer.maxEventStreams allows",
                     r->server->api->streams.n_streams);
    } else {
        open_stream(r, &filter, cursor, reset);
    }
}
