/* world.h -- a store in memory with its writer, an engine that is none, and peers that talk to the service.
 * For one file a program: it defines engine_attach and engine_detach. */
#ifndef TESTS_UNIT_XDS_WORLD_H
#define TESTS_UNIT_XDS_WORLD_H

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"
#include "ursa/xds.h"

#define NOW_S INT64_C(1800000000)
#define DELAY_NS (10 * NS_PER_S)
#define POLL_LIMIT_NS (25 * NS_PER_S)

/* ---- the engine ---- */

struct engine_proxy {
    char *id;
    struct proxy_params params;
    void (*deliver)(void *ctx, struct config_set *, uint64_t);
    void (*deliver_checks)(void *ctx, struct blob *);
    void *ctx;
    struct engine_proxy *next;
};
static struct engine_proxy *attached;     /* the newest first */
static struct lock attaching = LOCK_INIT; /* for tests of several threads: protects the list */

struct engine_proxy *engine_attach(struct engine *e, const struct proxy_params *params,
                                   void (*deliver)(void *, struct config_set *, uint64_t), void *ctx)
{
    struct engine_proxy *p = xcalloc(1, sizeof(*p));
    (void)e;
    *p = (struct engine_proxy){
        .id = xstrndup(params->name), .params = *params, .deliver = deliver, .ctx = ctx};
    lock_take(&attaching);
    p->next = attached;
    attached = p;
    lock_drop(&attaching);
    return p;
}

/* Whoever is told what to check is attached likewise. */
struct engine_proxy *engine_attach_health(struct engine *e, const struct proxy_params *params,
                                          void (*deliver)(void *, struct blob *), void *ctx)
{
    struct engine_proxy *p = engine_attach(e, params, NULL, ctx);
    p->deliver_checks = deliver;
    return p;
}

void engine_detach(struct engine_proxy *p, void (*detached)(void *), void *ctx)
{
    lock_take(&attaching);
    struct engine_proxy **at = &attached;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    lock_drop(&attaching);
    free(p->id);
    free(p);
    detached(ctx);
}

/* The stream is attached, so it is served. */
static inline bool engine_has(const struct ads_stream *s)
{
    bool has = false;
    lock_take(&attaching);
    for (struct engine_proxy *p = attached; p; p = p->next)
        has |= p->ctx == s;
    lock_drop(&attaching);
    return has;
}

/* Where the engine stands: what is later is owed, until engine_passes(). */
static uint64_t engine_at = UINT64_MAX;
static struct {
    struct str mesh;
    struct mailbox *box;
    struct mail *mail;
} engine_owes[8];
static size_t n_engine_owes;

uint64_t engine_applied(struct engine *e)
{
    (void)e;
    return engine_at;
}

void engine_notify_applied(struct engine *e, struct str mesh, uint64_t sequence, struct mailbox *box,
                           struct mail *mail)
{
    (void)e, (void)sequence;
    engine_owes[n_engine_owes].mesh = mesh;
    engine_owes[n_engine_owes].box = box;
    engine_owes[n_engine_owes++].mail = mail;
}

/* Pays all that is owed. */
static inline void engine_passes(uint64_t sequence)
{
    engine_at = sequence;
    for (size_t i = 0; i < n_engine_owes; i++)
        mailbox_send(engine_owes[i].box, engine_owes[i].mail);
    n_engine_owes = 0;
}

/* A cluster and a listener of that name; the caller's reference. */
static inline struct config_set *config_make(const char *name)
{
    struct config_set *set = xcalloc(1, sizeof(*set));
    struct arena arena;
    struct err e;
    arena_init(&arena);
    err_init(&e, &arena);
    atomic_init(&set->refs, 1);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        set->lists[t] = xcalloc(1, sizeof(struct xds_list) + sizeof(struct xds_resource *));
        atomic_init(&set->lists[t]->refs, 1);
    }
    JSON_AUTO tree = json_pack("{s:s}", "name", name);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (t != XDS_CLUSTER && t != XDS_LISTENER)
            continue;
        set->lists[t]->v[0] = xds_resource_new(t, tree, &e);
        set->lists[t]->n = 1;
        set->lists[t]->version = set->lists[t]->v[0]->version;
    }
    arena_fini(&arena);
    return set;
}

