/* Outbound listeners and their routes.
 *
 * An HTTP listener holds what does not change with policies: its address, and who the source is. There is one
 * for each source, so it is encoded once and the source filled in. Its routes come by RDS and say nothing of
 * the source, so every source of a service shares them. */
#include "../functions.h"
#include "ursa/base/json.h"

static json_t *read_clusters(struct key_reader *r)
{
    json_t *clusters = json_array();
    for (uint32_t n = key_get_u32(r); n > 0; n--) {
        struct str name = key_get_str(r);
        json_array_append_new(clusters, envoy_pack("{s: s%, s: I}", "name", PACK_STR(name), "weight",
                                                   (json_int_t)key_get_u32(r)));
    }
    return clusters;
}

/* ---- listeners ---- */
static json_t *http_filter(struct memo_ctx *ctx, struct key_reader *r, struct str service,
                           enum protocol protocol, json_t *who_calls)
{
    struct str route = key_get_str(r);
    const struct resource *policies[POLICY_N];
    ask_policies(ctx, r, TARGET_OUTBOUND_HCM, policies);
    json_t *filters = json_array();
    if (protocol == PROTOCOL_GRPC)
        json_array_append_new(filters, envoy_grpc_stats());
    json_array_append_new(filters, envoy_router());
    json_t *hcm = envoy_hcm(envoy_stat_name(memo_arena(ctx), service), route, filters);
    json_object_set_new(hcm, "earlyHeaderMutationExtensions",
                        envoy_pack("[o]", envoy_early_header("x-kuma-tags", who_calls)));
    policies_apply(policies, TARGET_OUTBOUND_HCM, protocol, hcm);
    return envoy_hcm_filter(hcm);
}

/* NULL when there is nowhere to go. */
static json_t *tcp_filter(struct memo_ctx *ctx, struct key_reader *r, struct str service,
                          enum protocol protocol)
{
    json_t *clusters = read_clusters(r);
    const struct resource *policies[POLICY_N];
    ask_policies(ctx, r, TARGET_OUTBOUND_TCP, policies);
    json_t *proxy = NULL;
    if (json_array_size(clusters)) {
        proxy = envoy_tcp_proxy(envoy_stat_name(memo_arena(ctx), service), clusters);
        policies_apply(policies, TARGET_OUTBOUND_TCP, protocol, proxy);
    }
    json_decref(clusters);
    return proxy ? envoy_tcp_filter(proxy) : NULL;
}

/* 'who_calls' is taken over; NULL: it is not HTTP. */
static json_t *listener(struct memo_ctx *ctx, struct str outbound, json_t *who_calls)
{
    struct key_reader r = key_read(outbound);
    struct arena *a = memo_arena(ctx);
    struct str address = key_get_str(&r);
    uint32_t port = key_get_u32(&r);
    bool redirected = key_get_u32(&r);
    struct str service = key_get_str(&r);
    struct tags tags = key_get_tags(&r, a);
    enum protocol protocol = (enum protocol)key_get_u32(&r);

    struct str where = envoy_host_port(a, address, port);
    struct str name = arena_printf(a, "outbound:" STR_FMT, STR_ARG(where));
    json_t *tree = envoy_listener(name, address, port, "OUTBOUND");
    if (redirected)
        envoy_listener_set_redirected(tree);
    envoy_listener_set_tags(tree, tags_to_json(&tags, STR_NONE));
    json_t *filter = who_calls ? http_filter(ctx, &r, service, protocol, who_calls)
                               : tcp_filter(ctx, &r, service, protocol);
    envoy_listener_add_chain(tree,
                             filter ? envoy_chain(NULL, envoy_pack("[o]", filter), NULL) : json_object());
    return tree;
}

static struct memo_value run_outbound_template(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    json_t *who_calls = json_string("");
    json_t *tree = listener(ctx, call_args(memo_call_at(ctx, 0)), who_calls);
    return value_template(ctx, XDS_LISTENER, tree, who_calls);
}
const struct memo_fn fn_outbound_template = {
    .name = "outbound_template", .run = run_outbound_template, .drop = drop_template};

static struct memo_value run_outbound_listener(struct memo_ctx *ctx, struct str args)
{
    if (memo_n_calls(ctx) == 0)
        return value_resource(ctx, XDS_LISTENER, listener(ctx, args, NULL));
    memo_call(ctx, FN_OUTBOUND_TEMPLATE);
    memo_add_call(ctx, memo_call_at(ctx, 0));
    const struct xds_template *t = memo_get(ctx);
    return t ? value_encoded(ctx, xds_template_fill(t, call_args(memo_call_at(ctx, 1))))
             : (struct memo_value){0};
}
const struct memo_fn fn_outbound_listener = {
    .name = "outbound_listener", .run = run_outbound_listener, .drop = drop_resource};

/* ---- routes ---- */
static struct memo_value run_routes(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str name = key_get_str(&r), service = key_get_str(&r);
    enum protocol protocol = (enum protocol)key_get_u32(&r);
    json_t *clusters = read_clusters(&r);
    const struct resource *policies[POLICY_N];
    ask_policies(ctx, &r, TARGET_ROUTES, policies);
    json_t *route = envoy_prefix_route("/", envoy_route_action(clusters));
    json_decref(clusters);
    json_t *config = envoy_routes(name, service, envoy_pack("[o]", route));
    policies_apply(policies, TARGET_ROUTES, protocol, config);
    return value_resource(ctx, XDS_ROUTE, config);
}
const struct memo_fn fn_routes = {.name = "routes", .run = run_routes, .drop = drop_resource};
