/* inspect.c -- which policies hit a proxy: GET .../dataplanes/{name}/policies, and what the inspect handlers
 * share. */
#include "inspect.h"

const struct resource *inspect_dataplane(struct request *r)
{
    const struct resource *res = snap_find(r->snap, RES_DATAPLANE, r->mesh, r->name);

    if (!res)
        answer_fault(r, ERR_NOT_FOUND, "not found");
    return res;
}

/* ---- parts of answers ---- */

json_t *inspect_key(const struct resource *res)
{
    json_t *o = json_object();

    json_object_set_new(o, "mesh", json_from_str(res ? res->key.mesh : STR("")));
    json_object_set_new(o, "name", json_from_str(res ? res->key.name : STR("")));
    return o;
}

json_t *inspect_tags(const struct tags *tags)
{
    json_t *o = json_object();

    for (size_t i = 0; i < tags->n; i++)
        json_object_setn_new_nocheck(o, tags->v[i].key.p, tags->v[i].key.n, json_from_str(tags->v[i].value));
    return o;
}

json_t *inspect_list(const char *kind, json_t *take_items)
{
    json_t *o = json_object();

    if (kind)
        json_object_set_new(o, "kind", json_string(kind));
    json_object_set_new(o, "total", json_integer((json_int_t)json_array_size(take_items)));
    json_object_set_new(o, "items", take_items);
    return o;
}

json_t *inspect_attachment(const struct attachment *a)
{
    static const char *const kinds[] = {[ATTACHED_TO_DATAPLANE] = "dataplane",
                                        [ATTACHED_TO_INBOUND] = "inbound",
                                        [ATTACHED_TO_OUTBOUND] = "outbound",
                                        [ATTACHED_TO_SERVICE] = "service"};
    json_t *o = json_object();

    json_object_set_new(o, "type", json_string(kinds[a->kind]));
    if (a->name.p)
        json_object_set_new(o, "name", json_from_str(a->name));
    if (a->service.p)
        json_object_set_new(o, "service", json_from_str(a->service));
    return o;
}

static json_t *meta(const struct resource *policy)
{
    return resource_meta_to_json(policy, res_type_info(policy->key.type)->name);
}

/* ---- builtin gateways ---- */

/* Hits are sorted by port, host, route: what stands together is one part. */
struct hits {
    const struct gateway_hits *all;
    size_t at;
    json_t *(*destination)(void *ctx, const struct gateway_hit *);
    void *ctx;
};

/* Whether the next hit is of that listener and host. */
static bool more(const struct hits *h, uint32_t port, struct str host)
{
    return h->at < h->all->n && h->all->v[h->at].port == port && str_eq(h->all->v[h->at].host, host);
}

static void add_to(json_t *list, const char *key, json_t *name, const char *parts_key, json_t *parts)
{
    json_t *o = json_object();

    json_object_set_new(o, key, name);
    json_object_set_new(o, parts_key, parts);
    json_array_append_new(list, o);
}

static json_t *destinations_of_route(struct hits *h, uint32_t port, struct str host)
{
    const struct resource *route = h->all->v[h->at].route;
    json_t *destinations = json_array();

    for (; more(h, port, host) && h->all->v[h->at].route == route; h->at++) {
        json_t *one = h->destination(h->ctx, &h->all->v[h->at]);
        if (one)
            json_array_append_new(destinations, one);
    }
    return destinations;
}

static json_t *routes_of_host(struct hits *h, uint32_t port, struct str host)
{
    json_t *routes = json_array();

    while (more(h, port, host)) {
        struct str name = h->all->v[h->at].route->key.name;
        json_t *destinations = destinations_of_route(h, port, host);
        if (json_array_size(destinations) > 0)
            add_to(routes, "route", json_from_str(name), "destinations", destinations);
        else
            json_decref(destinations);
    }
    return routes;
}

static json_t *hosts_of_port(struct hits *h, uint32_t port)
{
    json_t *hosts = json_array();

    while (h->at < h->all->n && h->all->v[h->at].port <= port) {
        struct str host = h->all->v[h->at].host;
        json_t *routes = routes_of_host(h, h->all->v[h->at].port, host);
        if (json_array_size(routes) > 0)
            add_to(hosts, "hostName", json_from_str(host), "routes", routes);
        else
            json_decref(routes);
    }
    return hosts;
}

/* The first listener of the smallest port above 'after'; NULL when there is none. */
static const struct gateway_listener *next_listener(const struct gateway_conf *conf, uint32_t after)
{
    const struct gateway_listener *next = NULL;

    for (size_t i = 0; conf && i < conf->n_listeners; i++) {
        const struct gateway_listener *l = &conf->listeners[i];
        if (l->port > after && (!next || l->port < next->port))
            next = l;
    }
    return next;
}

