/* Inbound listeners, their local clusters, routes and permissions.
 *
 * Who may call an HTTP inbound is an HTTP filter whose rules come by ECDS, so a permission changes without
 * touching the listener. TCP has no such way: there the rules are a network filter in the listener. */
#include "../functions.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* Inbound limits are twice the outbound defaults (xds.md 6.3). */
#define IDLE_NS (7200 * NS_PER_S)
#define STREAM_IDLE_NS (3600 * NS_PER_S)
#define CONNECT_NS (10 * NS_PER_S)

static struct memo_value run_inbound_cluster(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str name = key_get_str(&r), address = key_get_str(&r);
    uint32_t port = key_get_u32(&r);
    enum protocol protocol = (enum protocol)key_get_u32(&r);
    bool redirected = key_get_u32(&r);
    json_t *cluster = envoy_static_cluster(name, address, port);
    json_object_set_new(cluster, "connectTimeout", envoy_duration(CONNECT_NS));
    if (redirected)
        envoy_cluster_set_source(cluster, redirect_source(str_chr(address, ':') < address.n));
    if (protocol_is_http(protocol)) {
        json_object_set_new(envoy_cluster_common_http(cluster), "idleTimeout", envoy_duration(IDLE_NS));
        envoy_cluster_set_http(cluster,
                               protocol == PROTOCOL_HTTP ? "httpProtocolOptions" : "http2ProtocolOptions");
    }
    return value_resource(ctx, XDS_CLUSTER, cluster);
}
const struct memo_fn fn_inbound_cluster = {
    .name = "inbound_cluster", .run = run_inbound_cluster, .drop = drop_resource};

static struct memo_value run_inbound_routes(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str name = key_get_str(&r), service = key_get_str(&r), cluster = key_get_str(&r);
    json_t *action = envoy_pack("{s: s%, s: o}", "cluster", PACK_STR(cluster), "timeout", envoy_duration(0));
    json_t *config = envoy_routes(name, service, envoy_pack("[o]", envoy_prefix_route("/", action)));
    json_object_set_new(config, "requestHeadersToRemove", envoy_pack("[s]", "x-kuma-tags"));
    return value_resource(ctx, XDS_ROUTE, config);
}
const struct memo_fn fn_inbound_routes = {
    .name = "inbound_routes", .run = run_inbound_routes, .drop = drop_resource};

/* envoy.config.rbac.v3.RBAC under these policies; without a permission nobody may call. */
static json_t *rules(const struct resource *const policies[POLICY_N], enum protocol protocol)
{
    json_t *tree = json_object();
    policies_apply(policies, TARGET_INBOUND_RBAC, protocol, tree);
    return tree;
}

static struct memo_value run_inbound_rbac(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str name = key_get_str(&r);
    const struct resource *policies[POLICY_N];
    ask_policies(ctx, &r, TARGET_INBOUND_RBAC, policies);
    json_t *rbac = envoy_pack("{s: o}", "rules", rules(policies, PROTOCOL_HTTP));
    return value_resource(ctx, XDS_EXTENSION, envoy_discovered_config(name, ENVOY_HTTP_RBAC, rbac));
}
const struct memo_fn fn_inbound_rbac = {
    .name = "inbound_rbac", .run = run_inbound_rbac, .drop = drop_resource};

/* ---- the listener ---- */
struct listener {
    struct memo_ctx *ctx;
    struct str name, cluster, route, rbac;
    enum protocol protocol;
    const struct resource *policies[POLICY_N];
};

static json_t *hcm(const struct listener *l, bool guarded)
{
    json_t *filters = json_array();
    if (guarded)
        json_array_append_new(filters, envoy_discovered_http_filter(l->rbac, ENVOY_HTTP_RBAC));
    if (l->protocol == PROTOCOL_GRPC)
        json_array_append_new(filters, envoy_grpc_stats());
    json_array_append_new(filters, envoy_router());
    json_t *tree = envoy_hcm(envoy_stat_name(memo_arena(l->ctx), l->cluster), l->route, filters);
    json_object_update_new(tree, envoy_pack("{s: {s: o}, s: o, s: s, s: {s: b}}", "commonHttpProtocolOptions",
                                            "idleTimeout", envoy_duration(IDLE_NS), "streamIdleTimeout",
                                            envoy_duration(STREAM_IDLE_NS), "forwardClientCertDetails",
                                            "SANITIZE_SET", "setCurrentClientCertDetails", "uri", 1));
    return envoy_hcm_filter(tree);
}