static inline void engine_delivers(const char *cluster) /* NULL: the Dataplane is gone */
{
    struct config_set *set = cluster ? config_make(cluster) : NULL;
    for (struct engine_proxy *p = attached; p; p = p->next)
        p->deliver(p->ctx, set, 1);
    config_set_unref(set);
}

/* ---- the world ---- */

struct world {
    struct store *store;
    struct admit *admit;
    struct mailbox box;
    struct arena arena;
    struct err err;
    struct ads_group *group;
    struct ads *ads;
    int64_t now_ns;
    char events[256]; /* what the observer was told: c d and how often it changed is left out */
};
struct peer {
    enum xds_variant variant;
    struct ads_stream *stream;
    int n_wakes;
    enum err_kind kind; /* of the end; ERR_NONE: it goes on */
    char text[512];
};

static inline void observe(void *ctx, enum xds_event event, const struct xds_status *s)
{
    struct world *w = ctx;
    size_t n = strlen(w->events);
    if (event != XDS_CHANGED)
        snprintf(w->events + n, sizeof(w->events) - n, "%s%s " STR_FMT "." STR_FMT, n ? ", " : "",
                 event == XDS_CONNECTED ? "connected" : "disconnected", STR_ARG(s->mesh), STR_ARG(s->name));
}

static inline void peer_wake(void *peer)
{
    ((struct peer *)peer)->n_wakes++;
}

static inline void peer_finish(void *peer, enum err_kind kind, struct str text)
{
    struct peer *p = peer;
    p->kind = kind;
    snprintf(p->text, sizeof(p->text), STR_FMT, STR_ARG(text));
}

static const struct ads_transport transport = {peer_wake, peer_finish};

static inline void ads_start_with(struct world *w, bool authenticate, bool health_discovery)
{
    struct ads_options options = {.store = w->store,
                                  .admit = w->admit,
                                  .instance_id = STR("host-1234"),
                                  .tokens = &token_trusts_default,
                                  .authenticate = authenticate,
                                  .health_discovery = health_discovery,
                                  .deregistration_delay_ns = DELAY_NS,
                                  .poll_limit_ns = POLL_LIMIT_NS,
                                  .observe_box = &w->box,
                                  .observe = observe,
                                  .observe_ctx = w};
    w->group = ads_group_new(&options);
    w->ads = ads_new(w->group, &w->box);
}

static inline void ads_start(struct world *w, bool authenticate)
{
    ads_start_with(w, authenticate, true);
}

static inline void ads_end(struct world *w)
{
    ads_stop_waiting(w->ads);
    while (!ads_is_idle(w->ads)) {
        mailbox_wait(&w->box, -1);
        mailbox_run(&w->box);
    }
    ads_free(w->ads);
    ads_group_free(w->group);
    w->ads = NULL;
    w->group = NULL;
}

static inline void world_init(struct world *w)
{
    static const struct store_options memory = {.kind = STORE_MEMORY};
    *w = (struct world){.now_ns = NS_PER_S};
    log_set_level(LOG_ERROR);
    clock_fake(w->now_ns, NOW_S * NS_PER_S);
    arena_init(&w->arena);
    err_init(&w->err, &w->arena);
    mailbox_init(&w->box);
    if (store_open(&memory, &w->store, &w->err) != ERR_NONE)
        FAIL("store_open");
    struct admit_options options = {.store = w->store};
    if (admit_start(&options, &w->admit, &w->err) != ERR_NONE)
        FAIL("admit_start");
}

static inline void world_fini(struct world *w)
{
    if (w->ads)
        ads_end(w);
    admit_stop(w->admit);
    store_close(w->store);
    mailbox_fini(&w->box);
    arena_fini(&w->arena);
    clock_fake(-1, -1);
}

