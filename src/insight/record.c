/* insight/record.c -- keeps the list of a proxy's subscriptions, its counters and its certificate (xds.md
 * section 14, rest-api.md 5.2). */
#include "record.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"

void record_init(struct record *r)
{
    *r = (struct record){0};
    list_init(&r->connections);
    arena_init(&r->backend_arena);
}

static void connection_free(struct connection *c)
{
    list_del(&c->node);
    arena_fini(&c->arena);
    free(c);
}

void record_fini(struct record *r)
{
    LIST_FOR (node, &r->connections)
        connection_free(LIST_ITEM(node, struct connection, node));
    arena_fini(&r->backend_arena);
}

/* ---- copies ---- */

static struct proxy_version *version_copy(struct arena *a, const struct proxy_version *from)
{
    if (!from)
        return NULL;
    struct proxy_version *v = ARENA_NEW(a, struct proxy_version);
    if (from->kuma_dp) {
        v->kuma_dp = ARENA_NEW(a, struct kuma_dp_version);
        *v->kuma_dp = (struct kuma_dp_version){.version = arena_str(a, from->kuma_dp->version),
                                               .git_tag = arena_str(a, from->kuma_dp->git_tag),
                                               .git_commit = arena_str(a, from->kuma_dp->git_commit),
                                               .build_date = arena_str(a, from->kuma_dp->build_date),
                                               .kuma_cp_compatible = from->kuma_dp->kuma_cp_compatible};
    }
    if (from->envoy) {
        v->envoy = ARENA_NEW(a, struct envoy_version);
        *v->envoy = (struct envoy_version){.version = arena_str(a, from->envoy->version),
                                           .build = arena_str(a, from->envoy->build),
                                           .kuma_dp_compatible = from->envoy->kuma_dp_compatible};
    }
    v->dependencies.n = from->dependencies.n;
    v->dependencies.v = ARENA_ARRAY(a, struct tag, from->dependencies.n);
    for (size_t i = 0; i < from->dependencies.n; i++)
        v->dependencies.v[i] = (struct tag){arena_str(a, from->dependencies.v[i].key),
                                            arena_str(a, from->dependencies.v[i].value)};
    return v;
}

static struct connection *connection_add(struct record *r, const struct dp_subscription *from)
{
    struct connection *c = xcalloc(1, sizeof(*c));
    arena_init_sized(&c->arena, 512);
    c->record = r;
    c->v = *from;
    c->v.id = arena_str(&c->arena, from->id);
    c->v.control_plane_instance_id = arena_str(&c->arena, from->control_plane_instance_id);
    c->v.version = version_copy(&c->arena, from->version);
    if (from->status)
        c->status = *from->status;
    c->v.status = &c->status;
    list_add_tail(&r->connections, &c->node);
    return c;
}

static void backends_copy(struct record *r, struct str issued, const struct str_list *supported)
{
    struct arena fresh;
    arena_init_sized(&fresh, 256);
    r->mtls.issued_backend = arena_str(&fresh, issued);
    r->mtls.supported_backends =
        (struct str_list){.v = ARENA_ARRAY(&fresh, struct str, supported->n), .n = supported->n};
    for (size_t i = 0; i < supported->n; i++)
        r->mtls.supported_backends.v[i] = arena_str(&fresh, supported->v[i]);
    arena_fini(&r->backend_arena);
    r->backend_arena = fresh;
}

/* ---- the life of subscriptions ---- */

static void drop_old(struct record *r)
{
    size_t n_finished = 0;
    LIST_FOR (node, &r->connections)
        n_finished += !LIST_ITEM(node, struct connection, node)->live;
    LIST_FOR (node, &r->connections) {
        struct connection *c = LIST_ITEM(node, struct connection, node);
        if (n_finished > FINISHED_MAX && !c->live) {
            connection_free(c);
            n_finished--;
        }
    }
}

