/* The probes part: one listener that passes health checks from outside on to the workloads, plain and beside
 * the inbounds, which ask for a certificate (xds.md 8.4).
 *
 * What it routes to is fixed by the Dataplane, so its routes are part of the listener. */
#include "../functions.h"
#include "ursa/base/json.h"

#define LISTENER STR("probe:listener")

static bool is_workload_port(const struct dp_networking *net, uint32_t port)
{
    for (size_t i = 0; i < net->n_inbound; i++) {
        if (inbound_is_served(&net->inbound[i]) && inbound_workload_port(&net->inbound[i]) == port)
            return true;
    }
    return false;
}

/* The path alone: Envoy compares it without the query. */
static struct str path_of(struct str uri)
{
    return str_slice(uri, 0, str_chr(uri, '?'));
}

void part_probes(struct memo_ctx *ctx, const struct params *params, const struct dataplane_spec *dp,
                 struct calls *out)
{
    (void)params;
    const struct dp_probes *probes = dp->probes;
    if (!probes)
        return;
    struct buf *k = memo_call(ctx, FN_PROBE_LISTENER);
    key_str(k, dp->networking->address);
    key_u32(k, probes->port);
    key_u32(k, networking_is_transparent(dp->networking));
    key_u32(k, (uint32_t)probes->n_endpoints);
    for (size_t i = 0; i < probes->n_endpoints; i++) {
        const struct dp_probe_endpoint *e = &probes->endpoints[i];
        key_str(k, path_of(e->path));
        key_str(k, path_of(e->inbound_path));
        key_u32(k, e->inbound_port);
        key_u32(k, is_workload_port(dp->networking, e->inbound_port));
    }
    calls_add(out, XDS_LISTENER, ctx);
}

/* What is substituted for the whole path: a backslash would refer to a part of what was matched. */
static struct str substitution(struct arena *a, struct str path)
{
    char *p = arena_alloc(a, 2 * path.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '\\')
            p[n++] = '\\';
        p[n++] = path.p[i];
    }
    return str_from(p, n);
}

/* A path at a port that no inbound serves belongs to something beside the mesh: who asks is sent there. */
static json_t *route(struct arena *a, struct key_reader *r)
{
    struct str path = key_get_str(r), to = key_get_str(r);
    uint32_t port = key_get_u32(r);
    bool is_workload = key_get_u32(r);
    json_t *match = envoy_pack("{s: s%, s: [{s: s, s: {s: s}}]}", "path", PACK_STR(path), "headers", "name",
                               ":method", "stringMatch", "exact", "GET");
    if (!is_workload)
        return envoy_pack("{s: o, s: {s: s%, s: I}}", "match", match, "redirect", "pathRedirect",
                          PACK_STR(to), "portRedirect", (json_int_t)port);
    struct str cluster = arena_printf(a, "localhost:%u", port), target = substitution(a, to);
    return envoy_pack("{s: o, s: {s: s%, s: {s: {s: s}, s: s%}}}", "match", match, "route", "cluster",
                      PACK_STR(cluster), "regexRewrite", "pattern", "regex", ".*", "substitution",
                      PACK_STR(target));
}

static struct memo_value run_probe_listener(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str address = key_get_str(&r);
    json_t *listener = envoy_listener(LISTENER, address, key_get_u32(&r), "INBOUND");
    json_object_set_new(listener, "enableReusePort", json_false());
    if (key_get_u32(&r))
        envoy_listener_set_redirected(listener);
    json_t *routes = json_array();
    for (uint32_t n = key_get_u32(&r); n > 0; n--)
        json_array_append_new(routes, route(a, &r));
    json_t *config = envoy_routes(STR("probe:route_configuration"), STR("probe"), routes);
    json_object_del(config, "validateClusters"); /* its clusters are the proxy's own */
    json_t *hcm = envoy_hcm(envoy_stat_name(a, LISTENER), STR(""), envoy_pack("[o]", envoy_router()));
    json_object_set_new(hcm, "routeConfig", config);
    envoy_listener_add_chain(listener, envoy_chain(NULL, envoy_pack("[o]", envoy_hcm_filter(hcm)), NULL));
    return value_resource(ctx, XDS_LISTENER, listener);
}
const struct memo_fn fn_probe_listener = {
    .name = "probe_listener", .run = run_probe_listener, .drop = drop_resource};
