/* dataplane.c -- Dataplane: what a proxy looks like, and what is filled in when it is stored. Its rules are
 * in dataplane_check.c. */
#include <string.h>

#include "kind.h"

static const char *const gateway_types[] = {"DELEGATED", "BUILTIN"};
static const struct enum_names gateway_type_names = {
    "kuma.mesh.v1alpha1.Dataplane.Networking.Gateway.GatewayType", gateway_types, ARRAY_LEN(gateway_types)};

static const struct field health_fields[] = {
    F_BOOL("ready", struct dp_health, ready),
    F_END,
};

static const struct field service_probe_fields[] = {
    F_DURATION("interval", struct service_probe, interval),
    F_DURATION("timeout", struct service_probe, timeout),
    F_OPT_U32("unhealthyThreshold", struct service_probe, unhealthy_threshold,
              .alias = "unhealthy_threshold"),
    F_OPT_U32("healthyThreshold", struct service_probe, healthy_threshold, .alias = "healthy_threshold"),
    F_SUB("tcp", struct service_probe, tcp, empty_fields),
    F_END,
};

static const struct field inbound_fields[] = {
    F_U32("port", struct dp_inbound, port),
    F_U32("servicePort", struct dp_inbound, service_port),
    F_STR("serviceAddress", struct dp_inbound, service_address),
    F_STR("address", struct dp_inbound, address),
    F_TAGS("tags", struct dp_inbound, tags),
    F_SUB("health", struct dp_inbound, health, health_fields),
    F_SUB("serviceProbe", struct dp_inbound, service_probe, service_probe_fields),
    F_END,
};

static const struct field outbound_fields[] = {
    F_STR("address", struct dp_outbound, address),
    F_U32("port", struct dp_outbound, port),
    F_TAGS("tags", struct dp_outbound, tags),
    F_END,
};

static const struct field gateway_fields[] = {
    F_TAGS("tags", struct dp_gateway, tags),
    F_ENUM("type", struct dp_gateway, type, gateway_type_names),
    F_END,
};

static const struct field transparent_fields[] = {
    F_U32("redirectPortInbound", struct dp_transparent, redirect_port_inbound,
          .alias = "redirect_port_inbound"),
    F_U32("redirectPortOutbound", struct dp_transparent, redirect_port_outbound,
          .alias = "redirect_port_outbound"),
    F_STR_LIST("directAccessServices", struct dp_transparent, direct_access_services,
               .alias = "direct_access_services"),
    F_U32("redirectPortInboundV6", struct dp_transparent, redirect_port_inbound_v6,
          .alias = "redirect_port_inbound_v6"),
    F_STR_LIST("reachableServices", struct dp_transparent, reachable_services, .alias = "reachable_services"),
    F_END,
};

static const struct field networking_fields[] = {
    F_STR("address", struct dp_networking, address),
    F_STR("advertisedAddress", struct dp_networking, advertised_address),
    F_SUB("gateway", struct dp_networking, gateway, gateway_fields),
    F_LIST("inbound", struct dp_networking, inbound, n_inbound, inbound_fields),
    F_LIST("outbound", struct dp_networking, outbound, n_outbound, outbound_fields),
    F_SUB("transparentProxying", struct dp_networking, transparent_proxying, transparent_fields,
          .alias = "transparent_proxying"),
    F_SUB("admin", struct dp_networking, admin, admin_fields),
    F_END,
};

static const struct field endpoint_fields[] = {
    F_U32("inboundPort", struct dp_probe_endpoint, inbound_port, .alias = "inbound_port"),
    F_STR("inboundPath", struct dp_probe_endpoint, inbound_path, .alias = "inbound_path"),
    F_STR("path", struct dp_probe_endpoint, path),
    F_END,
};

static const struct field probes_fields[] = {
    F_U32("port", struct dp_probes, port),
    F_LIST("endpoints", struct dp_probes, endpoints, n_endpoints, endpoint_fields),
    F_END,
};

const struct field dataplane_fields[] = {
    F_SUB("networking", struct dataplane_spec, networking, networking_fields),
    F_SUB("metrics", struct dataplane_spec, metrics, metrics_backend_fields),
    F_SUB("probes", struct dataplane_spec, probes, probes_fields),
    F_END,
};

/* ---- defaults ---- */

/* Sets a tag in place; false when it has that value already. The array is copied into the arena first. */
static bool set_tag(struct tags *tags, struct str key, struct str value, struct arena *a)
{
    struct tag *v = ARENA_ARRAY(a, struct tag, tags->n + 1);
    size_t i = 0;

    if (str_eq(tags_get(tags, key), value))
        return false;
    while (i < tags->n && str_cmp(tags->v[i].key, key) < 0)
        i++;
    size_t replaced = i < tags->n && str_eq(tags->v[i].key, key);

    if (tags->n > 0) {
        memcpy(v, tags->v, i * sizeof(v[0]));
        memcpy(v + i + 1, tags->v + i + replaced, (tags->n - i - replaced) * sizeof(v[0]));
    }
    v[i] = (struct tag){.key = key, .value = value};
    *tags = (struct tags){.v = v, .n = tags->n + 1 - replaced};
    return true;
}

/* Works on a copy of the parts that may change; the rest is shared with the original until it is encoded. */
struct resource *dataplane_apply_defaults(struct resource *r, struct str zone, bool is_new)
{
    const struct dataplane_spec *old = resource_dataplane(r);
    struct dataplane_spec spec = *old;
    struct dp_networking net = *old->networking;
    struct dp_gateway gateway;
    struct dp_health not_ready = {.ready = false};
    struct arena a;
    bool changed = false;

    arena_init(&a);
    spec.networking = &net;
    net.inbound = ARENA_ARRAY(&a, struct dp_inbound, net.n_inbound);
    for (size_t i = 0; i < net.n_inbound; i++) {
        struct dp_inbound *inbound = &net.inbound[i];

        *inbound = old->networking->inbound[i];
        if (zone.n > 0)
            changed |= set_tag(&inbound->tags, TAG_ZONE, zone, &a);
        /* An inbound whose health is probed is not ready until the first probe says so. */
        if (is_new && inbound->service_probe && !inbound->health) {
            inbound->health = &not_ready;
            changed = true;
        }
    }
    if (net.gateway && zone.n > 0) {
        gateway = *net.gateway;
        net.gateway = &gateway;
        changed |= set_tag(&gateway.tags, TAG_ZONE, zone, &a);
    }
    struct resource *made = changed ? resource_with_spec(r, &spec) : resource_ref(r);
    arena_fini(&a);
    return made;
}