bool record_load(struct record *r, const struct dataplane_insight_spec *stored, int64_t now_ns)
{
    bool closed = false;
    for (size_t i = 0; i < stored->n_subscriptions; i++) {
        struct connection *c = connection_add(r, &stored->subscriptions[i]);
        if (c->v.disconnect_time.set)
            continue;
        c->v.disconnect_time = (struct opt_time){true, now_ns};
        closed = true;
    }
    if (stored->mtls) {
        r->has_certificate = true;
        r->mtls = *stored->mtls;
        backends_copy(r, stored->mtls->issued_backend, &stored->mtls->supported_backends);
    }
    drop_old(r);
    return closed;
}

struct connection *record_connect(struct record *r, const struct xds_status *s, struct str instance_id)
{
    struct dp_subscription v = {.id = s->subscription,
                                .control_plane_instance_id = instance_id,
                                .connect_time = {true, s->connected_ns}};
    struct connection *c = connection_add(r, &v);
    c->v.version = version_copy(&c->arena, s->version); /* read only where it comes from */
    c->live = true;
    r->n_live++;
    return c;
}

void record_disconnect(struct connection *c, int64_t now_ns)
{
    struct record *r = c->record;
    assert(c->live);
    c->live = false;
    c->v.disconnect_time = (struct opt_time){true, now_ns};
    r->n_live--;
    drop_old(r);
}

/* ---- what changes meanwhile ---- */

static bool counters_equal(const struct xds_counters *a, const struct xds_counters *b)
{
    return a->responses_sent == b->responses_sent && a->responses_acknowledged == b->responses_acknowledged &&
           a->responses_rejected == b->responses_rejected;
}

bool record_count(struct connection *c, const struct xds_counters counters[XDS_N], int64_t now_ns)
{
    struct xds_counters total = {0};
    for (enum xds_type t = 0; t < XDS_N; t++) {
        total.responses_sent += counters[t].responses_sent;
        total.responses_acknowledged += counters[t].responses_acknowledged;
        total.responses_rejected += counters[t].responses_rejected;
    }
    if (counters_equal(&total, &c->status.total))
        return false;
    c->status = (struct subscription_status){.last_update_time = {true, now_ns},
                                             .total = total, /* secrets and extensions count here only */
                                             .cds = counters[XDS_CLUSTER],
                                             .eds = counters[XDS_ENDPOINT],
                                             .lds = counters[XDS_LISTENER],
                                             .rds = counters[XDS_ROUTE]};
    return true;
}

bool record_certificate(struct record *r, const struct config_set *config, const struct str_list *supported)
{
    const struct leaf *leaf = config->identity;
    if (!leaf) {
        bool had = r->has_certificate;
        r->has_certificate = false;
        r->certificate = 0;
        r->mtls = (struct dp_mtls_insight){0};
        return had;
    }
    if (r->has_certificate && r->certificate == leaf->version)
        return false;
    r->has_certificate = true;
    r->certificate = leaf->version;
    r->mtls.certificate_expiration_time = (struct opt_time){true, leaf->expires_ns};
    r->mtls.last_certificate_regeneration = (struct opt_time){true, leaf->issued_ns};
    r->mtls.certificate_regenerations++;
    backends_copy(r, config->issued_backend, supported);
    return true;
}

struct resource *record_to_resource(const struct record *r, struct str mesh, struct str name)
{
    struct dp_subscription list[WRITTEN_MAX];
    struct dataplane_insight_spec spec = {.subscriptions = list};
    struct dp_mtls_insight mtls = r->mtls;
    size_t n = 0, skip;
    LIST_FOR (node, &r->connections)
        n++;
    skip = n > WRITTEN_MAX ? n - WRITTEN_MAX : 0;
    LIST_FOR (node, &r->connections) {
        if (skip > 0)
            skip--;
        else
            list[spec.n_subscriptions++] = LIST_ITEM(node, struct connection, node)->v;
    }
    spec.mtls = r->has_certificate ? &mtls : NULL;
    struct res_key key = {RES_DATAPLANE_INSIGHT, mesh, name};
    return resource_from_spec(&key, &spec);
}
