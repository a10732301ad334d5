/* xds/hds.c -- one stream of the health discovery service: who it is, what its Envoy is to check, what that
 * says.
 *
 * A stream may be there before its Dataplane is, which the same Envoy's discovery stream brings: it waits. It
 * counts as no sign of life of the proxy, and when it ends, what was told last stays: the Envoy comes back
 * and tells again, and whether a proxy is online is another question.
 *
 * Everything here runs on the loop's thread but inbox_deliver and engine_let_go, which the engine calls on
 * its own, and written, which the writer calls. */
#include "hds.h"

#include <assert.h>
#include <stdlib.h>

#include "authn.h"
#include "health.h"
#include "node.h"
#include "stream.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"

/* One is enough, but those of broken connections are noticed late. */
#define STREAMS_MAX 32
/* Envoys tell every half second at most; who tells more often is not listened to as often. */
#define WRITE_MIN_NS (NS_PER_S / 4)

#define LOG_PROXY "mesh=" STR_FMT " proxy=" STR_FMT
#define LOG_PROXY_ARG(s) STR_ARG((s)->mesh), STR_ARG((s)->name)

/* Where the compile thread leaves what is to be checked. */
struct checks_inbox {
    struct lock lock; /* protects all but 'mail' while it is under way */
    struct blob *newest;
    bool mailed; /* 'mail' is under way to the loop */
    struct mail mail;
};

struct hds_stream {
    struct ads *ads;
    const struct ads_transport *transport;
    void *peer;         /* NULL: closed */
    bool ended;         /* finished by us or closed by the peer */
    struct arena arena; /* holds the names */
    struct str id, mesh, name;
    struct authn authn;
    struct hds_proxy *proxy;       /* that it is counted for; NULL before the first request */
    struct engine_proxy *attached; /* NULL: not yet, or let go */
    struct checks_inbox inbox;
    struct mail detached;
    struct blob *checks; /* NULL: the Dataplane is not there */
    bool is_unsent;      /* 'checks' */
    struct arena report_arena;
    struct health_report report; /* the newest */
    bool has_report;
    struct admit_request *writing; /* NULL: nothing is under way to the writer */
    struct mail written;
    int64_t may_write; /* no earlier than this, monotonic */
};

struct hds_proxy {
    char *id;
    size_t n_streams;
};

void hds_init(struct hds *h)
{
    *h = (struct hds){0};
    map_init(&h->proxies);
}

void hds_fini(struct hds *h)
{
    assert(hds_is_idle(h) && h->proxies.n == 0);
    map_fini(&h->proxies);
}

bool hds_is_idle(const struct hds *h)
{
    return h->n_streams == 0;
}

/* ---- how many ---- */

static bool hold(struct hds_stream *s)
{
    struct map *proxies = &s->ads->hds.proxies;
    struct hds_proxy *p = map_find(proxies, s->id);
    if (!p) {
        p = xcalloc(1, sizeof(*p));
        p->id = xstrndup(s->id);
        map_put(proxies, str_from_c(p->id), p);
    }
    if (p->n_streams == STREAMS_MAX)
        return false;
    p->n_streams++;
    s->proxy = p;
    return true;
}

static void release(struct hds_stream *s)
{
    struct hds_proxy *p = s->proxy;
    s->proxy = NULL;
    if (!p || --p->n_streams > 0)
        return;
    map_del(&s->ads->hds.proxies, str_from_c(p->id));
    free(p->id);
    free(p);
}

/* ---- the end ---- */

static void end(struct hds_stream *s, enum err_kind kind, struct str text)
{
    COUNT(hds_streams_refused);
    log_info("hds", LOG_PROXY " stream ended: " STR_FMT, LOG_PROXY_ARG(s), STR_ARG(text));
    s->ended = true;
    s->transport->finish(s->peer, kind, text);
}

static void end_with(struct hds_stream *s, struct err *e)
{
    end(s, e->kind, err_render(e, e->arena));
}

/* When the peer, the engine and the writer have let go of it. */
static void free_if_unused(struct hds_stream *s)
{
    if (s->peer || s->attached || s->writing)
        return;
    s->ads->hds.n_streams--;
    blob_unref(s->inbox.newest);
    lock_fini(&s->inbox.lock);
    blob_unref(s->checks);
    authn_fini(&s->authn);
    arena_fini(&s->report_arena);
    arena_fini(&s->arena);
    free(s);
}

/* The last mail of the engine about this stream; any delivery came before it. */
static void take_detached(struct mail *mail)
{
    struct hds_stream *s = CONTAINER_OF(mail, struct hds_stream, detached);
    s->attached = NULL;
    free_if_unused(s);
}

static void engine_let_go(void *ctx)
{
    struct hds_stream *s = ctx;
    mailbox_send(s->ads->mailbox, &s->detached);
}

