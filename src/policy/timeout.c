/* Timeout: connection, idle, request and stream limits of outbound traffic (xds.md 9.2).
 *
 * Request limits are routes, so they change without touching a listener; idle limits of connections exist in
 * the listener only. Without a policy everything is off but the connection's own limit. */
#include "policy.h"
#include "ursa/base/clock.h"

#define DEFAULT_CONNECT_NS (10 * NS_PER_S)

static const struct timeout_http no_http;
static const struct timeout_tcp no_tcp;
static const struct timeout_grpc no_grpc;
static const struct timeout_conf no_conf;

static void apply_cluster(const struct timeout_conf *c, enum protocol protocol, json_t *cluster)
{
    const struct timeout_http *http = c->http ? c->http : &no_http;
    const struct timeout_grpc *grpc = c->grpc ? c->grpc : &no_grpc;
    struct opt_dur connect =
        c->connect_timeout.set ? c->connect_timeout : (struct opt_dur){true, DEFAULT_CONNECT_NS};
    put_duration(cluster, "connectTimeout", connect);
    if (!protocol_is_http(protocol))
        return;
    json_t *common = envoy_cluster_common_http(cluster);
    put_duration_or_zero(common, "idleTimeout", http->idle_timeout);
    struct opt_dur stream = http->max_stream_duration;
    if (stream.ns == 0 && protocol == PROTOCOL_GRPC)
        stream = grpc->max_stream_duration;
    if (stream.ns != 0)
        put_duration(common, "maxStreamDuration", stream);
}

static void apply_hcm(const struct timeout_conf *c, enum protocol protocol, json_t *hcm)
{
    const struct timeout_http *http = c->http ? c->http : &no_http;
    const struct timeout_grpc *grpc = c->grpc ? c->grpc : &no_grpc;
    json_t *common = json_object();
    put_duration_or_zero(common, "idleTimeout", http->idle_timeout);
    json_object_set_new(hcm, "commonHttpProtocolOptions", common);
    struct opt_dur idle = http->stream_idle_timeout;
    if (!idle.set && protocol == PROTOCOL_GRPC)
        idle = grpc->stream_idle_timeout;
    put_duration_or_zero(hcm, "streamIdleTimeout", idle);
}

static void set_request_timeout(void *conf, json_t *route)
{
    const struct timeout_conf *c = conf;
    json_t *action = json_object_get(route, "route");
    if (action)
        put_duration_or_zero(action, "timeout", (c->http ? c->http : &no_http)->request_timeout);
}

static void apply(const struct resource *res, enum policy_target target, enum protocol protocol, json_t *tree)
{
    const struct timeout_conf *conf = res ? resource_timeout(res)->conf : NULL;
    struct timeout_conf c = conf ? *conf : no_conf;
    if (target == TARGET_CLUSTER)
        apply_cluster(&c, protocol, tree);
    else if (target == TARGET_OUTBOUND_HCM)
        apply_hcm(&c, protocol, tree);
    else if (target == TARGET_OUTBOUND_TCP)
        put_duration_or_zero(tree, "idleTimeout", (c.tcp ? c.tcp : &no_tcp)->idle_timeout);
    else
        envoy_routes_each(tree, set_request_timeout, &c);
}

const struct policy policy_timeout = {
    .type = RES_TIMEOUT,
    .scope = POLICY_PER_OUTBOUND,
    .targets = TARGET_CLUSTER | TARGET_OUTBOUND_HCM | TARGET_OUTBOUND_TCP | TARGET_ROUTES,
    .apply = apply,
};
