/* xds/stream.c -- the life of one ADS stream: who it is, may it be that, its Dataplane, its configurations,
 * its end.
 *
 * Everything here runs on the loop's thread but inbox_deliver and engine_let_go, which the engine calls on
 * its own. */
#include "stream.h"

#include <assert.h>
#include <stdlib.h>

#include "message.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "ursa/base/rand.h"

/* Envoy gives up on a cluster that does not get warm after 15 s, and then answers. */
#define WAIT_LIMIT_NS (20 * NS_PER_S)

#define LOG_PROXY "mesh=" STR_FMT " proxy=" STR_FMT
#define NOT_FOUND_TEXT                                                                                       \
    "resource \"" STR_FMT                                                                                    \
    "\" not found; create a Dataplane in Kuma CP first or pass it as an argument to kuma-dp"
#define LOG_PROXY_ARG(s) STR_ARG((s)->node.params.mesh), STR_ARG((s)->node.params.name)

static void move(struct ads_stream *s, enum stream_state to)
{
    static const unsigned allowed[STREAM_N_STATES] = {
        [STREAM_OPEN] = 1u << STREAM_REGISTERING | 1u << STREAM_LIVE | 1u << STREAM_ENDED,
        [STREAM_REGISTERING] = 1u << STREAM_LIVE | 1u << STREAM_ENDED,
        [STREAM_LIVE] = 1u << STREAM_ENDED,
        [STREAM_ENDED] = 0,
    };
    assert(allowed[s->state] & 1u << to);
    log_debug("xds", LOG_PROXY " stream state %d to %d", LOG_PROXY_ARG(s), (int)s->state, (int)to);
    s->state = to;
}

/* ---- telling others ---- */

/* After everything that may bring the proxy closer to what somebody waits for. */
static void look(struct ads_stream *s)
{
    if (!list_empty(&s->watchers))
        questions_look(s);
}

/* ---- the end ---- */

static void drop(struct ads_stream *s)
{
    if (--s->n_holders > 0)
        return;
    s->ads->n_streams--;
    status_report_fini(&s->report);
    config_set_unref(s->inbox.newest);
    lock_fini(&s->inbox.lock);
    session_fini(&s->session);
    authn_fini(&s->authn);
    resource_unref(s->dataplane);
    arena_fini(&s->arena);
    free(s);
}

/* The last mail of the engine about this stream; any delivery came before it. */
static void take_detached(struct mail *mail)
{
    drop(CONTAINER_OF(mail, struct ads_stream, detached));
}

static void engine_let_go(void *ctx)
{
    struct ads_stream *s = ctx;
    mailbox_send(s->ads->mailbox, &s->detached);
}

/* Nothing more can be told of the stream. */
static void take_released(struct status_report *report)
{
    drop(CONTAINER_OF(report, struct ads_stream, report));
}

static void stop_serving(struct ads_stream *s)
{
    if (s->state == STREAM_LIVE) {
        registered_leave(&s->ads->group->registry, &s->live);
        status_report_end(&s->report, &s->session);
    }
    list_del(&s->waiting);
    if (s->state != STREAM_ENDED)
        move(s, STREAM_ENDED);
    look(s);
}

/* Ends the stream with a status for the peer; net closes it afterwards. */
static void end(struct ads_stream *s, enum err_kind kind, struct str text)
{
    COUNT(xds_streams_refused);
    log_info("xds", LOG_PROXY " stream ended: " STR_FMT, LOG_PROXY_ARG(s), STR_ARG(text));
    stop_serving(s);
    s->transport->finish(s->peer, kind, text);
}

static void end_not_found(struct ads_stream *s)
{
    struct arena arena;
    arena_init(&arena);
    end(s, ERR_NOT_FOUND, arena_printf(&arena, NOT_FOUND_TEXT, STR_ARG(s->node.id)));
    arena_fini(&arena);
}

void ads_close(struct ads_stream *s)
{
    struct ads *ads = s->ads;
    if (s->state == STREAM_LIVE)
        log_info("xds", LOG_PROXY " disconnected", LOG_PROXY_ARG(s));
    stop_serving(s);
    s->peer = NULL;
    ads->n_open--;
    GAUGE_ADD(xds_streams_active, -1);
    registration_cancel(s->registration);
    if (s->registered) {
        (void)registered_name(&ads->group->registry, s->registered, s->names_size, 0);
        registry_release(&ads->desk, s->registered);
    }
    if (s->attached) {
        status_report_remove(&s->report);
        engine_detach(s->attached, engine_let_go, s);
    }
    drop(s);
}

/* ---- who it is ---- */

static const struct resource *find_stored(const struct ads_stream *s, const struct snap *snap)
{
    return snap_find(snap, RES_DATAPLANE, s->node.params.mesh, s->node.params.name);
}

