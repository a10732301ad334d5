/* health_check.c -- HealthCheck: how clients probe the endpoints that they call. */
#include "kind.h"

static const struct field tcp_fields[] = {
    F_OPT_BYTES("send", struct health_check_tcp, send),
    F_BYTES_LIST("receive", struct health_check_tcp, receive),
    F_END,
};

static const struct field header_value_fields[] = {
    F_STR("key", struct health_check_header_value, key),
    F_STR("value", struct health_check_header_value, value),
    F_END,
};

static const struct field header_fields[] = {
    F_SUB("header", struct health_check_header, header, header_value_fields),
    F_OPT_BOOL("append", struct health_check_header, append),
    F_END,
};

static const struct field http_fields[] = {
    F_STR("path", struct health_check_http, path),
    F_LIST("requestHeadersToAdd", struct health_check_http, request_headers_to_add, n_request_headers_to_add,
           header_fields, .alias = "request_headers_to_add"),
    F_U32_LIST("expectedStatuses", struct health_check_http, expected_statuses, .alias = "expected_statuses"),
    F_END,
};

static const struct field conf_fields[] = {
    F_DURATION("interval", struct health_check_conf, interval),
    F_DURATION("timeout", struct health_check_conf, timeout),
    F_U32("unhealthyThreshold", struct health_check_conf, unhealthy_threshold,
          .alias = "unhealthy_threshold"),
    F_U32("healthyThreshold", struct health_check_conf, healthy_threshold, .alias = "healthy_threshold"),
    F_DURATION("initialJitter", struct health_check_conf, initial_jitter, .alias = "initial_jitter"),
    F_DURATION("intervalJitter", struct health_check_conf, interval_jitter, .alias = "interval_jitter"),
    F_U32("intervalJitterPercent", struct health_check_conf, interval_jitter_percent,
          .alias = "interval_jitter_percent"),
    F_OPT_FLOAT("healthyPanicThreshold", struct health_check_conf, healthy_panic_threshold,
                .alias = "healthy_panic_threshold"),
    F_OPT_BOOL("failTrafficOnPanic", struct health_check_conf, fail_traffic_on_panic,
               .alias = "fail_traffic_on_panic"),
    F_STR("eventLogPath", struct health_check_conf, event_log_path, .alias = "event_log_path"),
    F_OPT_BOOL("alwaysLogHealthCheckFailures", struct health_check_conf, always_log_health_check_failures,
               .alias = "always_log_health_check_failures"),
    F_DURATION("noTrafficInterval", struct health_check_conf, no_traffic_interval,
               .alias = "no_traffic_interval"),
    F_SUB("tcp", struct health_check_conf, tcp, tcp_fields),
    F_SUB("http", struct health_check_conf, http, http_fields),
    F_OPT_BOOL("reuseConnection", struct health_check_conf, reuse_connection, .alias = "reuse_connection"),
    F_END,
};

const struct field health_check_fields[] = {
    F_POLICY_SELECTORS,
    F_SUB("conf", struct health_check_spec, conf, conf_fields),
    F_END,
};

static const char positive[] = "must have a positive value";

static void duration_needed(struct opt_dur d, const struct path *at, struct err *e)
{
    if (d.ns == 0) /* also when it is not given */
        err_cause(e, at, positive);
}

static void threshold_needed(uint32_t threshold, const struct path *at, struct err *e)
{
    if (threshold == 0)
        err_cause(e, at, positive);
}

static void http_check(const struct health_check_http *http, const struct path *at, struct err *e)
{
    if (http->path.n == 0)
        err_cause(e, AT_FIELD(at, "path"), "has to be defined and cannot be empty");
    for (size_t i = 0; i < http->expected_statuses.n; i++)
        if (http->expected_statuses.v[i] < 100 || http->expected_statuses.v[i] >= 600)
            err_cause(e, AT_INDEX(AT_FIELD(at, "expectedStatuses"), i), "must be in range [100, 600)");
    for (size_t i = 0; i < http->n_request_headers_to_add; i++) {
        const struct health_check_header_value *header = http->request_headers_to_add[i].header;
        const struct path *at_header = AT_FIELD(AT_INDEX(AT_FIELD(at, "requestHeadersToAdd"), i), "header");

        if (!header)
            err_cause(e, at_header, "has to be defined");
        else if (header->key.n == 0)
            err_cause(e, AT_FIELD(at_header, "key"), "cannot be empty");
    }
}

void health_check_check(const void *spec, struct err *e)
{
    const struct health_check_spec *check = spec;
    const struct health_check_conf *conf = check->conf;
    const struct path *at = AT_FIELD(NULL, "conf");

    rule_selectors_a(&check->select, e);
    if (!conf) {
        err_cause(e, at, "has to be defined");
        return;
    }
    duration_needed(conf->interval, AT_FIELD(at, "interval"), e);
    duration_needed(conf->timeout, AT_FIELD(at, "timeout"), e);
    threshold_needed(conf->unhealthy_threshold, AT_FIELD(at, "unhealthyThreshold"), e);
    threshold_needed(conf->healthy_threshold, AT_FIELD(at, "healthyThreshold"), e);
    rule_duration_not_zero(conf->initial_jitter, positive, AT_FIELD(at, "initialJitter"), e);
    rule_duration_not_zero(conf->interval_jitter, positive, AT_FIELD(at, "intervalJitter"), e);
    rule_duration_not_zero(conf->no_traffic_interval, positive, AT_FIELD(at, "noTrafficInterval"), e);
    if (conf->healthy_panic_threshold.v < 0 || conf->healthy_panic_threshold.v > 100)
        err_cause(e, AT_FIELD(at, "healthyPanicThreshold"), "must be in range [0.0 - 100.0]");
    if (conf->http)
        http_check(conf->http, AT_FIELD(at, "http"), e);
    if (conf->tcp && conf->http)
        err_cause(e, at, "http and tcp cannot be defined at the same time");
}
