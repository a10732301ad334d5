/* Network and HTTP filters. */
#include "ursa/base/json.h"
#include "ursa/envoy_build.h"

#define HCM "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

json_t *envoy_hcm(struct str stat_prefix, struct str route_name, json_t *http_filters)
{
    json_t *rds = route_name.n ? envoy_pack("{s: o, s: s%}", "configSource", envoy_ads(), "routeConfigName",
                                            PACK_STR(route_name))
                               : NULL;
    return envoy_pack("{s: s%, s: o*, s: o}", "statPrefix", PACK_STR(stat_prefix), "rds", rds, "httpFilters",
                      http_filters);
}

json_t *envoy_hcm_filter(json_t *hcm)
{
    return envoy_extension("envoy.filters.network.http_connection_manager", HCM, hcm);
}

json_t *envoy_early_header(const char *header, json_t *value)
{
    json_t *mutation =
        envoy_pack("{s: [{s: {s: {s: s, s: o}, s: s}}]}", "mutations", "append", "header", "key", header,
                   "value", value, "appendAction", "OVERWRITE_IF_EXISTS_OR_ADD");
    return envoy_extension("envoy.http.early_header_mutation.header_mutation",
                           "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
                           mutation);
}

json_t *envoy_router(void)
{
    return envoy_extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router",
                           json_object());
}

json_t *envoy_grpc_stats(void)
{
    return envoy_extension("envoy.filters.http.grpc_stats",
                           "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
                           envoy_pack("{s: b}", "emitFilterState", 1));
}

json_t *envoy_discovered_http_filter(struct str name, const char *message)
{
    return envoy_pack("{s: s%, s: {s: o, s: [s+]}}", "name", PACK_STR(name), "configDiscovery",
                      "configSource", envoy_ads(), "typeUrls", "type.googleapis.com/", message);
}

json_t *envoy_discovered_config(struct str name, const char *message, json_t *body)
{
    return envoy_pack("{s: s%, s: o}", "name", PACK_STR(name), "typedConfig", envoy_any(message, body));
}

json_t *envoy_tcp_proxy(struct str stat_prefix, const json_t *clusters)
{
    json_t *proxy = envoy_route_action(clusters);
    json_object_set_new(proxy, "statPrefix", json_from_str(stat_prefix));
    return proxy;
}

json_t *envoy_tcp_filter(json_t *tcp_proxy)
{
    return envoy_extension("envoy.filters.network.tcp_proxy",
                           "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", tcp_proxy);
}

json_t *envoy_network_rbac(struct str stat_prefix, json_t *rules)
{
    return envoy_extension("envoy.filters.network.rbac", "envoy.extensions.filters.network.rbac.v3.RBAC",
                           envoy_pack("{s: s%, s: o}", "statPrefix", PACK_STR(stat_prefix), "rules", rules));
}