void hds_close(struct hds_stream *s)
{
    s->ended = true;
    s->peer = NULL;
    GAUGE_ADD(hds_streams_active, -1);
    release(s);
    if (s->attached)
        engine_detach(s->attached, engine_let_go, s);
    else
        free_if_unused(s);
}

/* ---- who it is ---- */

static enum err_kind authenticate(struct hds_stream *s, const struct snap *snap, const struct resource *dp,
                                  struct err *e)
{
    if (!s->ads->options.authenticate)
        return ERR_NONE;
    return dp ? authn_check(&s->authn, snap, s->mesh, dp, e) : authn_verify(&s->authn, snap, s->mesh, e);
}

static const struct resource *find_dataplane(const struct hds_stream *s, const struct snap *snap)
{
    return snap_find(snap, RES_DATAPLANE, s->mesh, s->name);
}

/* ---- telling the store ---- */

static void tell(struct hds_stream *s);

static void take_written(struct mail *mail)
{
    struct hds_stream *s = CONTAINER_OF(mail, struct hds_stream, written);
    enum err_kind kind = s->writing->kind;
    admit_request_free(s->writing);
    s->writing = NULL;
    if (kind != ERR_NONE && kind != ERR_STALE && kind != ERR_NOT_FOUND)
        log_warn("hds", LOG_PROXY " health was not written, will be with the next report: %s",
                 LOG_PROXY_ARG(s), err_kind_name(kind));
    else if (kind == ERR_STALE && !s->ended)
        tell(s); /* about the Dataplane as it is now */
    free_if_unused(s);
}

static void written(struct admit_request *req)
{
    struct hds_stream *s = req->ctx;
    mailbox_send(s->ads->mailbox, &s->written);
}

static void write_health(struct hds_stream *s, const struct resource *dp, struct str health)
{
    struct admit_request *req = admit_request_new(1);
    req->author = arena_str(&req->arena, s->id);
    req->origin = ORIGIN_SYSTEM;
    req->ops[0] = (struct admit_op){
        .kind = ADMIT_HEALTH,
        .key = {RES_DATAPLANE, arena_str(&req->arena, s->mesh), arena_str(&req->arena, s->name)},
        .health = arena_str(&req->arena, health),
        .if_base = true,
        .base = resource_ref((struct resource *)(uintptr_t)dp), /* only counts */
    };
    req->done = written;
    req->ctx = s;
    s->writing = req;
    s->may_write = clock_mono_ns() + WRITE_MIN_NS;
    COUNT(hds_health_changes);
    admit_submit(s->ads->options.admit, req);
}

/* That an inbound is ready which nobody takes for anything else is no news. */
static bool is_news(const struct resource *dp, struct str health)
{
    const struct dp_networking *net = resource_dataplane(dp)->networking;
    for (size_t i = 0; i < net->n_inbound; i++) {
        if (health.p[i] != HEALTH_UNKNOWN &&
            (health.p[i] == HEALTH_READY) != inbound_is_healthy(&net->inbound[i]))
            return true;
    }
    return false;
}

/* Holds the newest report against the newest Dataplane. While the writer has the last change, the next report
 * will do. */
static void tell(struct hds_stream *s)
{
    struct arena scratch;
    struct snap *snap = store_snap(s->ads->options.store);
    const struct resource *dp = find_dataplane(s, snap);
    arena_init(&scratch);
    if (dp && s->has_report && !s->writing && clock_mono_ns() >= s->may_write) {
        struct str health = health_told(&s->report, dp, &scratch);
        if (is_news(dp, health))
            write_health(s, dp, health);
    }
    arena_fini(&scratch);
    snap_unref(snap);
}

/* ---- what is to be checked ---- */

static void take_checks(struct hds_stream *s, struct blob *checks)
{
    struct arena scratch;
    struct err e;
    arena_init(&scratch);
    err_init(&e, &scratch);
    struct snap *snap = store_snap(s->ads->options.store);
    enum err_kind kind = authenticate(s, snap, find_dataplane(s, snap), &e);
    snap_unref(snap);
    blob_unref(s->checks);
    s->checks = blob_ref(checks);
    s->is_unsent = checks != NULL;
    if (kind != ERR_NONE) {
        end_with(s, &e);
    } else if (checks) {
        s->transport->wake(s->peer);
        tell(s);
    }
    arena_fini(&scratch);
}

static void take_delivery(struct mail *mail)
{
    struct hds_stream *s = CONTAINER_OF(mail, struct hds_stream, inbox.mail);
    lock_take(&s->inbox.lock);
    struct blob *checks = s->inbox.newest;
    s->inbox.newest = NULL;
    s->inbox.mailed = false;
    lock_drop(&s->inbox.lock);
    if (!s->ended)
        take_checks(s, checks);
    blob_unref(checks);
}

