/* The inbound part: one listener, one local cluster an inbound; for HTTP also routes and the permission
 * filter.
 *
 * Who may call an HTTP inbound is an HTTP filter whose rules come by ECDS, so a permission changes without
 * touching the listener. TCP has no such way: there the rules are a network filter in the listener. */
#include "../functions.h"
#include "ursa/base/map.h"

struct inbound {
    struct str address, workload_address, service;
    uint32_t port, workload_port;
    struct tags tags;
    enum protocol protocol;
    struct str cluster, route, rbac; /* names; "" where it has none */
    struct str policy[POLICY_N];     /* chosen names */
    bool redirected;                 /* the proxy is transparent */
};

void part_inbound(struct memo_ctx *ctx, const struct params *params, const struct dataplane_spec *dp,
                  struct calls *out)
{
    (void)params;
    const struct dp_networking *net = dp->networking;
    struct buf *k = memo_call(ctx, FN_INBOUND);
    uint32_t n = 0;
    for (size_t i = 0; i < net->n_inbound; i++)
        n += inbound_is_served(&net->inbound[i]);
    key_u32(k, networking_is_transparent(net));
    key_u32(k, n);
    for (size_t i = 0; i < net->n_inbound; i++) {
        const struct dp_inbound *in = &net->inbound[i];
        if (!inbound_is_served(in))
            continue;
        key_str(k, inbound_address(net, in));
        key_u32(k, in->port);
        key_str(k, inbound_workload_address(net, in));
        key_u32(k, inbound_workload_port(in));
        key_tags(k, &in->tags);
    }
    calls_add_all(out, memo_get(ctx));
}

static struct inbound *read_inbounds(struct str args, struct arena *a, size_t *n)
{
    struct key_reader r = key_read(args);
    bool redirected = key_get_u32(&r);
    *n = key_get_u32(&r);
    struct inbound *v = ARENA_ARRAY(a, struct inbound, *n);
    for (size_t i = 0; i < *n; i++) {
        v[i].redirected = redirected;
        v[i].address = key_get_str(&r);
        v[i].port = key_get_u32(&r);
        v[i].workload_address = key_get_str(&r);
        v[i].workload_port = key_get_u32(&r);
        v[i].tags = key_get_tags(&r, a);
        v[i].service = tags_get(&v[i].tags, TAG_SERVICE);
    }
    return v;
}

/* Names that the inbounds of one proxy have taken. */
struct taken {
    struct map services, ports, workloads;
};

/* "inbound:<service>" for its first inbound, so that replicas share; further ones of the service add where
 * they listen. */
static struct str route_name(struct arena *a, struct taken *taken, struct inbound *in)
{
    if (!map_put(&taken->services, in->service, in))
        return arena_printf(a, "inbound:" STR_FMT, STR_ARG(in->service));
    struct str where = envoy_host_port(a, in->address, in->port);
    return arena_printf(a, "inbound:" STR_FMT ":" STR_FMT, STR_ARG(in->service), STR_ARG(where));
}

/* What a workload is spoken to in: tcp, http or http2. */
static enum protocol wire_protocol(enum protocol p)
{
    if (!protocol_is_http(p))
        return PROTOCOL_TCP;
    return p == PROTOCOL_HTTP ? PROTOCOL_HTTP : PROTOCOL_HTTP2;
}

/* "localhost:<port>" for the first workload on that port. One on another address, or one that is spoken to
 * otherwise, is another cluster: it adds where its inbound listens. (In the reference the last one takes the
 * name and gets the requests of all.) */
static struct str cluster_name(struct arena *a, struct taken *taken, struct inbound *in)
{
    struct str workload = arena_printf(a, "%u %u " STR_FMT, in->workload_port, wire_protocol(in->protocol),
                                       STR_ARG(in->workload_address));
    const struct inbound *same = map_find(&taken->workloads, workload);
    if (same)
        return same->cluster;
    map_put(&taken->workloads, workload, in);
    if (!map_put(&taken->ports, str_from(&in->workload_port, sizeof in->workload_port), in))
        return arena_printf(a, "localhost:%u", in->workload_port);
    struct str where = envoy_host_port(a, in->address, in->port);
    return arena_printf(a, "localhost:%u:" STR_FMT, in->workload_port, STR_ARG(where));
}