json_t *inspect_listeners(const struct resource *gateway, const struct gateway_hits *all, bool with_empty,
                          json_t *(*destination)(void *ctx, const struct gateway_hit *), void *ctx)
{
    const struct gateway_conf *conf = resource_mesh_gateway(gateway)->conf;
    const struct gateway_listener *l = NULL;
    struct hits h = {all, 0, destination, ctx};
    json_t *list = json_array();

    while ((l = next_listener(conf, l ? l->port : 0))) {
        json_t *hosts = hosts_of_port(&h, l->port);
        if (with_empty || json_array_size(hosts) > 0) {
            json_t *o = json_object();
            json_object_set_new(o, "port", json_integer(l->port));
            json_object_set_new(o, "protocol", json_from_str(gateway_protocol_name(l->protocol)));
            json_object_set(o, "hosts", hosts);
            json_array_append_new(list, o);
        }
        json_decref(hosts);
    }
    return list;
}

/* One of a type: {type: meta}. */
static json_t *meta_by_type(const struct resource **policies, size_t n)
{
    json_t *o = json_object();

    for (size_t i = 0; i < n; i++)
        json_object_set_new(o, res_type_info(policies[i]->key.type)->name.p, meta(policies[i]));
    return o;
}

static json_t *destination_with_policies(void *ctx, const struct gateway_hit *h)
{
    json_t *o = json_object();

    (void)ctx;
    json_object_set_new(o, "tags", inspect_tags(&h->destination));
    json_object_set_new(o, "policies", meta_by_type(h->policies, h->n));
    return o;
}

static void answer_gateway(struct request *r, const struct mesh_policies *policies,
                           const struct dataplane_spec *dp)
{
    const struct resource *gateway = gateway_choose(&r->arena, policies->of[RES_MESH_GATEWAY], dp), **whole;
    json_t *o = json_object();

    json_object_set_new(o, "kind", json_string("MeshGatewayDataplane"));
    json_object_set_new(o, "gateway", inspect_key(gateway));
    if (!gateway) { /* COMPAT: without one, its names are empty and its listeners null */
        json_object_set_new(o, "listeners", json_null());
        answer_json(r, 200, o);
        return;
    }
    struct gateway_hits hits = matched_gateway(&r->arena, policies, dp, gateway);
    json_object_set_new(o, "listeners",
                        inspect_listeners(gateway, &hits, true, destination_with_policies, NULL));
    /* COMPAT: those with a targetRef are not here, only in .../rules; there is room for one of a type. */
    size_t n = matched_gateway_whole(&r->arena, policies, dp, &whole);
    if (n > 0)
        json_object_set_new(o, "policies", meta_by_type(whole, n));
    answer_json(r, 200, o);
}

/* ---- sidecars and delegated gateways ---- */

static bool same_place(const struct attachment *a, const struct attachment *b)
{
    return a->kind == b->kind && str_eq(a->name, b->name) && str_eq(a->service, b->service);
}

static void answer_sidecar(struct request *r, const struct mesh_policies *policies,
                           const struct dataplane_spec *dp)
{
    struct attachments all = matched_policies(&r->arena, policies, dp, RES_N);
    json_t *items = json_array(), *matched = NULL;

    for (size_t i = 0; i < all.n; i++) {
        const char *type = res_type_info(all.v[i].policy->key.type)->name.p;
        if (i == 0 || !same_place(&all.v[i], &all.v[i - 1])) {
            json_t *item = inspect_attachment(&all.v[i]);
            matched = json_object();
            json_object_set_new(item, "matchedPolicies", matched);
            json_array_append_new(items, item);
        }
        if (!json_object_get(matched, type))
            json_object_set_new(matched, type, json_array());
        json_array_append_new(json_object_get(matched, type), meta(all.v[i].policy));
    }
    answer_json(r, 200, inspect_list("SidecarDataplane", items));
}

void inspect_policies_get(struct request *r)
{
    struct mesh_policies policies;

    r->title = "Could not get MatchedPolicies";
    const struct resource *res = inspect_dataplane(r);
    if (!res)
        return;
    const struct dp_gateway *gateway = resource_dataplane(res)->networking->gateway;
    mesh_policies_read(&r->arena, r->snap, r->mesh, &policies);
    if (gateway && gateway->type == GATEWAY_BUILTIN)
        answer_gateway(r, &policies, resource_dataplane(res));
    else
        answer_sidecar(r, &policies, resource_dataplane(res));
}
