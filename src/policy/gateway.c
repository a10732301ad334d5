/* gateway.c -- which MeshGateway runs on a builtin gateway, and which routes its listeners have
 * (resources.md 6.5). */
#include "ursa/policy.h"

const struct resource *gateway_choose(struct arena *a, struct res_list gateways,
                                      const struct dataplane_spec *dp)
{
    const struct dp_gateway *gateway = dp->networking->gateway;

    if (!gateway || gateway->type != GATEWAY_BUILTIN)
        return NULL;
    struct tags *tags = ARENA_NEW(a, struct tags);
    *tags = gateway->tags;
    return classic_choose_proxy(gateways.v, gateways.n, (struct tag_sets){1, tags});
}

struct tags gateway_listener_tags(struct arena *a, const struct dataplane_spec *dp,
                                  const struct resource *gateway, size_t listener)
{
    static const struct tags none;
    const struct mesh_gateway_spec *spec = resource_mesh_gateway(gateway);
    const struct dp_gateway *proxy = dp->networking->gateway;
    struct tags both = tags_merged(a, proxy ? &proxy->tags : &none, &spec->tags);

    return tags_merged(a, &both, &spec->conf->listeners[listener].tags);
}

bool gateway_route_applies(const struct resource *route, const struct gateway_listener *listener,
                           const struct tags *tags)
{
    const struct mesh_gateway_route_spec *spec = resource_mesh_gateway_route(route);
    bool http = listener->protocol == GATEWAY_HTTP || listener->protocol == GATEWAY_HTTPS;

    if (!spec->conf || !(http ? (const void *)spec->conf->http : (const void *)spec->conf->tcp))
        return false;
    for (size_t i = 0; i < spec->select.n_selectors; i++) {
        if (selector_matches(&spec->select.selectors[i].match, tags))
            return true;
    }
    return false;
}
