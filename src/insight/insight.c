/* insight/insight.c -- writes the DataplaneInsights: connects, disconnects and certificates at once as long
 * as they are few, counters in batches.
 *
 * Runs on the loop's thread; the writer's answers come on the writer's thread and touch only what is atomic.
 * Nothing is written, and no timer runs, while nothing changes. */
#include "record.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "ursa/base/map.h"
#include "ursa/base/rate.h"

/* Writes of one proxy that do not wait for its turn, from one turn to the next: it connects, is given a
 * certificate, leaves and comes back. One that comes and goes without end costs the disk no more than that.
 */
#define AT_ONCE_MAX 4

/* Less would make a timer that is always due. */
#define FLUSH_MIN_NS (100 * NS_PER_MS)

/* Proxies that have their turn in one go: a millisecond or two of a loop. */
#define TURNS_AT_ONCE 100

/* One request at start-up closes this many records. */
#define CLOSE_BATCH 500

struct proxy {
    atomic_uint refs;      /* the table's, and one of each write under way */
    atomic_uint n_writes;  /* under way */
    atomic_bool lost;      /* a write came back undone and is worth another try */
    char *id;              /* "mesh.name" */
    struct str mesh, name; /* parts of 'id' */
    struct record record;
    bool dirty;             /* the record is newer than what was last written */
    unsigned n_at_once;     /* writes since its last turn */
    int64_t events_full_at; /* how much it may tell: see tell() */
    struct list node;       /* in 'waiting' while its turn is to come */
    int64_t due;
};

struct insight {
    struct insight_options options;
    struct map proxies;     /* id to struct proxy */
    struct map connections; /* id of the subscription to struct connection */
    struct list waiting;    /* proxies to look at again, the earliest first: all wait equally long */
};

/* ---- proxies ---- */

static struct proxy *proxy_of(struct connection *c)
{
    return CONTAINER_OF(c->record, struct proxy, record);
}

static void proxy_unref(struct proxy *p)
{
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    record_fini(&p->record);
    free(p->id);
    free(p);
}

static struct proxy *proxy_new(struct str id, size_t mesh_size)
{
    struct proxy *p = xcalloc(1, sizeof(*p));
    atomic_init(&p->refs, 1);
    p->id = xstrndup(id);
    p->mesh = str_from(p->id, mesh_size);
    p->name = str_from(p->id + mesh_size + 1, id.n - mesh_size - 1);
    record_init(&p->record);
    list_init(&p->node);
    return p;
}

static struct proxy *find_or_load(struct insight *in, struct str mesh, struct str name)
{
    struct arena scratch;
    arena_init(&scratch);
    struct str id = arena_printf(&scratch, STR_FMT "." STR_FMT, STR_ARG(mesh), STR_ARG(name));
    struct proxy *p = map_find(&in->proxies, id);
    if (!p) {
        p = proxy_new(id, mesh.n);
        map_put(&in->proxies, str_from_c(p->id), p);
        struct snap *snap = store_snap(in->options.store);
        const struct resource *stored = snap_find(snap, RES_DATAPLANE_INSIGHT, mesh, name);
        if (stored)
            (void)record_load(&p->record, resource_dataplane_insight(stored), clock_wall_ns());
        snap_unref(snap);
    }
    arena_fini(&scratch);
    return p;
}

static void look_again(struct insight *in, struct proxy *p)
{
    if (!list_empty(&p->node))
        return;
    p->due = clock_mono_ns() + in->options.flush_ns;
    list_add_tail(&in->waiting, &p->node);
}

/* ---- writing ---- */

static bool is_worth_another_try(enum err_kind kind)
{
    return kind == ERR_UNAVAILABLE || kind == ERR_IO || kind == ERR_NO_SPACE;
}

/* On the writer's thread. */
static void proxy_written(struct admit_request *req)
{
    struct proxy *p = req->ctx;
    if (is_worth_another_try(req->kind)) {
        COUNT(insight_writes_lost);
        atomic_store(&p->lost, true);
    }
    admit_request_free(req);
    atomic_fetch_sub(&p->n_writes, 1);
    proxy_unref(p);
}

static struct admit_request *request_new(size_t n)
{
    struct admit_request *req = admit_request_new(n);
    req->author = STR("ursa");
    req->origin = ORIGIN_SYSTEM;
    return req;
}

