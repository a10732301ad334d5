/* TrafficRoute: where an outbound leads, and how its clusters balance (xds.md 9.1). */
#include "policy.h"

static void apply(const struct resource *res, enum policy_target target, enum protocol protocol,
                  json_t *cluster)
{
    (void)target;
    (void)protocol;
    const struct route_conf *conf = res ? resource_traffic_route(res)->conf : NULL;
    const struct load_balancer *lb = conf ? conf->load_balancer : NULL;
    if (!lb)
        return;
    const char *policy = NULL;
    if (lb->least_request) {
        policy = "LEAST_REQUEST";
        json_object_set_new(cluster, "leastRequestLbConfig",
                            envoy_pack("{s: I}", "choiceCount", (json_int_t)lb->least_request->choice_count));
    } else if (lb->ring_hash) {
        policy = "RING_HASH";
        const struct ring_hash *ring = lb->ring_hash;
        json_object_set_new(cluster, "ringHashLbConfig",
                            envoy_pack("{s: s%, s: I, s: I}", "hashFunction", PACK_STR(ring->hash_function),
                                       "minimumRingSize", (json_int_t)ring->min_ring_size, "maximumRingSize",
                                       (json_int_t)ring->max_ring_size));
    } else if (lb->random) {
        policy = "RANDOM";
    } else if (lb->maglev) {
        policy = "MAGLEV";
    }
    if (policy)
        json_object_set_new(cluster, "lbPolicy", json_string(policy));
}

/* 6.2, step 5: tags with "*" go, then the outbound's tags that are missing come. Both sets are sorted, so is
 * the result. */
static struct tags fill_wildcards(const struct tags *route, const struct tags *outbound, struct arena *a)
{
    struct tags out = {ARENA_ARRAY(a, struct tag, route->n + outbound->n), 0};
    size_t i = 0, k = 0;
    while (i < route->n || k < outbound->n) {
        if (i < route->n && str_eq(route->v[i].value, STR("*"))) {
            i++;
            continue;
        }
        int c = i == route->n ? 1 : k == outbound->n ? -1 : str_cmp(route->v[i].key, outbound->v[k].key);
        out.v[out.n++] = c <= 0 ? route->v[i] : outbound->v[k];
        i += c <= 0;
        k += c >= 0;
    }
    return out;
}

size_t traffic_route_destinations(const struct traffic_route_spec *route, const struct tags *outbound,
                                  struct arena *a, struct destination **out)
{
    const struct route_conf *conf = route->conf;
    if (!conf)
        return 0;
    if (conf->destination.n) {
        *out = ARENA_NEW(a, struct destination);
        **out = (struct destination){fill_wildcards(&conf->destination, outbound, a), 1};
        return 1;
    }
    *out = ARENA_ARRAY(a, struct destination, conf->n_split);
    for (size_t i = 0; i < conf->n_split; i++)
        (*out)[i] = (struct destination){fill_wildcards(&conf->split[i].destination, outbound, a),
                                         conf->split[i].weight.v};
    return conf->n_split;
}

/* Once each. */
static void add_service(struct str_list *list, struct tags tags)
{
    struct str service = tags_get(&tags, TAG_SERVICE);
    size_t i = 0;
    while (i < list->n && !str_eq(list->v[i], service))
        i++;
    if (i == list->n && service.n > 0)
        list->v[list->n++] = service;
}

struct str_list traffic_route_services(const struct traffic_route_spec *route, const struct tags *outbound,
                                       struct arena *a)
{
    const struct route_conf *conf = route->conf;
    struct destination *to = NULL;
    size_t n = traffic_route_destinations(route, outbound, a, &to), most = n;
    for (size_t i = 0; conf && i < conf->n_http; i++)
        most += conf->http[i].n_split + 1;
    struct str_list list = {ARENA_ARRAY(a, struct str, most), 0};
    for (size_t i = 0; i < n; i++)
        add_service(&list, to[i].tags);
    for (size_t i = 0; conf && i < conf->n_http; i++) {
        const struct http_route *http = &conf->http[i];
        if (http->destination.n)
            add_service(&list, fill_wildcards(&http->destination, outbound, a));
        for (size_t k = 0; k < http->n_split; k++)
            add_service(&list, fill_wildcards(&http->split[k].destination, outbound, a));
    }
    return list;
}

const struct policy policy_traffic_route = {
    .type = RES_TRAFFIC_ROUTE,
    .scope = POLICY_PER_OUTBOUND,
    .targets = TARGET_CLUSTER,
    .apply = apply,
};