/* Waits until the writer has done all that was submitted. */
static inline void writer_passes(struct world *w)
{
    struct admit_request *req = admit_request_new(1);
    req->origin = ORIGIN_PROXY;
    req->author = STR("test");
    req->ops[0] = (struct admit_op){
        .kind = ADMIT_DELETE, .key = {RES_DATAPLANE, STR("default"), STR("nobody")}, .if_origin_proxy = true};
    admit_run(w->admit, req);
    admit_request_free(req);
}

/* And takes the mail. */
static inline void settle(struct world *w)
{
    writer_passes(w);
    while (mailbox_run(&w->box) > 0)
        ;
}

/* Holds the writer inside one answer, so that what is submitted meanwhile is written in that order later. */
struct gate {
    sem_t entered, leave;
};

static inline void hold_writer(struct admit_request *req)
{
    struct gate *gate = req->ctx;
    sem_post(&gate->entered);
    sem_wait(&gate->leave);
    admit_request_free(req);
}

static inline void free_request(struct admit_request *req)
{
    admit_request_free(req);
}

static inline struct admit_request *request_make(struct admit_op op)
{
    struct admit_request *req = admit_request_new(1);
    req->origin = ORIGIN_API;
    req->author = STR("test");
    req->ops[0] = op;
    req->done = free_request;
    return req;
}

static inline void gate_close(struct world *w, struct gate *gate)
{
    struct admit_request *req =
        request_make((struct admit_op){.kind = ADMIT_DELETE,
                                       .key = {RES_DATAPLANE, STR("default"), STR("nobody")},
                                       .if_origin_proxy = true});
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->leave, 0, 0);
    req->done = hold_writer;
    req->ctx = gate;
    admit_submit(w->admit, req);
    sem_wait(&gate->entered);
}

static inline void gate_open(struct gate *gate)
{
    sem_post(&gate->leave);
}

static inline void pass_time(struct world *w, int64_t ns)
{
    w->now_ns += ns;
    clock_fake(w->now_ns, NOW_S * NS_PER_S + w->now_ns);
    ads_run_timers(w->ads, w->now_ns);
    settle(w);
}

/* The document of a Dataplane with one inbound; all are literals. */
#define DATAPLANE(mesh, name, address, port, service)                                                        \
    "{\"type\":\"Dataplane\",\"mesh\":\"" mesh "\",\"name\":\"" name                                         \
    "\",\"networking\":{\"address\":\"" address "\",\"inbound\":[{\"port\":" port                            \
    ",\"tags\":{\"kuma.io/service\":\"" service "\"}}]}}"

static inline struct resource *dataplane_make(const char *text)
{
    struct arena arena;
    struct err e;
    struct resource *r = NULL;
    JSON_AUTO doc = NULL;
    arena_init(&arena);
    err_init(&e, &arena);
    if (json_parse(str_from_c(text), &doc, &e) != ERR_NONE ||
        resource_decode(RES_DATAPLANE, doc, &r, &e) != ERR_NONE)
        FAIL("%s: " STR_FMT, text, STR_ARG(err_render(&e, &arena)));
    arena_fini(&arena);
    return r;
}

static inline void put(struct world *w, struct resource *r)
{
    struct admit_request *req = admit_request_new(1);
    req->origin = ORIGIN_API;
    req->author = STR("test");
    req->ops[0] = (struct admit_op){.kind = ADMIT_PUT, .res = r};
    admit_run(w->admit, req);
    if (req->kind != ERR_NONE)
        FAIL("put: " STR_FMT, STR_ARG(err_render(&req->ops[0].err, &req->arena)));
    admit_request_free(req);
}

static inline void put_mesh(struct world *w, const char *name)
{
    struct res_key key = {RES_MESH, STR_NONE, str_from_c(name)};
    struct mesh_spec spec = {0};
    put(w, resource_from_spec(&key, &spec));
}

/* Puts the Dataplane; NULL: deletes default.web-1. Does not wait. */
static inline void submit_by_hand(struct world *w, const char *text)
{
    struct res_key key = {RES_DATAPLANE, STR("default"), STR("web-1")};
    struct admit_op op = {.kind = ADMIT_DELETE, .key = key};
    if (text)
        op = (struct admit_op){.kind = ADMIT_PUT, .res = dataplane_make(text)};
    admit_submit(w->admit, request_make(op));
}

