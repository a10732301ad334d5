/* The direct access part: what a transparent proxy may dial by address, beside the mesh's services (xds.md
 * 8.1). Headless applications find their peers that way.
 *
 * Where the chosen services' inbounds listen is found out once for all who choose the same; a proxy leaves
 * out the addresses at which it listens itself. */
#include "../functions.h"
#include "ursa/base/clock.h"
#include "ursa/base/hash.h"
#include "ursa/base/json.h"

#include <stdlib.h>

#define CLUSTER STR("direct_access")
#define CONNECT_NS (10 * NS_PER_S)

static void key_place(struct buf *k, struct str address, uint32_t port)
{
    key_str(k, address);
    key_u32(k, port);
}

/* Two listeners cannot have one address. */
static struct str_list taken(struct arena *a, const struct dp_networking *net)
{
    struct str_list list = {.v = ARENA_ARRAY(a, struct str, net->n_inbound + net->n_outbound)};
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < net->n_inbound; i++) {
        buf_clear(&b);
        key_place(&b, inbound_address(net, &net->inbound[i]), net->inbound[i].port);
        list.v[list.n++] = arena_str(a, buf_str(&b));
    }
    for (size_t i = 0; i < net->n_outbound; i++) {
        buf_clear(&b);
        key_place(&b, outbound_address(&net->outbound[i]), net->outbound[i].port);
        list.v[list.n++] = arena_str(a, buf_str(&b));
    }
    buf_fini(&b);
    return list;
}

static struct str_list chosen_services(struct str all[1], const struct str_list *services)
{
    for (size_t i = 0; i < services->n; i++) {
        if (str_eq(services->v[i], STR("*"))) {
            all[0] = services->v[i];
            return (struct str_list){.v = all, .n = 1};
        }
    }
    return *services;
}

void part_direct(struct memo_ctx *ctx, const struct params *params, const struct dataplane_spec *dp,
                 struct calls *out)
{
    (void)params;
    const struct dp_networking *net = dp->networking;
    if (!networking_is_transparent(net) || net->transparent_proxying->direct_access_services.n == 0)
        return;
    struct arena *a = memo_arena(ctx);
    struct str all[1];
    struct str_list services = chosen_services(all, &net->transparent_proxying->direct_access_services);
    struct str_list own = taken(a, net);
    struct buf *k = memo_call(ctx, FN_DIRECT);
    key_set(k, &own, a);
    key_set(k, &services, a);
    calls_add_all(out, memo_get(ctx));
}

/* ---- the targets ---- */

static void add_target(struct memo_ctx *ctx, struct direct_targets *t, struct str where)
{
    buf_add_str(memo_call(ctx, FN_DIRECT_LISTENER), where);
    struct call *listener = memo_name(ctx);
    memo_keep(ctx, listener);
    VEC_PUSH(&t->v, ((struct direct_target){arena_str(&t->arena, where), listener}));
}

static struct memo_value run_direct_targets(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str_list services = key_get_strs(&r, memo_arena(ctx));
    struct VEC(struct str) places = {0};
    for (size_t i = 0; i < services.n; i++) {
        key_str(memo_call(ctx, FN_IN_INBOUNDS), services.v[i]);
        struct key_reader inbounds = key_read(blob_str(memo_get(ctx)));
        while (key_more(&inbounds)) {
            const char *from = inbounds.p;
            key_get_str(&inbounds);
            key_get_u32(&inbounds);
            VEC_PUSH(&places, str_from(from, (size_t)(inbounds.p - from)));
        }
    }
    struct direct_targets *t = xcalloc(1, sizeof *t);
    arena_init(&t->arena);
    uint64_t version = 0;
    size_t n = str_sort_distinct(places.v, places.n);
    for (size_t i = 0; i < n; i++) {
        add_target(ctx, t, places.v[i]);
        version = hash_mix(version, call_id(t->v.v[i].listener));
    }
    VEC_FINI(&places);
    return (struct memo_value){t, version | 1};
}
static void drop_targets(void *value)
{
    struct direct_targets *t = value;
    VEC_FINI(&t->v);
    arena_fini(&t->arena);
    free(t);
}
const struct memo_fn fn_direct_targets = {
    .name = "direct_targets", .run = run_direct_targets, .drop = drop_targets};

/* ---- one proxy's ---- */

static struct memo_value run_direct(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str_list own = key_get_strs(&r, a), services = key_get_strs(&r, a);
    key_strs(memo_call(ctx, FN_DIRECT_TARGETS), &services);
    const struct direct_targets *t = memo_get(ctx);
    struct calls *out = calls_new();
    for (size_t i = 0; i < t->v.n; i++) {
        if (own.n && bsearch(&t->v.v[i].where, own.v, own.n, sizeof own.v[0], str_order))
            continue;
        VEC_PUSH(&out->v[XDS_LISTENER], t->v.v[i].listener);
    }
    calls_fold(out, ctx);
    memo_call(ctx, FN_DIRECT_CLUSTER);
    calls_add(out, XDS_CLUSTER, ctx);
    return value_calls(ctx, out);
}
const struct memo_fn fn_direct = {.name = "direct", .run = run_direct, .drop = drop_calls};

static struct memo_value run_direct_listener(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str address = key_get_str(&r);
    uint32_t port = key_get_u32(&r);
    struct str name = arena_printf(a, "direct_access_" STR_FMT ":%u", STR_ARG(address), port);
    json_t *listener = envoy_listener(name, address, port, "OUTBOUND");
    json_t *to = envoy_pack("[{s: s%}]", "name", PACK_STR(CLUSTER));
    json_t *proxy = envoy_tcp_proxy(envoy_stat_name(a, name), to);
    json_decref(to);
    envoy_listener_set_redirected(listener);
    envoy_listener_add_chain(listener, envoy_chain(NULL, envoy_pack("[o]", envoy_tcp_filter(proxy)), NULL));
    return value_resource(ctx, XDS_LISTENER, listener);
}
const struct memo_fn fn_direct_listener = {
    .name = "direct_listener", .run = run_direct_listener, .drop = drop_resource};

/* Nobody knows which service is at an address: anyone of the mesh will do. */
static struct memo_value run_direct_cluster(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    struct arena *a = memo_arena(ctx);
    const struct mesh_input *mesh = ask_mesh(ctx);
    json_t *cluster = envoy_original_dst_cluster(CLUSTER);
    json_object_set_new(cluster, "connectTimeout", envoy_duration(CONNECT_NS));
    if (mesh->dial != DIAL_PLAIN) {
        struct envoy_tls tls = tls_with_mesh(a, mesh);
        envoy_cluster_set_tls(cluster, envoy_upstream_tls(&tls, "kuma", STR("")));
    }
    return value_resource(ctx, XDS_CLUSTER, cluster);
}
const struct memo_fn fn_direct_cluster = {
    .name = "direct_cluster", .run = run_direct_cluster, .drop = drop_resource};
