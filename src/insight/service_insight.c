/* insight/service_insight.c -- the services of a mesh and how many of their proxies are online
 * (rest-api.md 5.3). */
#include <stdlib.h>

#include "online.h"

#include "ursa/base/json.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"

enum service_type { SERVICE_INTERNAL, SERVICE_GATEWAY_DELEGATED, SERVICE_GATEWAY_BUILTIN, SERVICE_EXTERNAL };

/* Calls 'visit' for each service that the Dataplane offers, once an inbound, as the reference counts. */
static void each_service(const struct resource *dataplane,
                         void (*visit)(void *ctx, struct str, enum service_type), void *ctx)
{
    const struct dp_networking *net = resource_dataplane(dataplane)->networking;
    if (net->gateway)
        visit(ctx, tags_get(&net->gateway->tags, TAG_SERVICE),
              net->gateway->type == GATEWAY_BUILTIN ? SERVICE_GATEWAY_BUILTIN : SERVICE_GATEWAY_DELEGATED);
    for (size_t i = 0; i < net->n_inbound; i++)
        visit(ctx, tags_get(&net->inbound[i].tags, TAG_SERVICE), SERVICE_INTERNAL);
}

static void each_external_service(const struct snap *snap, struct str mesh,
                                  void (*visit)(void *ctx, struct str, enum service_type), void *ctx)
{
    struct snap_range range = snap_range(snap, RES_EXTERNAL_SERVICE, mesh);
    struct snap_iter it = snap_iter(&range);
    const struct resource *r;
    while ((r = snap_next(&it)))
        visit(ctx, tags_get(&resource_external_service(r)->tags, TAG_SERVICE), SERVICE_EXTERNAL);
}

/* ---- names ---- */

struct names {
    struct map seen;
    struct VEC(struct str) list;
};

static void add_name(void *ctx, struct str service, enum service_type type)
{
    struct names *names = ctx;
    (void)type;
    if (map_find(&names->seen, service))
        return;
    map_put(&names->seen, service, names);
    VEC_PUSH(&names->list, service);
}

struct str *insight_service_names(const struct snap *snap, struct str mesh, struct arena *arena, size_t *n)
{
    struct names names = {0};
    struct snap_range dataplanes = snap_range(snap, RES_DATAPLANE, mesh);
    struct snap_iter it = snap_iter(&dataplanes);
    const struct resource *r;
    map_init(&names.seen);
    while ((r = snap_next(&it)))
        each_service(r, add_name, &names);
    each_external_service(snap, mesh, add_name, &names);
    struct str *list = ARENA_ARRAY(arena, struct str, names.list.n);
    for (size_t i = 0; i < names.list.n; i++)
        list[i] = arena_str(arena, names.list.v[i]);
    if (names.list.n > 0)
        qsort(list, names.list.n, sizeof(*list), str_order);
    *n = names.list.n;
    VEC_FINI(&names.list);
    map_fini(&names.seen);
    return list;
}

/* ---- one service ---- */

struct service_sum {
    struct str name;
    size_t n_here; /* inbounds of the present Dataplane that offer it */
    enum service_type type;
    bool known; /* 'type' is that of the first proxy */
    struct proxy_stat stat;
    json_t *backends;
};

static void match(void *ctx, struct str service, enum service_type type)
{
    struct service_sum *s = ctx;
    if (!str_eq(service, s->name))
        return;
    if (!s->known)
        s->type = type;
    s->known = true;
    s->n_here++;
}

static void add_backend(struct service_sum *s, const struct dataplane_insight_spec *insight)
{
    struct str backend = insight && insight->mtls ? insight->mtls->issued_backend : STR_NONE;
    if (backend.n == 0)
        return;
    json_int_t n = json_integer_value(json_object_getn(s->backends, backend.p, backend.n));
    json_object_setn_new(s->backends, backend.p, backend.n, json_integer(n + 1));
}

static void add_dataplane(struct service_sum *s, const struct snap *snap, const struct resource *r)
{
    const struct dataplane_insight_spec *insight;
    s->n_here = 0;
    each_service(r, match, s);
    if (s->n_here == 0)
        return;
    insight = online_find(snap, r);
    enum proxy_status status = online_status(r, insight);
    for (size_t i = 0; i < s->n_here; i++) {
        proxy_stat_add(&s->stat,
                       status == PROXY_ONLINE ? PROXY_ONLINE : PROXY_OFFLINE); /* half is not online here */
        add_backend(s, insight);
    }
}

static const char *status_word(const struct service_sum *s)
{
    if (s->type == SERVICE_EXTERNAL)
        return "not_available"; /* nobody here knows */
    if (s->stat.online == 0)
        return "offline";
    return s->stat.online == s->stat.total ? "online" : "partially_degraded";
}

static void put_sum(json_t *o, struct service_sum *s)
{
    if (s->known)
        json_object_set_new(o, "status", json_string(status_word(s)));
    json_object_set_new(o, "dataplanes", proxy_stat_json(&s->stat));
    if (json_object_size(s->backends) > 0)
        json_object_set(o, "issuedBackends", s->backends);
    if (s->type == SERVICE_GATEWAY_BUILTIN)
        json_object_set_new(o, "serviceType", json_string("gateway_builtin"));
    else if (s->type == SERVICE_GATEWAY_DELEGATED)
        json_object_set_new(o, "serviceType", json_string("gateway_delegated"));
    else if (s->type == SERVICE_EXTERNAL)
        json_object_set_new(o, "serviceType", json_string("external"));
    else
        json_object_set_new(o, "addressPort", json_sprintf(STR_FMT ".mesh:80", STR_ARG(s->name)));
}

json_t *insight_service(const struct snap *snap, struct str mesh, struct str service)
{
    const struct resource *m = snap_find_mesh(snap, mesh), *r;
    JSON_AUTO backends = json_object();
    struct service_sum s = {.name = service, .backends = backends};
    if (!m)
        return NULL;
    struct snap_range dataplanes = snap_range(snap, RES_DATAPLANE, mesh);
    struct snap_iter it = snap_iter(&dataplanes);
    while ((r = snap_next(&it)))
        add_dataplane(&s, snap, r);
    each_external_service(snap, mesh, match, &s); /* what proxies offer comes first */
    int64_t newest_ns = newest_of(snap, RES_DATAPLANE, mesh, m->modified_ns);
    newest_ns = newest_of(snap, RES_EXTERNAL_SERVICE, mesh, newest_ns);
    newest_ns = newest_of(snap, RES_DATAPLANE_INSIGHT, mesh, newest_ns);
    json_t *o = derived_meta_json(RES_SERVICE_INSIGHT, service, m, newest_ns);
    put_sum(o, &s);
    return o;
}