static void write_now(struct insight *in, struct proxy *p)
{
    struct admit_request *req = request_new(1);
    req->ops[0] = (struct admit_op){
        .kind = ADMIT_PUT, .res = record_to_resource(&p->record, p->mesh, p->name), .keep_unchanged = true};
    req->done = proxy_written;
    req->ctx = p;
    p->dirty = false;
    atomic_store(&p->lost, false);
    atomic_fetch_add(&p->refs, 1);
    atomic_fetch_add(&p->n_writes, 1);
    COUNT(insight_writes);
    admit_submit(in->options.admit, req);
    look_again(in, p); /* whether it was written, and whether anybody is left */
}

static void write_at_once(struct insight *in, struct proxy *p)
{
    if (p->n_at_once < AT_ONCE_MAX) {
        p->n_at_once++;
        write_now(in, p);
        return;
    }
    COUNT(insight_writes_put_off);
    p->dirty = true;
    look_again(in, p);
}

/* ---- events ---- */

static void supported_backends(struct insight *in, struct str mesh, struct arena *arena, struct str_list *out)
{
    struct snap *snap = store_snap(in->options.store);
    const struct resource *r = snap_find_mesh(snap, mesh);
    const struct mesh_mtls *mtls = r ? resource_mesh(r)->mtls : NULL;
    *out = (struct str_list){0};
    if (mtls) {
        out->v = ARENA_ARRAY(arena, struct str, mtls->n_backends);
        for (size_t i = 0; i < mtls->n_backends; i++)
            out->v[out->n++] = arena_str(arena, mtls->backends[i].name);
    }
    snap_unref(snap);
}

static bool take_certificate(struct insight *in, struct proxy *p, const struct xds_status *s)
{
    if (!s->config)
        return false;
    const struct leaf *leaf = s->config->identity;
    if (leaf ? p->record.certificate == leaf->version : !p->record.has_certificate)
        return false; /* the common case, without looking at the mesh */
    struct arena scratch;
    struct str_list supported;
    arena_init(&scratch);
    supported_backends(in, p->mesh, &scratch, &supported);
    bool changed = record_certificate(&p->record, s->config, &supported);
    arena_fini(&scratch);
    return changed;
}

/* A proxy that comes and goes, or refuses, without end must not push out what others have to tell. */
static void tell(struct insight *in, struct proxy *p, enum event_kind kind, const char *state,
                 const struct event_member *members, size_t n)
{
    static const struct rate_limit limit = {.burst = 20, .a_second = 1};
    const struct res_key key = {RES_DATAPLANE, p->mesh, p->name};
    if (rate_admit(&p->events_full_at, &limit, clock_mono_ns()))
        events_add(in->options.events, kind, &key, state, members, n);
    else
        COUNT(events_left_out);
}

static void tell_refusals(struct insight *in, struct connection *c, const struct xds_status *s)
{
    for (enum xds_type t = 0; t < XDS_N; t++) {
        struct str type = xds_type_info(t)->short_name, text = s->last_nack;
        if (s->counters[t].responses_rejected == c->rejected[t])
            continue;
        c->rejected[t] = s->counters[t].responses_rejected;
        const struct event_member members[] = {
            {"xds", type},
            {"reason", str_has_prefix(text, type) ? str_slice(text, type.n + 2, text.n) : STR("")}};
        tell(in, proxy_of(c), EVENT_NACK, "refused", members, ARRAY_LEN(members));
    }
}

static void tell_certificate(struct insight *in, struct proxy *p)
{
    const struct dp_mtls_insight *mtls = &p->record.mtls;
    char until[TIME_TEXT];
    size_t n = time_text(mtls->certificate_expiration_time.ns, until);
    const struct event_member members[] = {{"backend", mtls->issued_backend},
                                           {"expires", str_from(until, n)}};
    if (p->record.has_certificate)
        tell(in, p, EVENT_CERTIFICATE, mtls->certificate_regenerations > 1 ? "renewed" : "issued", members,
             ARRAY_LEN(members));
}

static void take_connect(struct insight *in, const struct xds_status *s)
{
    struct proxy *p = find_or_load(in, s->mesh, s->name);
    bool was_online = p->record.n_live > 0;
    struct connection *c = record_connect(&p->record, s, in->options.instance_id);
    map_put(&in->connections, c->v.id, c);
    if (!was_online)
        tell(in, p, EVENT_PROXY, "online", NULL, 0);
    write_at_once(in, p);
}

