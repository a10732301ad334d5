/* The cluster of a destination and its endpoints: shared by every proxy that has the destination under the
 * same policies. */
#include "../functions.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"

#include <stdlib.h>

/* "backend{mesh=default,version=v1}": the destination's tags but its service, and the mesh, by key. */
static struct str server_name(struct arena *a, struct str mesh, struct str service, const struct tags *tags)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    buf_printf(&b, STR_FMT, STR_ARG(service));
    char before = '{';
    bool mesh_done = false;
    for (size_t i = 0; i <= tags->n; i++) {
        const struct tag *t = i < tags->n ? &tags->v[i] : NULL;
        if (!mesh_done && (!t || str_cmp(t->key, STR("mesh")) > 0)) {
            buf_printf(&b, "%cmesh=" STR_FMT, before, STR_ARG(mesh));
            before = ',';
            mesh_done = true;
        }
        if (!t || str_eq(t->key, TAG_SERVICE))
            continue;
        buf_printf(&b, "%c" STR_FMT "=" STR_FMT, before, STR_ARG(t->key), STR_ARG(t->value));
        before = ',';
    }
    buf_add_byte(&b, '}');
    struct str name = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return name;
}

static bool wants_tls(struct memo_ctx *ctx, const struct mesh_input *mesh, struct str service)
{
    if (mesh->dial != DIAL_READY)
        return mesh->dial == DIAL_TLS;
    key_str(memo_call(ctx, FN_IN_TLS_READY), service);
    return memo_get(ctx);
}

static struct memo_value run_cluster(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str name = key_get_str(&r), service = key_get_str(&r);
    struct tags tags = key_get_tags(&r, a);
    const struct resource *policies[POLICY_N];
    ask_policies(ctx, &r, TARGET_CLUSTER, policies);

    json_t *cluster = envoy_eds_cluster(name);
    envoy_cluster_set_http(cluster, "http2ProtocolOptions");
    policies_apply(policies, TARGET_CLUSTER, ask_protocol(ctx, service), cluster);
    const struct mesh_input *mesh = ask_mesh(ctx);
    if (wants_tls(ctx, mesh, service)) {
        struct envoy_tls tls = {
            .identity_secret = name_identity_secret(a, mesh->name),
            .ca_secret = name_ca_secret(a, mesh->name),
            .san_type = "URI",
            .san_match = "exact",
            .san = identity_service(a, mesh->name, service),
        };
        envoy_cluster_set_tls(cluster,
                              envoy_upstream_tls(&tls, "kuma", server_name(a, mesh->name, service, &tags)));
    }
    return value_resource(ctx, XDS_CLUSTER, cluster);
}
const struct memo_fn fn_cluster = {.name = "cluster", .run = run_cluster, .drop = drop_resource};

/* ---- endpoints ---- */
static json_t *metadata(const struct tags *tags)
{
    json_t *own = tags_to_json(tags, TAG_SERVICE);
    json_t *both = NULL;
    if (json_object_size(own))
        both = envoy_pack("{s: {s: O, s: O}}", "filterMetadata", "envoy.lb", own,
                          "envoy.transport_socket_match", own);
    json_decref(own);
    return both;
}

/* COMPAT: a standalone control plane's own zone is "", so with locality awareness every named zone comes
 * second. */
static json_t *locality(struct str zone, bool aware, json_t *endpoints)
{
    json_t *group = envoy_pack("{s: o}", "lbEndpoints", endpoints);
    if (zone.n) {
        json_object_set_new(group, "locality", envoy_pack("{s: s%}", "zone", PACK_STR(zone)));
        if (aware)
            json_object_set_new(group, "priority", json_integer(1));
    }
    return group;
}

struct chosen {
    const struct endpoint *endpoint;
    struct str address;
    uint32_t weight;
    size_t at; /* where it stands: those of the own zone first, each as they are sorted */
};

static struct str zone_of(const struct endpoint *e)
{
    struct str zone = tags_get(e->tags, TAG_ZONE);
    return zone.p ? zone : STR("");
}

/* By zone, address and port; what is equal in all stays as it stands. */
static int endpoint_cmp(const void *a, const void *b)
{
    const struct chosen *x = a, *y = b;
    int c = str_cmp(zone_of(x->endpoint), zone_of(y->endpoint));
    c = c ? c : str_cmp(x->address, y->address);
    c = c ? c : (x->endpoint->port > y->endpoint->port) - (x->endpoint->port < y->endpoint->port);
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

struct choice {
    struct memo_ctx *ctx;
    const struct tags *subset;
    struct chosen *v;
    size_t n;
};

/* Those with the subset's tags that have an address. */
static void choose(struct choice *c, const struct endpoint *e, uint32_t weight)
{
    if (!selector_matches(c->subset, e->tags))
        return;
    struct str address = ask_address(c->ctx, e->address);
    if (address.n > 0) {
        c->v[c->n] = (struct chosen){e, address, weight, c->n};
        c->n++;
    }
}

/* Of both, sorted. An ingress stands for all instances behind it, and several of them stand for the same
 * ones: so endpoints of the own zone weigh as much as there are ingresses. COMPAT: the reference counts the
 * ingresses of all services and meshes. */
static void choose_endpoints(struct choice *c, const struct service *s, const struct remote *remote)
{
    size_t n_own = s ? s->n_endpoints : 0, n_remote = remote ? remote->n : 0;
    c->v = ARENA_ARRAY(memo_arena(c->ctx), struct chosen, n_own + n_remote);
    for (size_t i = 0; i < n_own; i++)
        choose(c, &s->endpoints[i], remote ? (uint32_t)remote->n_ingresses : 1);
    for (size_t i = 0; i < n_remote; i++)
        choose(c, &remote->v[i].endpoint, remote->v[i].weight);
    qsort(c->v, c->n, sizeof c->v[0], endpoint_cmp);
}

static json_t *zone_groups(const struct chosen *v, size_t n, bool locality_aware)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < n;) {
        struct str zone = zone_of(v[i].endpoint);
        json_t *list = json_array();
        for (; i < n && str_eq(zone_of(v[i].endpoint), zone); i++)
            json_array_append_new(list, envoy_endpoint(v[i].address, v[i].endpoint->port, v[i].weight,
                                                       metadata(v[i].endpoint->tags)));
        json_array_append_new(groups, locality(zone, locality_aware, list));
    }
    return groups;
}

static struct memo_value run_endpoints(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str name = key_get_str(&r), service = key_get_str(&r);
    struct tags subset = key_get_tags(&r, a);
    key_str(memo_call(ctx, FN_IN_SERVICE), service);
    const struct service *s = memo_get(ctx);
    struct choice chosen = {.ctx = ctx, .subset = &subset};
    choose_endpoints(&chosen, s, ask_remote(ctx, service));
    json_t *groups = zone_groups(chosen.v, chosen.n, ask_mesh(ctx)->locality_aware);
    return value_resource(ctx, XDS_ENDPOINT, envoy_endpoints(name, groups));
}
const struct memo_fn fn_endpoints = {.name = "endpoints", .run = run_endpoints, .drop = drop_resource};
