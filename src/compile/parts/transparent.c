/* The transparent part: where the kernel's redirection ends (xds.md 8.1).
 *
 * Two listeners get all connections. Each hands one on to the listener that has its original address, and
 * passes on where it wanted to go what no listener is for: out of the workload when the mesh allows that, and
 * into it. */
#include "../functions.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define CONNECT_NS (10 * NS_PER_S)

struct str redirect_source(bool ipv6)
{
    return ipv6 ? STR("::6") : STR("127.0.0.6");
}

void part_transparent(struct memo_ctx *ctx, const struct params *params, const struct dataplane_spec *dp,
                      struct calls *out)
{
    (void)params;
    if (!networking_is_transparent(dp->networking))
        return;
    const struct dp_transparent *t = dp->networking->transparent_proxying;
    struct buf *k = memo_call(ctx, FN_TRANSPARENT);
    key_u32(k, t->redirect_port_outbound);
    key_u32(k, t->redirect_port_inbound);
    key_u32(k, t->redirect_port_inbound_v6);
    calls_add_all(out, memo_get(ctx));
}

static void add(struct memo_ctx *ctx, bool inbound, bool ipv6, uint32_t port, struct calls *out)
{
    memo_call(ctx, FN_IN_PASSTHROUGH);
    if (inbound || memo_get(ctx)) {
        struct buf *k = memo_call(ctx, FN_PASS_CLUSTER);
        key_u32(k, inbound);
        key_u32(k, ipv6);
        calls_add(out, XDS_CLUSTER, ctx);
    }
    struct buf *k = memo_call(ctx, FN_PASS_LISTENER);
    key_u32(k, inbound);
    key_u32(k, ipv6);
    key_u32(k, port);
    calls_add(out, XDS_LISTENER, ctx);
}

static struct memo_value run_transparent(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    uint32_t outbound = key_get_u32(&r), inbound = key_get_u32(&r), inbound_v6 = key_get_u32(&r);
    struct calls *out = calls_new();
    add(ctx, false, false, outbound, out);
    add(ctx, true, false, inbound, out);
    if (inbound_v6) {
        add(ctx, false, true, outbound, out);
        add(ctx, true, true, inbound_v6, out);
    }
    calls_fold(out, ctx); /* the same for all proxies with these ports */
    return value_calls(ctx, out);
}
const struct memo_fn fn_transparent = {.name = "transparent", .run = run_transparent, .drop = drop_calls};

static struct str name_of(bool inbound, bool ipv6)
{
    if (inbound)
        return ipv6 ? STR("inbound:passthrough:ipv6") : STR("inbound:passthrough:ipv4");
    return ipv6 ? STR("outbound:passthrough:ipv6") : STR("outbound:passthrough:ipv4");
}

static struct memo_value run_pass_cluster(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    bool inbound = key_get_u32(&r), ipv6 = key_get_u32(&r);
    json_t *cluster = envoy_original_dst_cluster(name_of(inbound, ipv6));
    json_object_set_new(cluster, "connectTimeout", envoy_duration(CONNECT_NS));
    if (inbound)
        envoy_cluster_set_source(cluster, redirect_source(ipv6));
    return value_resource(ctx, XDS_CLUSTER, cluster);
}
const struct memo_fn fn_pass_cluster = {
    .name = "pass_cluster", .run = run_pass_cluster, .drop = drop_resource};

/* It is there whether its cluster is or not: what the mesh does not allow ends here. */
static struct memo_value run_pass_listener(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    bool inbound = key_get_u32(&r), ipv6 = key_get_u32(&r);
    struct str name = name_of(inbound, ipv6);
    json_t *listener = envoy_listener(name, ipv6 ? STR("::") : STR("0.0.0.0"), key_get_u32(&r),
                                      inbound ? "INBOUND" : "OUTBOUND");
    json_t *to = envoy_pack("[{s: s%}]", "name", PACK_STR(name));
    json_t *proxy = envoy_tcp_proxy(envoy_stat_name(memo_arena(ctx), name), to);
    json_decref(to);
    if (inbound)
        json_object_set_new(listener, "enableReusePort", json_false());
    json_object_set_new(listener, "useOriginalDst", json_true());
    envoy_listener_add_chain(listener, envoy_chain(NULL, envoy_pack("[o]", envoy_tcp_filter(proxy)), NULL));
    return value_resource(ctx, XDS_LISTENER, listener);
}
const struct memo_fn fn_pass_listener = {
    .name = "pass_listener", .run = run_pass_listener, .drop = drop_resource};
