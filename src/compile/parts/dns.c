/* The DNS part: what a transparent proxy's workload asks for the addresses of (xds.md 8.2).
 *
 * Proxies that listen for questions at the same ports have the same table, which is one object. */
#include "../functions.h"
#include "ursa/base/json.h"

#define LISTENER STR("kuma:dns")

void part_dns(struct memo_ctx *ctx, const struct params *params, const struct dataplane_spec *dp,
              struct calls *out)
{
    if (!networking_is_transparent(dp->networking) || !params->dns_port || !params->empty_dns_port)
        return;
    const struct dp_transparent *t = dp->networking->transparent_proxying;
    struct buf *k = memo_call(ctx, FN_DNS_LISTENER);
    key_u32(k, params->dns_port);
    key_u32(k, params->empty_dns_port);
    key_u32(k, t->redirect_port_inbound_v6 != 0);
    key_set(k, &t->reachable_services, memo_arena(ctx));
    calls_add(out, XDS_LISTENER, ctx);
}

/* An IPv6 answer holds the IPv4 address: applications that ask for one only are redirected like all others.
 */
static json_t *addresses(struct arena *a, uint32_t v4, bool ipv6)
{
    struct str text = arena_printf(a, "%u.%u.%u.%u", v4 >> 24, v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255);
    json_t *list = envoy_pack("[s%]", PACK_STR(text));
    if (ipv6)
        json_array_append_new(list, json_from_str(arena_printf(a, "::ffff:%x:%x", v4 >> 16, v4 & 0xffff)));
    return list;
}

static struct memo_value run_dns_listener(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    uint32_t port = key_get_u32(&r), resolver_port = key_get_u32(&r);
    bool ipv6 = key_get_u32(&r);
    struct str_list reachable = key_get_strs(&r, a);
    key_strs(memo_call(ctx, FN_VIPS), &reachable);
    const struct vips *vips = memo_get(ctx);
    json_t *domains = json_array();
    for (size_t i = 0; i < vips->names.n; i++) {
        const struct vip_name *name = &vips->names.v[i];
        json_array_append_new(domains, envoy_dns_domain(name->domain, addresses(a, name->address, ipv6)));
    }
    return value_resource(ctx, XDS_LISTENER,
                          envoy_dns_listener(LISTENER, STR("127.0.0.1"), port, resolver_port, domains));
}
const struct memo_fn fn_dns_listener = {
    .name = "dns_listener", .run = run_dns_listener, .drop = drop_resource};