/* On the compile thread: newer checks replace some that the loop has not fetched yet. */
static void inbox_deliver(void *ctx, struct blob *checks)
{
    struct hds_stream *s = ctx;
    lock_take(&s->inbox.lock);
    struct blob *old = s->inbox.newest;
    bool send = !s->inbox.mailed;
    s->inbox.newest = blob_ref(checks);
    s->inbox.mailed = true;
    lock_drop(&s->inbox.lock);
    blob_unref(old);
    if (send)
        mailbox_send(s->ads->mailbox, &s->inbox.mail);
}

/* ---- messages ---- */

static enum err_kind begin(struct hds_stream *s, const struct discovery_node *node, struct arena *scratch,
                           struct err *e)
{
    struct proxy_node read;
    if (proxy_node_read(node, scratch, &read, e) != ERR_NONE)
        return e->kind;
    s->id = arena_str(&s->arena, read.id);
    s->mesh = str_slice(s->id, 0, read.params.mesh.n);
    s->name = str_slice(s->id, s->mesh.n + 1, s->id.n);
    struct snap *snap = store_snap(s->ads->options.store);
    enum err_kind kind = authenticate(s, snap, find_dataplane(s, snap), e);
    snap_unref(snap);
    if (kind != ERR_NONE)
        return kind;
    if (!hold(s))
        return err_set(e, ERR_LIMIT, "proxy " STR_FMT " has too many streams", STR_ARG(s->id));
    s->attached = engine_attach_health(s->ads->options.engine, &read.params, inbox_deliver, s);
    log_debug("hds", LOG_PROXY " connected", LOG_PROXY_ARG(s));
    return ERR_NONE;
}

static enum err_kind take_request(struct hds_stream *s, const struct discovery_node *node,
                                  struct arena *scratch, struct err *e)
{
    if (!s->attached)
        return begin(s, node, scratch, e);
    if (node->id.n > 0 && !str_eq(node->id, s->id))
        return err_set(e, ERR_INVALID, "the stream is proxy " STR_FMT "'s", STR_ARG(s->id));
    return ERR_NONE;
}

static enum err_kind take_report(struct hds_stream *s, const struct health_report *report, struct err *e)
{
    if (!s->attached)
        return err_set(e, ERR_INVALID, "a health report came before the health check request");
    struct snap *snap = store_snap(s->ads->options.store);
    enum err_kind kind = authenticate(s, snap, find_dataplane(s, snap), e);
    snap_unref(snap);
    if (kind != ERR_NONE)
        return kind;
    arena_reset(&s->report_arena);
    s->report = health_report_copy(report, &s->report_arena);
    s->has_report = true;
    tell(s);
    return ERR_NONE;
}

void hds_receive(struct hds_stream *s, struct str wire)
{
    struct arena scratch;
    struct health_message message;
    struct err e;
    if (s->ended)
        return;
    COUNT(hds_messages);
    arena_init(&scratch);
    err_init(&e, &scratch);
    if (!s->ads->options.health_discovery)
        err_set(&e, ERR_METHOD, "health discovery is turned off");
    else if (health_message_decode(wire, &scratch, &message, &e) == ERR_NONE) {
        if (message.is_request)
            take_request(s, &message.node, &scratch, &e);
        else
            take_report(s, &message.report, &e);
        health_message_fini(&message);
    }
    if (e.kind != ERR_NONE)
        end_with(s, &e);
    arena_fini(&scratch);
}

bool hds_pull(struct hds_stream *s, struct xds_message *out)
{
    if (s->ended || !s->is_unsent)
        return false;
    s->is_unsent = false;
    struct message_part *part = xcalloc(1, sizeof(*part));
    *part = (struct message_part){.bytes = blob_str(s->checks), .owner = blob_ref(s->checks)};
    *out = (struct xds_message){.n_bytes = s->checks->n, .n_parts = 1, .parts = part};
    return true;
}

struct str hds_mesh(const struct hds_stream *s)
{
    return s->mesh;
}

struct hds_stream *hds_open(struct ads *ads, const struct ads_transport *transport, void *peer,
                            const struct credential *authorization)
{
    struct hds_stream *s = xcalloc(1, sizeof(*s));
    *s = (struct hds_stream){.ads = ads,
                             .transport = transport,
                             .peer = peer,
                             .inbox.mail.handle = take_delivery,
                             .detached.handle = take_detached,
                             .written.handle = take_written};
    arena_init(&s->arena);
    arena_init(&s->report_arena);
    authn_init(&s->authn, ads->options.tokens, authorization);
    lock_init(&s->inbox.lock);
    ads->hds.n_streams++;
    GAUGE_ADD(hds_streams_active, 1);
    return s;
}
