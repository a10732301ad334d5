/* Outbound listeners and their routes.
 *
 * An HTTP listener holds what does not change with policies: its address, and who the source is. Its routes
 * come by RDS and say nothing of the source, so every source of a service shares them. */
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

/* ---- x-kuma-tags ---- */
static int tag_order(const void *a, const void *b)
{
    const struct tag *x = a, *y = b;
    int c = str_cmp(x->key, y->key);
    return c ? c : str_cmp(x->value, y->value);
}

/* "&kuma.io/service=a,b&&version=v1&": every tag of the source, sorted, with all of its values. */
static struct str source_header(struct arena *a, struct tag_sets sets)
{
    size_t n = 0;
    for (size_t i = 0; i < sets.n; i++)
        n += sets.v[i].n;
    struct tag *all = ARENA_ARRAY(a, struct tag, n);
    n = 0;
    for (size_t i = 0; i < sets.n; i++) {
        for (size_t k = 0; k < sets.v[i].n; k++)
            all[n++] = sets.v[i].v[k];
    }
    qsort(all, n, sizeof *all, tag_order);
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && tag_order(&all[i - 1], &all[i]) == 0)
            continue;
        if (i > 0 && str_eq(all[i - 1].key, all[i].key))
            buf_printf(&b, "," STR_FMT, STR_ARG(all[i].value));
        else
            buf_printf(&b, "%s&" STR_FMT "=" STR_FMT, i ? "&" : "", STR_ARG(all[i].key),
                       STR_ARG(all[i].value));
    }
    if (n)
        buf_add_byte(&b, '&');
    struct str value = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return value;
}

/* ---- listeners ---- */
static json_t *http_filter(struct memo_ctx *ctx, struct key_reader *r, struct str service,
                           enum protocol protocol)
{
    struct arena *a = memo_arena(ctx);
    struct str route = key_get_str(r);
    struct key_reader source = key_read(call_args(memo_call_at(ctx, 1)));
    struct str header = source_header(a, key_get_tag_sets(&source, a));
    const struct resource *policies[POLICY_N];
    ask_policies(ctx, r, TARGET_OUTBOUND_HCM, policies);
    json_t *filters = json_array();
    if (protocol == PROTOCOL_GRPC)
        json_array_append_new(filters, envoy_grpc_stats());
    json_array_append_new(filters, envoy_router());
    json_t *hcm = envoy_hcm(envoy_stat_name(a, service), route, filters);
    json_object_set_new(hcm, "earlyHeaderMutationExtensions",
                        envoy_pack("[o]", envoy_early_header("x-kuma-tags", header)));
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

static struct memo_value run_outbound_listener(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(memo_n_calls(ctx) ? call_args(memo_call_at(ctx, 0)) : args);
    struct arena *a = memo_arena(ctx);
    struct str address = key_get_str(&r);
    uint32_t port = key_get_u32(&r);
    bool redirected = key_get_u32(&r);
    struct str service = key_get_str(&r);
    struct tags tags = key_get_tags(&r, a);
    enum protocol protocol = (enum protocol)key_get_u32(&r);

    struct str where = envoy_host_port(a, address, port);
    struct str name = arena_printf(a, "outbound:" STR_FMT, STR_ARG(where));
    json_t *listener = envoy_listener(name, address, port, "OUTBOUND");
    if (redirected)
        envoy_listener_set_redirected(listener);
    envoy_listener_set_tags(listener, tags_to_json(&tags, STR_NONE));
    json_t *filter = protocol_is_http(protocol) ? http_filter(ctx, &r, service, protocol)
                                                : tcp_filter(ctx, &r, service, protocol);
    envoy_listener_add_chain(listener,
                             filter ? envoy_chain(NULL, envoy_pack("[o]", filter), NULL) : json_object());
    return value_resource(ctx, XDS_LISTENER, listener);
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