/* The proxy as it brought itself, once it is registered as it is stored; NULL when it is nowhere. */
static const struct resource *find_dataplane(const struct ads_stream *s, const struct snap *snap)
{
    return s->dataplane && s->state != STREAM_LIVE ? s->dataplane : find_stored(s, snap);
}

static enum err_kind authenticate(struct ads_stream *s, const struct snap *snap, struct err *e)
{
    const struct resource *dataplane = find_dataplane(s, snap);
    if (!dataplane)
        return err_set(e, ERR_NOT_FOUND, NOT_FOUND_TEXT, STR_ARG(s->node.id));
    if (!s->ads->options.authenticate)
        return ERR_NONE;
    return authn_check(&s->authn, snap, s->node.params.mesh, dataplane, e);
}

/* ---- configurations ---- */

/* What to send next. When nothing is left but what waits for the client's answer, its time begins; newer
 * clusters do not make that longer. */
static enum xds_type find_due(struct ads_stream *s)
{
    enum xds_type type = session_due(&s->session);
    if (type != XDS_N)
        return type;
    if (!s->session.waits) {
        list_del(&s->waiting);
    } else if (list_empty(&s->waiting)) {
        s->waits_until = clock_mono_ns() + WAIT_LIMIT_NS;
        list_add_tail(&s->ads->waiting, &s->waiting);
    }
    return XDS_N;
}

static bool wake_if_due(struct ads_stream *s)
{
    if (s->state != STREAM_LIVE || find_due(s) == XDS_N)
        return false;
    s->transport->wake(s->peer);
    return true;
}

int64_t streams_deadline(const struct ads *ads)
{
    if (list_empty(&ads->waiting))
        return INT64_MAX;
    return LIST_ITEM(ads->waiting.next, struct ads_stream, waiting)->waits_until;
}

void streams_run_timers(struct ads *ads, int64_t now_ns)
{
    while (streams_deadline(ads) <= now_ns) {
        struct ads_stream *s = LIST_ITEM(ads->waiting.next, struct ads_stream, waiting);
        COUNT(xds_waits_in_vain);
        log_warn("xds", LOG_PROXY " has not answered its new clusters: listeners go out", LOG_PROXY_ARG(s));
        list_del(&s->waiting);
        session_stop_waiting(&s->session);
        (void)wake_if_due(s);
    }
}

void stream_covers(struct ads_stream *s, uint64_t sequence)
{
    if (sequence > s->session.sequence)
        s->session.sequence = sequence;
}

/* A configuration may come with another identity than the last one, so the client is judged before it. */
static void take_config(struct ads_stream *s, struct config_set *set, uint64_t sequence)
{
    struct arena scratch;
    struct err e;
    arena_init(&scratch);
    err_init(&e, &scratch);
    struct snap *snap = store_snap(s->ads->options.store);
    enum err_kind kind = authenticate(s, snap, &e);
    snap_unref(snap);
    if (kind == ERR_NONE) {
        session_set_config(&s->session, set);
        stream_covers(s, sequence);
        if (!wake_if_due(s)) /* else what it is sent is news enough */
            status_report_update(&s->report, &s->session);
        look(s);
    } else {
        end(s, kind, err_render(&e, &scratch));
    }
    arena_fini(&scratch);
}

static void take_delivery(struct mail *mail)
{
    struct ads_stream *s = CONTAINER_OF(mail, struct ads_stream, inbox.mail);
    lock_take(&s->inbox.lock);
    struct config_set *set = s->inbox.newest;
    uint64_t sequence = s->inbox.sequence;
    bool gone = s->inbox.gone;
    s->inbox.newest = NULL;
    s->inbox.mailed = false;
    lock_drop(&s->inbox.lock);
    if (s->state == STREAM_LIVE && gone)
        end_not_found(s);
    else if (s->state == STREAM_LIVE)
        take_config(s, set, sequence);
    config_set_unref(set);
}

/* On the compile thread: a newer configuration replaces one that the loop has not fetched yet. */
static void inbox_deliver(void *ctx, struct config_set *set, uint64_t sequence)
{
    struct ads_stream *s = ctx;
    struct config_set *fresh = set ? config_set_ref(set) : NULL;
    lock_take(&s->inbox.lock);
    struct config_set *old = s->inbox.newest;
    bool send = !s->inbox.mailed;
    s->inbox.newest = fresh;
    s->inbox.sequence = sequence;
    s->inbox.gone = set == NULL;
    s->inbox.mailed = true;
    lock_drop(&s->inbox.lock);
    config_set_unref(old);
    if (send)
        mailbox_send(s->ads->mailbox, &s->inbox.mail);
}

