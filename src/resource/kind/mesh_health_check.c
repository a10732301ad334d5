/* mesh_health_check.c -- MeshHealthCheck: endpoints asked for their health by the proxies that call them. */
#include "target.h"

static const struct field tcp_fields[] = {
    F_OPT_BOOL("disabled", struct active_check_tcp, disabled),
    F_OPT_STR("send", struct active_check_tcp, send),
    F_STR_LIST("receive", struct active_check_tcp, receive, .keep_empty = true),
    F_END,
};

static const struct field http_fields[] = {
    F_OPT_BOOL("disabled", struct active_check_http, disabled),
    F_OPT_STR("path", struct active_check_http, path),
    F_SUB("requestHeadersToAdd", struct active_check_http, request_headers_to_add, header_modifier_fields),
    F_I32_LIST("expectedStatuses", struct active_check_http, expected_statuses, .keep_empty = true),
    F_END,
};

static const struct field grpc_fields[] = {
    F_OPT_BOOL("disabled", struct active_check_grpc, disabled),
    F_OPT_STR("serviceName", struct active_check_grpc, service_name),
    F_OPT_STR("authority", struct active_check_grpc, authority),
    F_END,
};

#define T struct mesh_health_check_conf
static const struct field conf_fields[] = {
    F_SPAN("interval", T, interval),
    F_SPAN("timeout", T, timeout),
    F_OPT_I32("unhealthyThreshold", T, unhealthy_threshold),
    F_OPT_I32("healthyThreshold", T, healthy_threshold),
    F_SPAN("initialJitter", T, initial_jitter),
    F_SPAN("intervalJitter", T, interval_jitter),
    F_OPT_I32("intervalJitterPercent", T, interval_jitter_percent),
    F_INT_OR_STR("healthyPanicThreshold", T, healthy_panic_threshold),
    F_OPT_BOOL("failTrafficOnPanic", T, fail_traffic_on_panic),
    F_OPT_STR("eventLogPath", T, event_log_path),
    F_OPT_BOOL("alwaysLogHealthCheckFailures", T, always_log_health_check_failures),
    F_SPAN("noTrafficInterval", T, no_traffic_interval),
    F_SUB("tcp", T, tcp, tcp_fields),
    F_SUB("http", T, http, http_fields),
    F_SUB("grpc", T, grpc, grpc_fields),
    F_OPT_BOOL("reuseConnection", T, reuse_connection),
    F_END,
};
#undef T

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_health_check_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_health_check_spec),
    F_LIST("to", struct mesh_health_check_spec, to, n_to, item_fields),
    F_END,
};

const struct field mesh_health_check_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

static void threshold_check(struct opt_i32 threshold, const struct path *at, struct err *e)
{
    if (threshold.set && threshold.v <= 0)
        err_cause(e, at, "must be defined and greater than zero");
}

static void http_check(const struct active_check_http *http, const struct path *at, struct err *e)
{
    const struct path *at_statuses = AT_FIELD(at, "expectedStatuses");

    if (http->path.p && http->path.n == 0)
        err_cause(e, AT_FIELD(at, "path"), "must be defined");
    for (size_t i = 0; i < http->expected_statuses.n; i++)
        rule_status_code(http->expected_statuses.v[i], AT_INDEX(at_statuses, i), e);
}

static void conf_check(const struct mesh_health_check_conf *conf, const struct path *at, struct err *e)
{
    rule_span_positive(conf->interval, AT_FIELD(at, "interval"), e);
    rule_span_positive(conf->timeout, AT_FIELD(at, "timeout"), e);
    threshold_check(conf->unhealthy_threshold, AT_FIELD(at, "unhealthyThreshold"), e);
    threshold_check(conf->healthy_threshold, AT_FIELD(at, "healthyThreshold"), e);
    rule_span_positive(conf->initial_jitter, AT_FIELD(at, "initialJitter"), e);
    rule_span_positive(conf->interval_jitter, AT_FIELD(at, "intervalJitter"), e);
    rule_int_percentage(conf->interval_jitter_percent.set, conf->interval_jitter_percent.v,
                        AT_FIELD(at, "intervalJitterPercent"), e);
    if (conf->healthy_panic_threshold.set)
        rule_number_percentage(&conf->healthy_panic_threshold, AT_FIELD(at, "healthyPanicThreshold"), e);
    rule_span_positive(conf->no_traffic_interval, AT_FIELD(at, "noTrafficInterval"), e);
    if (conf->event_log_path.p && !is_file_path(conf->event_log_path))
        err_cause(e, AT_FIELD(at, "eventLogPath"), "has to be a valid path when defined");
    if (conf->http)
        http_check(conf->http, AT_FIELD(at, "http"), e);
    if (!conf->http && !conf->tcp && !conf->grpc)
        err_cause(e, at, "must have at least one defined: http, tcp, grpc");
}

void mesh_health_check_check(const void *spec, struct err *e)
{
    const struct mesh_health_check_spec *policy = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_to = AT_FIELD(at, "to");

    rule_target_ref(&policy->target_ref, TARGETS_PROXIES | TARGETS(MESH_GATEWAY), AT_FIELD(at, "targetRef"),
                    e);
    for (size_t i = 0; i < policy->n_to; i++) {
        const struct path *at_item = AT_INDEX(at_to, i);

        rule_target_ref(&policy->to[i].target_ref, TARGETS(MESH) | TARGETS(MESH_SERVICE),
                        AT_FIELD(at_item, "targetRef"), e);
        conf_check(&policy->to[i].conf, AT_FIELD(at_item, "default"), e);
    }
}