/* Whose Dataplane default.<name> is: "api", "proxy", or "" when there is none. */
static inline const char *owner_of(struct world *w, const char *name)
{
    struct snap *snap = store_snap(w->store);
    const struct resource *r = snap_find(snap, RES_DATAPLANE, STR("default"), str_from_c(name));
    const char *owner = !r ? "" : r->origin == ORIGIN_PROXY ? "proxy" : "api";
    snap_unref(snap);
    return owner;
}

/* ---- peers ---- */

static inline void peer_open_variant(struct world *w, struct peer *p, enum xds_variant variant,
                                     struct str token)
{
    *p = (struct peer){.variant = variant,
                       .stream =
                           ads_open(w->ads, variant, &transport, p, &(struct credential){.text = token})};
}

static inline void peer_open(struct world *w, struct peer *p, struct str token)
{
    peer_open_variant(w, p, XDS_SOTW, token);
}

/* The name of a variant's message: "Request", "Response". */
static inline struct str message_name(struct arena *a, const struct peer *p, const char *what)
{
    return arena_printf(a, "envoy.service.discovery.v3.%sDiscovery%s", p->variant == XDS_DELTA ? "Delta" : "",
                        what);
}

static inline void peer_close(struct world *w, struct peer *p)
{
    ads_close(p->stream);
    settle(w);
}

/* A message in Envoy's JSON, with apostrophes for quotes, as bytes; the caller ends the buffer. */
static inline struct buf encoded(struct str message, const char *json)
{
    struct arena arena;
    struct err e;
    struct buf wire;
    char *text = xstrdup(json);
    JSON_AUTO tree = NULL;
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    arena_init(&arena);
    err_init(&e, &arena);
    buf_init(&wire, BUF_MAX_RESOURCE);
    if (json_parse(str_from_c(text), &tree, &e) != ERR_NONE ||
        envoy_encode(message, tree, &wire, &e) != ERR_NONE)
        FAIL("%s: " STR_FMT, json, STR_ARG(err_render(&e, &arena)));
    arena_fini(&arena);
    free(text);
    return wire;
}

static inline void peer_says(struct peer *p, const char *request)
{
    struct arena arena;
    arena_init(&arena);
    struct buf wire = encoded(message_name(&arena, p, "Request"), request);
    ads_receive(p->stream, buf_str(&wire));
    buf_fini(&wire);
    arena_fini(&arena);
}

/* The next message as a tree, or NULL; the caller owns it. */
static inline json_t *peer_hears(struct peer *p)
{
    struct xds_message m;
    struct buf wire;
    struct arena arena;
    struct err e;
    json_t *tree = NULL;
    if (!ads_pull(p->stream, &m))
        return NULL;
    arena_init(&arena);
    err_init(&e, &arena);
    buf_init(&wire, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < m.n_parts; i++)
        buf_add_str(&wire, m.parts[i].bytes);
    EXPECT_INT("bytes of all parts", m.n_bytes, wire.n);
    if (envoy_decode(message_name(&arena, p, "Response"), buf_str(&wire), &tree, &e) != ERR_NONE)
        FAIL("response: " STR_FMT, STR_ARG(err_render(&e, &arena)));
    xds_message_fini(&m);
    buf_fini(&wire);
    arena_fini(&arena);
    return tree;
}

/* The type of the next message, "" when there is none. */
static inline const char *peer_hears_type(struct peer *p)
{
    JSON_AUTO m = peer_hears(p);
    const char *url = json_string_value(json_get(m, "typeUrl"));
    static char type[32];
    snprintf(type, sizeof(type), "%s", url ? strrchr(url, '.') + 1 : "");
    return type;
}

#define LDS "'typeUrl': 'type.googleapis.com/envoy.config.listener.v3.Listener'"
#define CDS "'typeUrl': 'type.googleapis.com/envoy.config.cluster.v3.Cluster'"
/* The first request of a stream of that node. */
#define FIRST_OF(id) "{'node': {'id': '" id "'}, " CDS "}"

#endif