static void go_live(struct ads_stream *s)
{
    move(s, STREAM_LIVE);
    log_info("xds", LOG_PROXY " connected", LOG_PROXY_ARG(s));
    s->report.status.mesh = s->node.params.mesh;
    s->report.status.name = s->node.params.name;
    s->report.status.subscription = rand_uuid(&s->arena);
    s->report.status.connected_ns = clock_wall_ns();
    s->report.status.variant = s->variant;
    s->report.version = s->node.version;
    s->n_holders += 2;
    status_report_add(&s->ads->board, &s->report, take_released);
    if (registered_live(&s->ads->group->registry, s->registered, &s->live))
        questions_look_at_twins(s);
    status_report_update(&s->report, &s->session);
    s->attached = engine_attach(s->ads->options.engine, &s->node.params, inbox_deliver, s);
}

/* ---- the first request ---- */

/* What a proxy brings must be its own, and where there is one already, that must be its own too. */
static enum err_kind check_brought(struct ads_stream *s, const struct resource *stored, struct err *e)
{
    const struct res_key *key = &s->dataplane->key;
    if (!str_eq(key->mesh, s->node.params.mesh) || !str_eq(key->name, s->node.params.name))
        return err_set(e, ERR_DENIED,
                       "proxyId " STR_FMT " does not match proxy resource " STR_FMT "." STR_FMT,
                       STR_ARG(s->node.id), STR_ARG(key->mesh), STR_ARG(key->name));
    if (!stored || !s->ads->options.authenticate ||
        token_check_dataplane(&s->authn.claims, stored, e) == ERR_NONE)
        return ERR_NONE;
    return err_set(e, ERR_DENIED,
                   "you are trying to override existing proxy to which you don't have an access.");
}

static enum err_kind hold(struct ads_stream *s, struct err *e)
{
    s->registered = registry_hold(&s->ads->group->registry, &s->node);
    return s->registered
               ? ERR_NONE
               : err_set(e, ERR_LIMIT, "proxy " STR_FMT " has too many streams", STR_ARG(s->node.id));
}

static void take_registered(void *ctx, enum err_kind kind, struct str text);

/* Stores what the proxy brought, as long as what it is judged against here does not change meanwhile. */
static enum err_kind register_brought(struct ads_stream *s, const struct snap *snap, struct err *e)
{
    const struct resource *stored = find_stored(s, snap);
    if (check_brought(s, stored, e) != ERR_NONE)
        return e->kind;
    if (!s->registered && hold(s, e) != ERR_NONE)
        return e->kind;
    s->registration = desk_submit(&s->ads->desk, s->registered, s->dataplane, stored, take_registered, s);
    return ERR_NONE;
}

static void register_again(struct ads_stream *s)
{
    struct arena scratch;
    struct err e;
    arena_init(&scratch);
    err_init(&e, &scratch);
    struct snap *snap = store_snap(s->ads->options.store);
    enum err_kind kind = register_brought(s, snap, &e);
    snap_unref(snap);
    if (kind != ERR_NONE)
        end(s, kind, err_render(&e, &scratch));
    arena_fini(&scratch);
}

static void take_registered(void *ctx, enum err_kind kind, struct str text)
{
    struct ads_stream *s = ctx;
    s->registration = NULL;
    if (s->state != STREAM_REGISTERING)
        return;
    if (kind == ERR_NONE)
        go_live(s);
    else if (kind == ERR_STALE)
        register_again(s);
    else
        end(s, kind, text);
}

/* Reads no document of a stranger's: up to 256 kB of YAML are work. */
static enum err_kind take_brought(struct ads_stream *s, const struct snap *snap, struct err *e)
{
    if (s->ads->options.authenticate && authn_verify(&s->authn, snap, s->node.params.mesh, e) != ERR_NONE)
        return e->kind;
    return proxy_node_decode_dataplane(&s->node, &s->dataplane, e);
}

static enum err_kind begin(struct ads_stream *s, const struct discovery_node *node, const struct snap *snap,
                           struct err *e)
{
    if (proxy_node_read(node, &s->arena, &s->node, e) != ERR_NONE)
        return e->kind;
    if (s->node.dataplane.n > 0 && take_brought(s, snap, e) != ERR_NONE)
        return e->kind;
    if (authenticate(s, snap, e) != ERR_NONE)
        return e->kind;
    if (s->dataplane) {
        if (register_brought(s, snap, e) == ERR_NONE)
            move(s, STREAM_REGISTERING);
        return e->kind;
    }
    if (hold(s, e) == ERR_NONE)
        go_live(s);
    return e->kind;
}

/* ---- requests ---- */

static enum err_kind identify(struct ads_stream *s, const struct discovery_request *r, struct err *e)
{
    struct snap *snap = store_snap(s->ads->options.store);
    enum err_kind kind = ERR_NONE;
    if (s->state == STREAM_OPEN)
        kind = begin(s, &r->node, snap, e);
    else if (r->node.id.n > 0 && !str_eq(r->node.id, s->node.id))
        kind = err_set(e, ERR_INVALID,
                       "stream was authenticated for ID " STR_FMT
                       ". Received request is for node with ID " STR_FMT
                       ". Node ID cannot be changed after stream is initialized",
                       STR_ARG(s->node.id), STR_ARG(r->node.id));
    else
        kind = authenticate(s, snap, e);
    snap_unref(snap);
    return kind;
}

