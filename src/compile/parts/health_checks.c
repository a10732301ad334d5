/* What a proxy's Envoy is to check for us (xds.md 13): itself, and the workloads whose inbounds have a probe.
 *
 * No resource: it goes out over the health discovery service. Proxies without probes share one. */
#include "../functions.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* Who asks for faster reports than this gets these. */
#define REPORT_MIN_NS (NS_PER_S / 2)

struct check { /* 0: as the settings have it */
    int64_t timeout_ns, interval_ns;
    uint32_t healthy, unhealthy;
};

/* A ClusterHealthCheck; the checker itself is still to be added. */
static json_t *check(const struct health_check_options *o, const struct check *c, struct str name,
                     struct str address, uint32_t port)
{
    return envoy_pack("{s: s%, s: [{s: o, s: o, s: o, s: I, s: I}], s: [{s: [{s: o}]}]}", "clusterName",
                      PACK_STR(name), "healthChecks", "timeout",
                      envoy_duration(c->timeout_ns ? c->timeout_ns : o->timeout_ns), "interval",
                      envoy_duration(c->interval_ns ? c->interval_ns : o->interval_ns), "noTrafficInterval",
                      envoy_duration(o->no_traffic_interval_ns), "healthyThreshold",
                      (json_int_t)(c->healthy ? c->healthy : o->healthy_threshold), "unhealthyThreshold",
                      (json_int_t)(c->unhealthy ? c->unhealthy : o->unhealthy_threshold), "localityEndpoints",
                      "endpoints", "address", envoy_address(address, port));
}

static void set_checker(json_t *check, const char *kind, json_t *checker)
{
    json_object_set_new(json_array_get(json_object_get(check, "healthChecks"), 0), kind, checker);
}

/* The rules that redirect leave what comes from there alone. */
static json_t *bind_apart(struct str address)
{
    struct str from = redirect_source(str_chr(address, ':') < address.n);
    return envoy_pack("{s: {s: s%, s: i}}", "sourceAddress", "address", PACK_STR(from), "portValue", 0);
}

static struct memo_value run_checks(struct memo_ctx *ctx, struct str args)
{
    const struct compiler *c = memo_world(ctx);
    const struct health_check_options *options = &c->options.health;
    struct key_reader r = key_read(args);
    struct str admin_address = key_get_str(&r);
    uint32_t admin_port = key_get_u32(&r);
    bool is_redirected = key_get_u32(&r);
    int64_t report_ns = options->report_interval_ns;
    json_t *checks = json_array();
    if (admin_port) {
        json_t *own = check(options, &(struct check){0}, ADMIN_NAME, admin_address, admin_port);
        set_checker(own, "httpHealthCheck", envoy_pack("{s: s}", "path", "/ready"));
        json_array_append_new(checks, own);
    }
    while (!key_at_end(&r)) {
        struct str name = key_get_str(&r), address = key_get_str(&r);
        uint32_t port = key_get_u32(&r);
        struct check probe = {.timeout_ns = key_get_i64(&r)};
        probe.interval_ns = key_get_i64(&r);
        probe.healthy = key_get_u32(&r);
        probe.unhealthy = key_get_u32(&r);
        json_t *one = check(options, &probe, name, address, port);
        set_checker(one, "tcpHealthCheck", json_object());
        if (is_redirected)
            json_object_set_new(one, "upstreamBindConfig", bind_apart(address));
        json_array_append_new(checks, one);
        int64_t interval_ns = probe.interval_ns ? probe.interval_ns : options->interval_ns;
        if (interval_ns < report_ns)
            report_ns = interval_ns;
    }
    return value_message(ctx, STR("envoy.service.health.v3.HealthCheckSpecifier"),
                         envoy_pack("{s: o, s: o}", "clusterHealthChecks", checks, "interval",
                                    envoy_duration(report_ns < REPORT_MIN_NS ? REPORT_MIN_NS : report_ns)));
}
static void drop_blob(void *blob)
{
    blob_unref(blob);
}
const struct memo_fn fn_checks = {.name = "checks", .run = run_checks, .drop = drop_blob};

/* ---- a proxy's ---- */
static void key_probe(struct buf *k, const struct dp_networking *net, const struct dp_inbound *in)
{
    const struct service_probe *probe = in->service_probe;
    key_str(k, inbound_workload_address(net, in));
    key_u32(k, inbound_workload_port(in));
    key_i64(k, probe->timeout.set ? probe->timeout.ns : 0);
    key_i64(k, probe->interval.set ? probe->interval.ns : 0);
    key_u32(k, probe->healthy_threshold.set ? probe->healthy_threshold.v : 0);
    key_u32(k, probe->unhealthy_threshold.set ? probe->unhealthy_threshold.v : 0);
}

static bool is_named(const struct str *names, size_t n, struct str name)
{
    size_t i = 0;
    while (i < n && !str_eq(names[i], name))
        i++;
    return i < n;
}

static struct memo_value run_health_checks(struct memo_ctx *ctx, struct str args)
{
    struct params params = params_read(args);
    key_str(memo_call(ctx, FN_IN_DATAPLANE), params.name);
    const struct resource *dp = memo_get(ctx);
    if (!dp)
        return (struct memo_value){0};
    const struct dp_networking *net = resource_dataplane(dp)->networking;
    struct str *names = ARENA_ARRAY(memo_arena(ctx), struct str, net->n_inbound);
    inbound_check_names(net, memo_arena(ctx), names);
    struct str loopback = admin_loopback(params.admin_address);
    struct buf *k = memo_call(ctx, FN_CHECKS);
    key_str(k, loopback);
    key_u32(k, loopback.n ? params.admin_port : 0);
    key_u32(k, networking_is_transparent(net));
    for (size_t i = 0; i < net->n_inbound; i++) {
        if (!names[i].n || is_named(names, i, names[i]))
            continue;
        key_str(k, names[i]);
        key_probe(k, net, &net->inbound[i]);
    }
    struct blob *checks = blob_ref((struct blob *)(uintptr_t)memo_get(ctx));
    return (struct memo_value){checks, memo_last_version(ctx)};
}
const struct memo_fn fn_health_checks = {
    .name = "health_checks", .run = run_health_checks, .drop = drop_blob};