/* 'guarded': the client is known by its certificate and must be allowed. */
static json_t *filters(const struct listener *l, bool guarded)
{
    if (protocol_is_http(l->protocol))
        return envoy_pack("[o]", hcm(l, guarded));
    struct arena *a = memo_arena(l->ctx);
    json_t *list = json_array();
    if (guarded) {
        struct str clean = envoy_stat_name(a, l->name);
        struct str prefix = arena_printf(a, STR_FMT ".", STR_ARG(clean));
        json_array_append_new(list, envoy_network_rbac(prefix, rules(l->policies, l->protocol)));
    }
    json_t *to = envoy_pack("[{s: s%}]", "name", PACK_STR(l->cluster));
    json_t *proxy = envoy_tcp_proxy(envoy_stat_name(a, l->cluster), to);
    json_decref(to);
    json_object_set_new(proxy, "idleTimeout", envoy_duration(IDLE_NS));
    json_array_append_new(list, envoy_tcp_filter(proxy));
    return list;
}

static json_t *server_tls(struct arena *a, const struct mesh_input *mesh)
{
    struct envoy_tls tls = tls_with_mesh(a, mesh);
    return envoy_downstream_tls(&tls);
}

/* xds.md 4.5: plain; TLS only; or both, where "kuma" in ALPN tells the mesh's TLS from the application's own.
 */
static void add_chains(json_t *listener, const struct listener *l)
{
    const struct mesh_input *mesh = ask_mesh(l->ctx);
    struct arena *a = memo_arena(l->ctx);
    if (mesh->serve == SERVE_PLAIN) {
        envoy_listener_add_chain(listener, envoy_chain(NULL, filters(l, false), NULL));
        return;
    }
    json_t *match = NULL;
    if (mesh->serve == SERVE_BOTH) {
        envoy_listener_inspect_tls(listener);
        envoy_listener_add_chain(
            listener,
            envoy_chain(envoy_pack("{s: s}", "transportProtocol", "raw_buffer"), filters(l, false), NULL));
        envoy_listener_add_chain(
            listener, envoy_chain(envoy_pack("{s: s}", "transportProtocol", "tls"), filters(l, false), NULL));
        match = envoy_pack("{s: s, s: [s]}", "transportProtocol", "tls", "applicationProtocols", "kuma");
    }
    envoy_listener_add_chain(listener, envoy_chain(match, filters(l, true), server_tls(a, mesh)));
}

static struct memo_value run_inbound_listener(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str address = key_get_str(&r);
    uint32_t port = key_get_u32(&r);
    bool redirected = key_get_u32(&r);
    struct tags tags = key_get_tags(&r, a);
    struct listener l = {.ctx = ctx, .protocol = (enum protocol)key_get_u32(&r)};
    l.cluster = key_get_str(&r);
    l.route = key_get_str(&r);
    l.rbac = key_get_str(&r);
    if (!protocol_is_http(l.protocol))
        ask_policies(ctx, &r, TARGET_INBOUND_RBAC, l.policies);
    struct str where = envoy_host_port(a, address, port);
    l.name = arena_printf(a, "inbound:" STR_FMT, STR_ARG(where));

    json_t *listener = envoy_listener(l.name, address, port, "INBOUND");
    json_object_set_new(listener, "enableReusePort", json_false());
    if (redirected)
        envoy_listener_set_redirected(listener);
    envoy_listener_set_tags(listener, tags_to_json(&tags, STR_NONE));
    add_chains(listener, &l);
    return value_resource(ctx, XDS_LISTENER, listener);
}
const struct memo_fn fn_inbound_listener = {
    .name = "inbound_listener", .run = run_inbound_listener, .drop = drop_resource};
