/* Listeners and their filter chains. */
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/envoy_build.h"

#define DNS_TTL_NS (30 * NS_PER_S)
#define DNS_MAX_PENDING 256

json_t *envoy_listener(struct str name, struct str address, uint32_t port, const char *direction)
{
    return envoy_pack("{s: s%, s: o, s: s, s: []}", "name", PACK_STR(name), "address",
                      envoy_address(address, port), "trafficDirection", direction, "filterChains");
}

void envoy_listener_add_chain(json_t *listener, json_t *chain)
{
    json_array_append_new(json_object_get(listener, "filterChains"), chain);
}

void envoy_listener_set_tags(json_t *listener, json_t *tags)
{
    json_object_set_new(listener, "metadata",
                        envoy_pack("{s: {s: o}}", "filterMetadata", "io.kuma.tags", tags));
}

void envoy_listener_inspect_tls(json_t *listener)
{
    json_object_set_new(
        listener, "listenerFilters",
        envoy_pack("[o]", envoy_extension("envoy.filters.listener.tls_inspector",
                                          "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
                                          json_object())));
}

void envoy_listener_set_redirected(json_t *listener)
{
    json_object_set_new(listener, "bindToPort", json_false());
}

json_t *envoy_dns_domain(struct str name, json_t *addresses)
{
    return envoy_pack("{s: s%, s: {s: {s: o}}, s: o}", "name", PACK_STR(name), "endpoint", "addressList",
                      "address", addresses, "answerTtl", envoy_duration(DNS_TTL_NS));
}

json_t *envoy_dns_listener(struct str name, struct str address, uint32_t port, uint32_t resolver_port,
                           json_t *virtual_domains)
{
    json_t *resolvers = envoy_pack("{s: [o]}", "resolvers", envoy_address(STR("127.0.0.1"), resolver_port));
    json_t *cares =
        envoy_extension("envoy.network.dns_resolver.cares",
                        "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", resolvers);
    json_t *config =
        envoy_pack("{s: s, s: {s: i, s: o}, s: {s: {s: o}}}", "statPrefix", "kuma_dns", "clientConfig",
                   "maxPendingLookups", DNS_MAX_PENDING, "typedDnsResolverConfig", cares, "serverConfig",
                   "inlineDnsTable", "virtualDomains", virtual_domains);
    json_t *filter = envoy_extension("envoy.filters.udp.dns_filter",
                                     "envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig", config);
    json_t *where = envoy_address(address, port);
    json_object_set_new(json_object_get(where, "socketAddress"), "protocol", json_string("UDP"));
    return envoy_pack("{s: s%, s: o, s: s, s: b, s: [o]}", "name", PACK_STR(name), "address", where,
                      "trafficDirection", "INBOUND", "enableReusePort", 1, "listenerFilters", filter);
}

json_t *envoy_chain(json_t *match, json_t *filters, json_t *transport_socket)
{
    return envoy_pack("{s: o*, s: o, s: o*}", "filterChainMatch", match, "filters", filters,
                      "transportSocket", transport_socket);
}
