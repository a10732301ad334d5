/* matched_gateway.c -- the routes of a builtin gateway, where they lead, and the policies that hit them
 * (rest-api.md 6). */
#include "ursa/policy_matched.h"

#include "ursa/base/vec.h"

#define ANY_HOST STR("*")

/* Sorted by name, as they are shown. */
static const enum res_type per_destination[] = {RES_CIRCUIT_BREAKER, RES_FAULT_INJECTION, RES_HEALTH_CHECK,
                                                RES_RATE_LIMIT,      RES_RETRY,           RES_TIMEOUT};

struct walk {
    struct arena *arena;
    const struct mesh_policies *policies;
    const struct gateway_listener *listener;
    struct tags tags; /* of the listener */
    const struct resource *route;
    struct str host;
    struct VEC(struct gateway_hit) hits;
};

/* ---- destinations ---- */

static bool same_tags(const struct tags *a, const struct tags *b)
{
    return a->n == b->n && selector_matches(a, b) && selector_matches(b, a);
}

static void add_hit(struct walk *w, const struct tags *destination)
{
    struct gateway_hit hit = {.port = w->listener->port,
                              .protocol = w->listener->protocol,
                              .host = w->host,
                              .route = w->route,
                              .destination = *destination};

    for (size_t i = w->hits.n; i-- > 0;) {
        const struct gateway_hit *have = &w->hits.v[i];
        if (have->port == hit.port && have->route == hit.route && str_eq(have->host, hit.host) &&
            same_tags(&have->destination, destination))
            return;
    }
    hit.policies = ARENA_ARRAY(w->arena, const struct resource *, ARRAY_LEN(per_destination));
    for (size_t i = 0; i < ARRAY_LEN(per_destination); i++) {
        const struct res_list *list = &w->policies->of[per_destination[i]];
        const struct resource *chosen = classic_choose_outbound(
            list->v, list->n, (struct tag_sets){1, &w->tags}, tags_get(destination, TAG_SERVICE));
        if (chosen)
            hit.policies[hit.n++] = chosen;
    }
    VEC_PUSH(&w->hits, hit);
}

static void add_backends(struct walk *w, const struct gateway_backend *backends, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_hit(w, &backends[i].destination);
}

static void add_destinations(struct walk *w, const struct gateway_route_conf *conf)
{
    for (size_t i = 0; conf->tcp && i < conf->tcp->n_rules; i++)
        add_backends(w, conf->tcp->rules[i].backends, conf->tcp->rules[i].n_backends);
    for (size_t i = 0; conf->http && i < conf->http->n_rules; i++) {
        const struct gateway_http_rule *rule = &conf->http->rules[i];
        add_backends(w, rule->backends, rule->n_backends);
        for (size_t k = 0; k < rule->n_filters; k++) {
            if (rule->filters[k].mirror && rule->filters[k].mirror->backend)
                add_backends(w, rule->filters[k].mirror->backend, 1);
        }
    }
}

/* ---- hosts ---- */

/* "*" covers everything, "*.example.com" what ends with ".example.com". */
static bool covers(struct str pattern, struct str host)
{
    if (str_has_prefix(pattern, ANY_HOST))
        return str_has_suffix(host, str_slice(pattern, 1, pattern.n));
    return str_eq(pattern, host);
}

static void walk_route(struct walk *w)
{
    const struct gateway_route_conf *conf = resource_mesh_gateway_route(w->route)->conf;
    struct str listens = w->listener->hostname.n ? w->listener->hostname : ANY_HOST;
    const struct str_list *names = conf->http ? &conf->http->hostnames : NULL;

    w->host = listens;
    if (!names || names->n == 0)
        add_destinations(w, conf);
    for (size_t i = 0; names && i < names->n; i++) {
        bool covered = covers(listens, names->v[i]);
        if (!covered && !covers(names->v[i], listens))
            continue;
        w->host = covered ? names->v[i] : listens;
        add_destinations(w, conf);
    }
}

static int hit_order(const struct gateway_hit *a, const struct gateway_hit *b)
{
    int order = (a->port > b->port) - (a->port < b->port);

    order = order ? order : str_cmp(a->host, b->host);
    return order ? order : str_cmp(a->route->key.name, b->route->key.name);
}

struct gateway_hits matched_gateway(struct arena *a, const struct mesh_policies *policies,
                                    const struct dataplane_spec *dp, const struct resource *gateway)
{
    const struct gateway_conf *conf = resource_mesh_gateway(gateway)->conf;
    const struct res_list *routes = &policies->of[RES_MESH_GATEWAY_ROUTE];
    struct walk w = {.arena = a, .policies = policies};

    for (size_t i = 0; conf && i < conf->n_listeners; i++) {
        w.listener = &conf->listeners[i];
        w.tags = gateway_listener_tags(a, dp, gateway, i);
        for (size_t k = 0; k < routes->n; k++) {
            w.route = routes->v[k];
            if (gateway_route_applies(w.route, w.listener, &w.tags))
                walk_route(&w);
        }
    }
    struct gateway_hits all = {w.hits.n, ARENA_ARRAY(a, struct gateway_hit, w.hits.n)};
    for (size_t i = 0; i < all.n; i++) { /* stable */
        size_t at = i;
        for (; at > 0 && hit_order(&w.hits.v[i], &all.v[at - 1]) < 0; at--)
            all.v[at] = all.v[at - 1];
        all.v[at] = w.hits.v[i];
    }
    VEC_FINI(&w.hits);
    return all;
}

/* ---- the whole gateway ---- */

size_t matched_gateway_whole(struct arena *a, const struct mesh_policies *policies,
                             const struct dataplane_spec *dp, const struct resource ***out)
{
    /* By name, as they are shown. */
    static const enum res_type types[] = {RES_PROXY_TEMPLATE, RES_TRAFFIC_LOG, RES_TRAFFIC_TRACE};
    struct tag_sets proxy = dataplane_tag_sets(a, dp);
    size_t n = 0;

    *out = ARENA_ARRAY(a, const struct resource *, ARRAY_LEN(types));
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const struct res_list *list = &policies->of[types[i]];
        const struct resource *chosen =
            types[i] == RES_TRAFFIC_LOG
                ? classic_choose_outbound(list->v, list->n, proxy, SERVICE_PASS_THROUGH)
                : classic_choose_proxy(list->v, list->n, proxy);
        if (chosen)
            (*out)[n++] = chosen;
    }
    return n;
}