static void take_change(struct insight *in, struct connection *c, const struct xds_status *s)
{
    struct proxy *p = proxy_of(c);
    p->dirty |= record_count(c, s->counters, clock_wall_ns());
    tell_refusals(in, c, s);
    if (take_certificate(in, p, s)) {
        tell_certificate(in, p);
        write_at_once(in, p);
    } else if (p->dirty) {
        look_again(in, p);
    }
}

static void take_disconnect(struct insight *in, struct connection *c, const struct xds_status *s)
{
    struct proxy *p = proxy_of(c);
    (void)record_count(c, s->counters, clock_wall_ns());
    map_del(&in->connections, c->v.id);
    record_disconnect(c, clock_wall_ns());
    if (p->record.n_live == 0)
        tell(in, p, EVENT_PROXY, "offline", NULL, 0);
    write_at_once(in, p);
}

void insight_observe(void *ctx, enum xds_event event, const struct xds_status *s)
{
    struct insight *in = ctx;
    struct connection *c = map_find(&in->connections, s->subscription);
    if (event == XDS_CONNECTED)
        take_connect(in, s);
    else if (c && event == XDS_CHANGED)
        take_change(in, c, s);
    else if (c)
        take_disconnect(in, c, s);
}

/* ---- timers ---- */

int64_t insight_deadline(const struct insight *in)
{
    return list_empty(&in->waiting) ? INT64_MAX : LIST_ITEM(in->waiting.next, struct proxy, node)->due;
}

static void proxy_forget(struct insight *in, struct proxy *p)
{
    list_del(&p->node);
    map_del(&in->proxies, str_from_c(p->id));
    proxy_unref(p);
}

void insight_run_timers(struct insight *in, int64_t now_ns)
{
    for (size_t n = 0; n < TURNS_AT_ONCE && insight_deadline(in) <= now_ns; n++) {
        struct proxy *p = LIST_ITEM(in->waiting.next, struct proxy, node);
        list_del(&p->node);
        p->n_at_once = 0;
        if (p->dirty || atomic_load(&p->lost))
            write_now(in, p);
        else if (atomic_load(&p->n_writes) > 0)
            look_again(in, p);
        else if (p->record.n_live == 0)
            proxy_forget(in, p); /* the store knows it all */
    }
}

/* ---- start and end ---- */

static void closed_written(struct admit_request *req)
{
    if (req->kind != ERR_NONE)
        log_warn("insight", "records of an earlier instance were not closed: %s", err_kind_name(req->kind));
    admit_request_free(req);
}

static void submit_closed(struct insight *in, struct resource **closed, size_t n)
{
    if (n == 0)
        return;
    struct admit_request *req = request_new(n);
    for (size_t i = 0; i < n; i++)
        req->ops[i] = (struct admit_op){.kind = ADMIT_PUT, .res = closed[i], .keep_unchanged = true};
    req->done = closed_written;
    admit_submit(in->options.admit, req);
}

/* What an earlier instance left open ended, at the latest, now. */
static void close_left_open(struct insight *in)
{
    struct resource *closed[CLOSE_BATCH];
    size_t n = 0;
    struct snap *snap = store_snap(in->options.store);
    struct snap_range all = snap_range(snap, RES_DATAPLANE_INSIGHT, STR_NONE);
    struct snap_iter it = snap_iter(&all);
    const struct resource *r;
    while ((r = snap_next(&it))) {
        struct record record;
        record_init(&record);
        if (record_load(&record, resource_dataplane_insight(r), clock_wall_ns()))
            closed[n++] = record_to_resource(&record, r->key.mesh, r->key.name);
        record_fini(&record);
        if (n == CLOSE_BATCH) {
            submit_closed(in, closed, n);
            n = 0;
        }
    }
    submit_closed(in, closed, n);
    snap_unref(snap);
}

struct insight *insight_new(const struct insight_options *options)
{
    struct insight *in = xcalloc(1, sizeof(*in));
    in->options = *options;
    if (in->options.flush_ns < FLUSH_MIN_NS)
        in->options.flush_ns = FLUSH_MIN_NS;
    map_init(&in->proxies);
    map_init(&in->connections);
    list_init(&in->waiting);
    close_left_open(in);
    return in;
}

void insight_free(struct insight *in)
{
    size_t i = 0;
    struct str id;
    void *p;
    if (!in)
        return;
    while (map_next(&in->proxies, &i, &id, &p)) {
        if (((struct proxy *)p)->dirty || atomic_load(&((struct proxy *)p)->lost))
            write_now(in, p);
        proxy_unref(p);
    }
    map_fini(&in->proxies);
    map_fini(&in->connections);
    free(in);
}
