/* The inbound part: one listener, one local cluster an inbound; for HTTP also routes and the permission
 * filter.
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

struct inbound {
    struct str address, workload_address, service;
    uint32_t port, workload_port;
    struct tags tags;
};

static bool is_served(const struct dp_inbound *in)
{
    return in->port && tags_get(&in->tags, TAG_SERVICE).n;
}

void call_inbound(struct buf *k, const struct dp_networking *net)
{
    uint32_t n = 0;
    for (size_t i = 0; i < net->n_inbound; i++)
        n += is_served(&net->inbound[i]);
    key_u32(k, n);
    for (size_t i = 0; i < net->n_inbound; i++) {
        const struct dp_inbound *in = &net->inbound[i];
        if (!is_served(in))
            continue;
        key_str(k, inbound_address(net, in));
        key_u32(k, in->port);
        key_str(k, inbound_workload_address(net, in));
        key_u32(k, inbound_workload_port(in));
        key_tags(k, &in->tags);
    }
}

static struct inbound *read_inbounds(struct str args, struct arena *a, size_t *n)
{
    struct key_reader r = key_read(args);
    *n = key_get_u32(&r);
    struct inbound *v = ARENA_ARRAY(a, struct inbound, *n);
    for (size_t i = 0; i < *n; i++) {
        v[i].address = key_get_str(&r);
        v[i].port = key_get_u32(&r);
        v[i].workload_address = key_get_str(&r);
        v[i].workload_port = key_get_u32(&r);
        v[i].tags = key_get_tags(&r, a);
        v[i].service = tags_get(&v[i].tags, TAG_SERVICE);
    }
    return v;
}

/* "inbound:<service>" for its first inbound, so that replicas share; further ones of the service add where
 * they listen. */
static struct str route_name(struct arena *a, const struct inbound *v, size_t at)
{
    const struct inbound *in = &v[at];
    struct str where = envoy_host_port(a, in->address, in->port);
    for (size_t i = 0; i < at; i++) {
        if (str_eq(v[i].service, in->service))
            return arena_printf(a, "inbound:" STR_FMT ":" STR_FMT, STR_ARG(in->service), STR_ARG(where));
    }
    return arena_printf(a, "inbound:" STR_FMT, STR_ARG(in->service));
}

static struct str chosen_permission(struct memo_ctx *ctx, const struct tags *tags)
{
    struct buf *k = memo_call(ctx, FN_CHOOSE_INBOUND);
    key_u32(k, POLICY_TRAFFIC_PERMISSION);
    key_tags(k, tags);
    const struct name_list *chosen = memo_get(ctx);
    return chosen->v[0];
}

static void add_cluster(struct memo_ctx *ctx, const struct inbound *in, enum protocol protocol,
                        struct str name, struct calls *out)
{
    struct buf *k = memo_call(ctx, FN_INBOUND_CLUSTER);
    key_str(k, name);
    key_str(k, in->workload_address);
    key_u32(k, in->workload_port);
    key_u32(k, protocol);
    calls_add(out, XDS_CLUSTER, ctx);
}

static void add_routes(struct memo_ctx *ctx, struct str route, struct str service, struct str cluster,
                       struct calls *out)
{
    struct buf *k = memo_call(ctx, FN_INBOUND_ROUTES);
    key_str(k, route);
    key_str(k, service);
    key_str(k, cluster);
    calls_add(out, XDS_ROUTE, ctx);
}

static void add_inbound(struct memo_ctx *ctx, const struct inbound *v, size_t at, struct calls *out)
{
    struct arena *a = memo_arena(ctx);
    const struct inbound *in = &v[at];
    enum protocol protocol = protocol_parse(tags_get(&in->tags, TAG_PROTOCOL));
    bool http = protocol_is_http(protocol);
    struct str cluster = arena_printf(a, "localhost:%u", in->workload_port);
    struct str route = http ? route_name(a, v, at) : STR("");
    struct str rbac = STR(""), permission = STR("");
    add_cluster(ctx, in, protocol, cluster, out);
    if (http)
        add_routes(ctx, route, in->service, cluster, out);
    if (ask_mesh(ctx)->mtls) {
        permission = chosen_permission(ctx, &in->tags);
        if (http) {
            rbac = arena_printf(a, "rbac:" STR_FMT, STR_ARG(route));
            struct buf *k = memo_call(ctx, FN_INBOUND_RBAC);
            key_str(k, rbac);
            key_str(k, permission);
            calls_add(out, XDS_EXTENSION, ctx);
            permission = STR(""); /* no business of the listener */
        }
    }
    struct buf *k = memo_call(ctx, FN_INBOUND_LISTENER);
    key_str(k, in->address);
    key_u32(k, in->port);
    key_tags(k, &in->tags);
    key_u32(k, protocol);
    key_str(k, cluster);
    key_str(k, route);
    key_str(k, rbac);
    key_str(k, permission);
    calls_add(out, XDS_LISTENER, ctx);
}

