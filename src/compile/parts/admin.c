/* The admin part: Envoy's own admin port, offered on the proxy's address behind a certificate (xds.md 8.5).
 *
 * The reference puts certificate and private key into the listener, so they are part of every listener update
 * and of every configuration dump. Here they are secrets like all others and the listener stands still. */
#include "../functions.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* The node says its admin address itself: anything but loopback would make the listener a way to another
 * host. Listening everywhere includes loopback, where we reach it. */
struct str admin_loopback(struct str admin_address)
{
    if (admin_address.n == 0 || str_eq(admin_address, STR("0.0.0.0")) ||
        str_eq(admin_address, STR("127.0.0.1")))
        return STR("127.0.0.1");
    if (str_eq(admin_address, STR("::")) || str_eq(admin_address, STR("::1")))
        return STR("::1");
    return STR_NONE;
}

void part_admin(struct memo_ctx *ctx, const struct params *params, const struct dataplane_spec *dp,
                struct calls *out)
{
    struct str loopback = admin_loopback(params->admin_address), address = dp->networking->address;
    if (!params->admin_port || !loopback.n)
        return;
    struct buf *k = memo_call(ctx, FN_ADMIN_CLUSTER);
    key_str(k, loopback);
    key_u32(k, params->admin_port);
    calls_add(out, XDS_CLUSTER, ctx);
    /* On the admin port's own address the listener would take its place. */
    if (address.n == 0 || str_eq(address, loopback))
        return;
    k = memo_call(ctx, FN_ADMIN_LISTENER);
    key_str(k, address);
    key_u32(k, params->admin_port);
    calls_add(out, XDS_LISTENER, ctx);
    key_str(memo_call(ctx, FN_SECRET_ADMIN), params->name);
    calls_add(out, XDS_SECRET, ctx);
    key_str(memo_call(ctx, FN_SECRET_ADMIN_CA), params->name);
    calls_add(out, XDS_SECRET, ctx);
}

static struct memo_value run_admin_cluster(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str address = key_get_str(&r);
    json_t *cluster = envoy_static_cluster(ADMIN_NAME, address, key_get_u32(&r));
    json_object_set_new(cluster, "connectTimeout", envoy_duration(10 * NS_PER_S));
    return value_resource(ctx, XDS_CLUSTER, cluster);
}
const struct memo_fn fn_admin_cluster = {
    .name = "admin_cluster", .run = run_admin_cluster, .drop = drop_resource};

/* Its routes are fixed, so they are part of the listener. */
static json_t *chain(struct arena *a, const char *prefix, json_t *match, json_t *tls)
{
    json_t *action = envoy_pack("{s: s%, s: s}", "cluster", PACK_STR(ADMIN_NAME), "prefixRewrite", prefix);
    json_t *routes = envoy_routes(STR(""), ADMIN_NAME, envoy_pack("[o]", envoy_prefix_route(prefix, action)));
    json_t *hcm = envoy_hcm(envoy_stat_name(a, ADMIN_NAME), STR(""), envoy_pack("[o]", envoy_router()));
    json_object_set_new(hcm, "routeConfig", routes);
    return envoy_chain(match, envoy_pack("[o]", envoy_hcm_filter(hcm)), tls);
}

static struct memo_value run_admin_listener(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str address = key_get_str(&r);
    struct envoy_tls tls = {.identity_secret = ADMIN_SECRET,
                            .ca_secret = ADMIN_CA_SECRET,
                            .san_type = "DNS",
                            .san_match = "exact",
                            .san = STR("kuma-cp")};
    json_t *listener = envoy_listener(ADMIN_NAME, address, key_get_u32(&r), "INBOUND");
    json_object_set_new(listener, "enableReusePort", json_false());
    envoy_listener_inspect_tls(listener);
    envoy_listener_add_chain(listener, chain(a, "/ready", NULL, NULL));
    envoy_listener_add_chain(listener, chain(a, "/", envoy_pack("{s: s}", "transportProtocol", "tls"),
                                             envoy_downstream_tls(&tls)));
    return value_resource(ctx, XDS_LISTENER, listener);
}
const struct memo_fn fn_admin_listener = {
    .name = "admin_listener", .run = run_admin_listener, .drop = drop_resource};

static const struct admin_cert *ask_admin_cert(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    key_str(memo_call(ctx, FN_IN_ADMIN_CERT), key_get_str(&r));
    return memo_get(ctx);
}

static struct memo_value run_secret_admin(struct memo_ctx *ctx, struct str args)
{
    const struct admin_cert *cert = ask_admin_cert(ctx, args);
    if (!cert)
        return (struct memo_value){0};
    return value_secret(ctx, envoy_secret_certificate(ADMIN_SECRET, blob_str(cert->leaf->cert_pem),
                                                      blob_str(cert->leaf->key_pem)));
}
const struct memo_fn fn_secret_admin = {
    .name = "secret_admin", .run = run_secret_admin, .drop = drop_resource};

static struct memo_value run_secret_admin_ca(struct memo_ctx *ctx, struct str args)
{
    const struct admin_cert *cert = ask_admin_cert(ctx, args);
    if (!cert)
        return (struct memo_value){0};
    return value_resource(ctx, XDS_SECRET, envoy_secret_ca(ADMIN_CA_SECRET, blob_str(cert->ca)));
}
const struct memo_fn fn_secret_admin_ca = {
    .name = "secret_admin_ca", .run = run_secret_admin_ca, .drop = drop_resource};