/* The names of the policies of this inbound. */
static void choose(struct memo_ctx *ctx, const struct tags *tags, struct str names[POLICY_N])
{
    for (unsigned id = 0; id < POLICY_N; id++) {
        if (policy_get(id)->scope != POLICY_PER_INBOUND)
            continue;
        struct buf *k = memo_call(ctx, FN_CHOOSE_INBOUND);
        key_u32(k, id);
        key_tags(k, tags);
        names[id] = ((const struct name_list *)memo_get(ctx))->v[0];
    }
}

static void add_cluster(struct memo_ctx *ctx, const struct inbound *in, struct calls *out)
{
    struct buf *k = memo_call(ctx, FN_INBOUND_CLUSTER);
    key_str(k, in->cluster);
    key_str(k, in->workload_address);
    key_u32(k, in->workload_port);
    key_u32(k, wire_protocol(in->protocol));
    key_u32(k, in->redirected);
    calls_add(out, XDS_CLUSTER, ctx);
}

static void add_routes(struct memo_ctx *ctx, const struct inbound *in, struct calls *out)
{
    struct buf *k = memo_call(ctx, FN_INBOUND_ROUTES);
    key_str(k, in->route);
    key_str(k, in->service);
    key_str(k, in->cluster);
    calls_add(out, XDS_ROUTE, ctx);
}

static void add_rbac(struct memo_ctx *ctx, const struct inbound *in, struct calls *out)
{
    struct buf *k = memo_call(ctx, FN_INBOUND_RBAC);
    key_str(k, in->rbac);
    key_policies(k, in->policy, TARGET_INBOUND_RBAC);
    calls_add(out, XDS_EXTENSION, ctx);
}

/* For HTTP, who may call is no business of the listener: it only names the filter. */
static void add_listener(struct memo_ctx *ctx, const struct inbound *in, struct calls *out)
{
    struct buf *k = memo_call(ctx, FN_INBOUND_LISTENER);
    key_str(k, in->address);
    key_u32(k, in->port);
    key_u32(k, in->redirected);
    key_tags(k, &in->tags);
    key_u32(k, in->protocol);
    key_str(k, in->cluster);
    key_str(k, in->route);
    key_str(k, in->rbac);
    if (!protocol_is_http(in->protocol))
        key_policies(k, in->policy, TARGET_INBOUND_RBAC);
    calls_add(out, XDS_LISTENER, ctx);
}

static void add_inbound(struct memo_ctx *ctx, struct inbound *in, struct taken *taken, struct calls *out)
{
    struct arena *a = memo_arena(ctx);
    in->protocol = protocol_parse(tags_get(&in->tags, TAG_PROTOCOL));
    in->cluster = cluster_name(a, taken, in);
    bool http = protocol_is_http(in->protocol), mtls = ask_mesh(ctx)->mtls;
    if (http)
        in->route = route_name(a, taken, in);
    if (http && mtls)
        in->rbac = arena_printf(a, "rbac:" STR_FMT, STR_ARG(in->route));
    if (mtls) /* without certificates nobody can be told from anybody */
        choose(ctx, &in->tags, in->policy);

    add_cluster(ctx, in, out);
    if (in->route.n)
        add_routes(ctx, in, out);
    if (in->rbac.n)
        add_rbac(ctx, in, out);
    add_listener(ctx, in, out);
}

static struct memo_value run_inbound(struct memo_ctx *ctx, struct str args)
{
    size_t n;
    struct inbound *v = read_inbounds(args, memo_arena(ctx), &n);
    struct calls *out = calls_new();
    struct taken taken = {0};
    for (size_t i = 0; i < n; i++)
        add_inbound(ctx, &v[i], &taken, out);
    map_fini(&taken.services);
    map_fini(&taken.ports);
    map_fini(&taken.workloads);
    return value_calls(ctx, out);
}
const struct memo_fn fn_inbound = {.name = "inbound", .run = run_inbound, .drop = drop_calls};
