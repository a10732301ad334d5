/* Route configurations. */
#include "ursa/base/json.h"
#include "ursa/envoy_build.h"

json_t *envoy_routes(struct str name, struct str virtual_host, json_t *routes)
{
    return envoy_pack("{s: s%, s: b, s: [{s: s%, s: [s], s: o}]}", "name", PACK_STR(name), "validateClusters",
                      0, "virtualHosts", "name", PACK_STR(virtual_host), "domains", "*", "routes", routes);
}

void envoy_routes_each(json_t *route_config, void (*each)(void *, json_t *), void *ctx)
{
    const json_t *hosts = json_object_get(route_config, "virtualHosts");
    for (size_t h = 0; h < json_array_size(hosts); h++) {
        const json_t *routes = json_object_get(json_array_get(hosts, h), "routes");
        for (size_t r = 0; r < json_array_size(routes); r++)
            each(ctx, json_array_get(routes, r));
    }
}

json_t *envoy_route_action(const json_t *clusters)
{
    if (json_array_size(clusters) == 1)
        return envoy_pack("{s: O}", "cluster", json_object_get(json_array_get(clusters, 0), "name"));
    return envoy_pack("{s: {s: O}}", "weightedClusters", "clusters", clusters);
}

json_t *envoy_prefix_route(const char *prefix, json_t *action)
{
    return envoy_pack("{s: {s: s}, s: o}", "match", "prefix", prefix, "route", action);
}