/* What names one proxy can make us remember has a bound. */
static enum err_kind count_names(struct ads_stream *s, struct err *e)
{
    size_t before = s->names_size;
    s->names_size = session_names_size(&s->session);
    if (registered_name(&s->ads->group->registry, s->registered, before, s->names_size) &&
        s->names_size <= STREAM_NAMES_MAX)
        return ERR_NONE;
    return err_set(e, ERR_LIMIT, "proxy " STR_FMT " asks for too many resources by name",
                   STR_ARG(s->node.id));
}

static enum err_kind take_request(struct ads_stream *s, const struct discovery_request *r, struct err *e)
{
    enum request_sense sense = session_request(&s->session, r);
    if (count_names(s, e) != ERR_NONE)
        return e->kind;
    if (sense == REQUEST_NACK)
        log_warn("xds", LOG_PROXY " nack type=" STR_FMT " error=" STR_FMT, LOG_PROXY_ARG(s),
                 STR_ARG(xds_type_info(r->type)->short_name), STR_ARG(r->error_message));
    if (s->state != STREAM_LIVE)
        return ERR_NONE;
    if (sense != REQUEST_IGNORED)
        status_report_update(&s->report, &s->session);
    (void)wake_if_due(s);
    look(s);
    return ERR_NONE;
}

/* Either part of a request ends the stream when it is refused. */
static bool do_part(struct ads_stream *s, const struct discovery_request *r,
                    enum err_kind part(struct ads_stream *, const struct discovery_request *, struct err *))
{
    struct arena scratch;
    struct err e;
    if (s->state == STREAM_ENDED)
        return false;
    arena_init(&scratch);
    err_init(&e, &scratch);
    enum err_kind kind = part(s, r, &e);
    if (kind != ERR_NONE)
        end(s, kind, err_render(&e, &scratch));
    arena_fini(&scratch);
    return kind == ERR_NONE;
}

bool stream_identify(struct ads_stream *s, const struct discovery_request *r)
{
    return do_part(s, r, identify);
}

void stream_request(struct ads_stream *s, const struct discovery_request *r)
{
    (void)do_part(s, r, take_request);
}

void ads_receive(struct ads_stream *s, struct str message)
{
    struct arena scratch;
    struct discovery_request request;
    struct err e;
    if (s->state == STREAM_ENDED)
        return;
    COUNT(xds_requests);
    arena_init(&scratch);
    err_init(&e, &scratch);
    if (discovery_request_decode(s->variant, message, &scratch, &request, &e) != ERR_NONE) {
        end(s, e.kind, err_render(&e, &scratch));
    } else {
        if (stream_identify(s, &request))
            stream_request(s, &request);
        discovery_request_fini(&request);
    }
    arena_fini(&scratch);
}

bool stream_next(struct ads_stream *s, struct xds_response *out)
{
    if (s->state != STREAM_LIVE)
        return false;
    enum xds_type type = find_due(s);
    if (type == XDS_N)
        return false;
    stream_covers(s, s->ads->applied);
    session_send(&s->session, type, out);
    status_report_update(&s->report, &s->session);
    look(s);
    return true;
}

bool ads_pull(struct ads_stream *s, struct xds_message *out)
{
    struct xds_response response;
    if (!stream_next(s, &response))
        return false;
    message_from_response(&response, s->ads->options.instance_id, out);
    COUNT_ADD(xds_bytes_sent, out->n_bytes);
    xds_response_fini(&response);
    return true;
}

struct str ads_mesh(const struct ads_stream *s)
{
    return s->node.params.mesh;
}

struct ads_stream *ads_open(struct ads *ads, enum xds_variant variant, const struct ads_transport *transport,
                            void *peer, const struct credential *authorization)
{
    struct ads_stream *s = xcalloc(1, sizeof(*s));
    *s = (struct ads_stream){.ads = ads,
                             .variant = variant,
                             .transport = transport,
                             .peer = peer,
                             .inbox.mail.handle = take_delivery,
                             .detached.handle = take_detached};
    arena_init_sized(&s->arena, 512);
    authn_init(&s->authn, ads->options.tokens, authorization);
    session_init(&s->session, variant);
    lock_init(&s->inbox.lock);
    list_init(&s->report.node);
    list_init(&s->live);
    s->n_holders = 1;
    list_init(&s->waiting);
    list_init(&s->watchers);
    ads->n_streams++;
    ads->n_open++;
    GAUGE_ADD(xds_streams_active, 1);
    return s;
}
