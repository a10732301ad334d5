/* Listeners and their filter chains. */
#include "ursa/base/json.h"
#include "ursa/envoy_build.h"

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

json_t *envoy_chain(json_t *match, json_t *filters, json_t *transport_socket)
{
    return envoy_pack("{s: o*, s: o, s: o*}", "filterChainMatch", match, "filters", filters,
                      "transportSocket", transport_socket);
}