static struct memo_value run_inbound(struct memo_ctx *ctx, struct str args)
{
    size_t n;
    const struct inbound *v = read_inbounds(args, memo_arena(ctx), &n);
    struct calls *out = calls_new();
    for (size_t i = 0; i < n; i++)
        add_inbound(ctx, v, i, out);
    return value_calls(out);
}
const struct memo_fn fn_inbound = {.name = "inbound", .run = run_inbound, .drop = drop_calls};

/* ---- resources ---- */
static struct memo_value run_inbound_cluster(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str name = key_get_str(&r), address = key_get_str(&r);
    uint32_t port = key_get_u32(&r);
    enum protocol protocol = (enum protocol)key_get_u32(&r);
    json_t *cluster = envoy_static_cluster(name, address, port);
    json_object_set_new(cluster, "connectTimeout", envoy_duration(CONNECT_NS));
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

/* envoy.config.rbac.v3.RBAC under the permission of this name ("": nobody may call). */
static json_t *rules(struct memo_ctx *ctx, struct str permission, enum protocol protocol)
{
    const struct resource *policies[POLICY_N] = {0};
    policies[POLICY_TRAFFIC_PERMISSION] = ask_policy(ctx, RES_TRAFFIC_PERMISSION, permission);
    json_t *tree = json_object();
    policies_apply(policies, TARGET_INBOUND_RBAC, protocol, tree);
    return tree;
}

static struct memo_value run_inbound_rbac(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str name = key_get_str(&r), permission = key_get_str(&r);
    json_t *rbac = envoy_pack("{s: o}", "rules", rules(ctx, permission, PROTOCOL_HTTP));
    return value_resource(ctx, XDS_EXTENSION, envoy_discovered_config(name, ENVOY_HTTP_RBAC, rbac));
}
const struct memo_fn fn_inbound_rbac = {
    .name = "inbound_rbac", .run = run_inbound_rbac, .drop = drop_resource};

/* ---- the listener ---- */
struct listener {
    struct memo_ctx *ctx;
    struct str name, cluster, route, rbac, permission;
    enum protocol protocol;
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
        json_array_append_new(list, envoy_network_rbac(prefix, rules(l->ctx, l->permission, l->protocol)));
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
    struct envoy_tls tls = {
        .identity_secret = name_identity_secret(a, mesh->name),
        .ca_secret = name_ca_secret(a, mesh->name),
        .san_type = "URI",
        .san_match = "prefix",
        .san = arena_printf(a, "spiffe://" STR_FMT "/", STR_ARG(mesh->name)),
    };
    return envoy_downstream_tls(&tls);
}

/* xds.md 4.5: plain; TLS only; or both, where "kuma" in ALPN tells the mesh's TLS from the application's own.
 */
static void add_chains(json_t *listener, const struct listener *l)
{
    const struct mesh_input *mesh = ask_mesh(l->ctx);
    struct arena *a = memo_arena(l->ctx);
    if (!mesh->mtls) {
        envoy_listener_add_chain(listener, envoy_chain(NULL, filters(l, false), NULL));
        return;
    }
    json_t *match = NULL;
    if (mesh->permissive) {
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
    struct tags tags = key_get_tags(&r, a);
    struct listener l = {.ctx = ctx, .protocol = (enum protocol)key_get_u32(&r)};
    l.cluster = key_get_str(&r);
    l.route = key_get_str(&r);
    l.rbac = key_get_str(&r);
    l.permission = key_get_str(&r);
    struct str where = envoy_host_port(a, address, port);
    l.name = arena_printf(a, "inbound:" STR_FMT, STR_ARG(where));

    json_t *listener = envoy_listener(l.name, address, port, "INBOUND");
    json_object_set_new(listener, "enableReusePort", json_false());
    envoy_listener_set_tags(listener, tags_to_json(&tags, STR_NONE));
    add_chains(listener, &l);
    return value_resource(ctx, XDS_LISTENER, listener);
}
const struct memo_fn fn_inbound_listener = {
    .name = "inbound_listener", .run = run_inbound_listener, .drop = drop_resource};
