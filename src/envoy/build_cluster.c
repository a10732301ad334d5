/* Clusters and their endpoints. */
#include "ursa/base/json.h"
#include "ursa/envoy_build.h"

#define HTTP_OPTIONS "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

/* Statistics must not split a name at its colons. */
static void set_stat_name(json_t *cluster, struct str name)
{
    struct arena a = {0};
    arena_init(&a);
    struct str clean = envoy_stat_name(&a, name);
    if (!str_eq(clean, name))
        json_object_set_new(cluster, "altStatName", json_from_str(clean));
    arena_fini(&a);
}

json_t *envoy_eds_cluster(struct str name)
{
    json_t *cluster = envoy_pack("{s: s%, s: s, s: {s: o}}", "name", PACK_STR(name), "type", "EDS",
                                 "edsClusterConfig", "edsConfig", envoy_ads());
    set_stat_name(cluster, name);
    return cluster;
}

json_t *envoy_static_cluster(struct str name, struct str address, uint32_t port)
{
    json_t *cluster =
        envoy_pack("{s: s%, s: s, s: {s: s%, s: [{s: [{s: {s: o}}]}]}}", "name", PACK_STR(name), "type",
                   "STATIC", "loadAssignment", "clusterName", PACK_STR(name), "endpoints", "lbEndpoints",
                   "endpoint", "address", envoy_address(address, port));
    set_stat_name(cluster, name);
    return cluster;
}

json_t *envoy_original_dst_cluster(struct str name)
{
    json_t *cluster = envoy_pack("{s: s%, s: s, s: s}", "name", PACK_STR(name), "type", "ORIGINAL_DST",
                                 "lbPolicy", "CLUSTER_PROVIDED");
    set_stat_name(cluster, name);
    return cluster;
}

void envoy_cluster_set_source(json_t *cluster, struct str address)
{
    json_object_set_new(
        cluster, "upstreamBindConfig",
        envoy_pack("{s: {s: s%, s: i}}", "sourceAddress", "address", PACK_STR(address), "portValue", 0));
}

static json_t *member(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);
    if (found)
        return found;
    json_object_set_new(object, key, json_object());
    return json_object_get(object, key);
}

static json_t *http_options(json_t *cluster)
{
    json_t *by_type = member(cluster, "typedExtensionProtocolOptions");
    if (!json_object_get(by_type, HTTP_OPTIONS))
        json_object_set_new(by_type, HTTP_OPTIONS, envoy_any(HTTP_OPTIONS, json_object()));
    return json_object_get(by_type, HTTP_OPTIONS);
}

void envoy_cluster_set_http(json_t *cluster, const char *options)
{
    json_object_set_new(http_options(cluster), "explicitHttpConfig", envoy_pack("{s: {}}", options));
}

json_t *envoy_cluster_common_http(json_t *cluster)
{
    return member(http_options(cluster), "commonHttpProtocolOptions");
}

void envoy_cluster_set_tls(json_t *cluster, json_t *transport_socket)
{
    json_object_set_new(cluster, "transportSocket", transport_socket);
}

json_t *envoy_endpoint(struct str address, uint32_t port, uint32_t weight, json_t *metadata)
{
    return envoy_pack("{s: {s: o}, s: I, s: o*}", "endpoint", "address", envoy_address(address, port),
                      "loadBalancingWeight", (json_int_t)weight, "metadata", metadata);
}

json_t *envoy_endpoints(struct str cluster_name, json_t *localities)
{
    return envoy_pack("{s: s%, s: o}", "clusterName", PACK_STR(cluster_name), "endpoints", localities);
}
