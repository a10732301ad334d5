/* insight/mesh_insight.c -- sums over one mesh: proxies by status, type, version and CA backend; policies;
 * services (rest-api.md 5.3). */
#include <stdlib.h>

#include "online.h"

#include "ursa/base/json.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"

/* Sums by name; in the arena of the one answer. */
struct named_stat {
    struct str name;
    struct proxy_stat stat;
};
struct named_stats {
    struct arena *arena;
    struct map index;
    struct VEC(struct named_stat *) list;
};

struct sums {
    struct arena arena;
    struct proxy_stat all, standard, gateway;
    struct named_stats kuma_dp, envoy, issued, supported, services, external;
    int64_t newest_ns;
};

static void stats_init(struct named_stats *s, struct arena *arena)
{
    *s = (struct named_stats){.arena = arena};
    map_init(&s->index);
}

static void stats_fini(struct named_stats *s)
{
    map_fini(&s->index);
    VEC_FINI(&s->list);
}

static void stats_add(struct named_stats *s, struct str name, enum proxy_status status)
{
    struct named_stat *n = map_find(&s->index, name);
    if (!n) {
        n = ARENA_NEW(s->arena, struct named_stat);
        n->name = name;
        map_put(&s->index, name, n);
        VEC_PUSH(&s->list, n);
    }
    proxy_stat_add(&n->stat, status);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp((*(struct named_stat *const *)a)->name, (*(struct named_stat *const *)b)->name);
}

/* Sets key to {name: stat ...} unless there are none. */
static void stats_put(json_t *o, const char *key, struct named_stats *s)
{
    if (s->list.n == 0)
        return;
    json_t *all = json_object();
    qsort(s->list.v, s->list.n, sizeof(s->list.v[0]), by_name);
    for (size_t i = 0; i < s->list.n; i++) {
        struct str name = s->list.v[i]->name;
        json_object_setn_new(all, name.p, name.n, proxy_stat_json(&s->list.v[i]->stat));
    }
    json_object_set_new(o, key, all);
}

static struct str or_unknown(struct str version)
{
    return version.n > 0 ? version : STR("unknown");
}

static void add_services(struct sums *s, const struct dp_networking *net, enum proxy_status status)
{
    struct str service = net->gateway ? tags_get(&net->gateway->tags, TAG_SERVICE) : STR_NONE;
    if (service.n > 0)
        stats_add(&s->services, service, status);
    for (size_t i = 0; i < net->n_inbound; i++)
        stats_add(&s->services, tags_get(&net->inbound[i].tags, TAG_SERVICE), status);
}

static void add_dataplane(struct sums *s, const struct snap *snap, const struct resource *r)
{
    const struct dp_networking *net = resource_dataplane(r)->networking;
    const struct dataplane_insight_spec *insight = online_find(snap, r);
    const struct proxy_version *v = online_version(insight);
    enum proxy_status status = online_status(r, insight);
    proxy_stat_add(&s->all, status);
    proxy_stat_add(net->gateway ? &s->gateway : &s->standard, status);
    stats_add(&s->kuma_dp, or_unknown(v && v->kuma_dp ? v->kuma_dp->version : STR_NONE), status);
    stats_add(&s->envoy, or_unknown(v && v->envoy ? v->envoy->version : STR_NONE), status);
    if (insight && insight->mtls) {
        stats_add(&s->issued, insight->mtls->issued_backend, status);
        for (size_t i = 0; i < insight->mtls->supported_backends.n; i++)
            stats_add(&s->supported, insight->mtls->supported_backends.v[i], status);
    }
    add_services(s, net, status);
    if (r->modified_ns > s->newest_ns)
        s->newest_ns = r->modified_ns;
}

static void add_external_services(struct sums *s, const struct snap *snap, struct str mesh)
{
    struct snap_range range = snap_range(snap, RES_EXTERNAL_SERVICE, mesh);
    struct snap_iter it = snap_iter(&range);
    const struct resource *r;
    while ((r = snap_next(&it)))
        stats_add(&s->external, tags_get(&resource_external_service(r)->tags, TAG_SERVICE), PROXY_OFFLINE);
    s->newest_ns = newest_of(snap, RES_EXTERNAL_SERVICE, mesh, s->newest_ns);
}

static int type_by_name(const void *a, const void *b)
{
    return str_cmp(res_type_info(*(const enum res_type *)a)->name,
                   res_type_info(*(const enum res_type *)b)->name);
}

static void put_policies(json_t *o, const struct snap *snap, struct str mesh, int64_t *newest_ns)
{
    enum res_type types[RES_N] = {0};
    size_t n = 0;
    json_t *policies = json_object();
    for (enum res_type t = 0; t < RES_N; t++) {
        if (res_type_info(t)->traits & RES_POLICY)
            types[n++] = t;
    }
    qsort(types, n, sizeof(types[0]), type_by_name);
    for (size_t i = 0; i < n; i++) {
        struct snap_range range = snap_range(snap, types[i], mesh);
        if (range.n == 0)
            continue;
        json_t *count = json_object();
        put_count(count, "total", range.n);
        json_object_set_new(policies, res_type_info(types[i])->name.p, count);
        *newest_ns = newest_of(snap, types[i], mesh, *newest_ns);
    }
    if (json_object_size(policies) > 0)
        json_object_set_new(o, "policies", policies);
    else
        json_decref(policies);
}

static void put_sums(json_t *o, struct sums *s)
{
    json_t *versions = json_object(), *mtls = json_object(), *services = json_object(),
           *types = json_object();
    stats_put(versions, "kumaDp", &s->kuma_dp);
    stats_put(versions, "envoy", &s->envoy);
    json_object_set_new(o, "dpVersions", versions);
    stats_put(mtls, "issuedBackends", &s->issued);
    stats_put(mtls, "supportedBackends", &s->supported);
    json_object_set_new(o, "mTLS", mtls);
    put_count(services, "total", s->services.list.n + s->external.list.n);
    put_count(services, "internal", s->services.list.n);
    put_count(services, "external", s->external.list.n);
    json_object_set_new(o, "services", services);
    json_object_set_new(types, "standard", proxy_stat_json(&s->standard));
    json_object_set_new(types, "gateway", proxy_stat_json(&s->gateway));
    json_object_set_new(o, "dataplanesByType", types);
}

json_t *insight_mesh(const struct snap *snap, const struct resource *mesh)
{
    struct str name = mesh->key.name;
    struct named_stats *all[6];
    struct sums s = {.newest_ns = newest_of(snap, RES_DATAPLANE_INSIGHT, name, mesh->modified_ns)};
    arena_init(&s.arena);
    all[0] = &s.kuma_dp;
    all[1] = &s.envoy;
    all[2] = &s.issued;
    all[3] = &s.supported;
    all[4] = &s.services;
    all[5] = &s.external;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        stats_init(all[i], &s.arena);
    struct snap_range dataplanes = snap_range(snap, RES_DATAPLANE, name);
    struct snap_iter it = snap_iter(&dataplanes);
    const struct resource *r;
    while ((r = snap_next(&it)))
        add_dataplane(&s, snap, r);
    add_external_services(&s, snap, name);

    JSON_AUTO body = json_object();
    json_object_set_new(body, "dataplanes", proxy_stat_json(&s.all));
    put_policies(body, snap, name, &s.newest_ns);
    put_sums(body, &s);
    json_t *o = derived_meta_json(RES_MESH_INSIGHT, name, mesh, s.newest_ns);
    json_object_update(o, body);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        stats_fini(all[i]);
    arena_fini(&s.arena);
    return o;
}
