/* mesh_circuit_breaker.c -- MeshCircuitBreaker: limits of what is under way, and endpoints left out for a
 * while. */
#include "target.h"

static const struct field limits_fields[] = {
    F_OPT_U32("maxConnections", struct connection_limits, max_connections),
    F_OPT_U32("maxConnectionPools", struct connection_limits, max_connection_pools),
    F_OPT_U32("maxPendingRequests", struct connection_limits, max_pending_requests),
    F_OPT_U32("maxRetries", struct connection_limits, max_retries),
    F_OPT_U32("maxRequests", struct connection_limits, max_requests),
    F_END,
};

static const struct field consecutive_fields[] = {
    F_OPT_U32("consecutive", struct consecutive_failures, consecutive),
    F_END,
};

static const struct field success_rate_fields[] = {
    F_OPT_U32("minimumHosts", struct success_rate, minimum_hosts),
    F_OPT_U32("requestVolume", struct success_rate, request_volume),
    F_INT_OR_STR("standardDeviationFactor", struct success_rate, standard_deviation_factor),
    F_END,
};

static const struct field failure_percentage_fields[] = {
    F_OPT_U32("minimumHosts", struct failure_percentage, minimum_hosts),
    F_OPT_U32("requestVolume", struct failure_percentage, request_volume),
    F_OPT_U32("threshold", struct failure_percentage, threshold),
    F_END,
};

static const struct field detectors_fields[] = {
    F_SUB("totalFailures", struct outlier_detectors, total_failures, consecutive_fields),
    F_SUB("gatewayFailures", struct outlier_detectors, gateway_failures, consecutive_fields),
    F_SUB("localOriginFailures", struct outlier_detectors, local_origin_failures, consecutive_fields),
    F_SUB("successRate", struct outlier_detectors, success_rate, success_rate_fields),
    F_SUB("failurePercentage", struct outlier_detectors, failure_percentage, failure_percentage_fields),
    F_END,
};

static const struct field detection_fields[] = {
    F_OPT_BOOL("disabled", struct outlier_detection, disabled),
    F_SPAN("interval", struct outlier_detection, interval),
    F_SPAN("baseEjectionTime", struct outlier_detection, base_ejection_time),
    F_OPT_U32("maxEjectionPercent", struct outlier_detection, max_ejection_percent),
    F_OPT_BOOL("splitExternalAndLocalErrors", struct outlier_detection, split_external_and_local_errors),
    F_SUB("detectors", struct outlier_detection, detectors, detectors_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_SUB("connectionLimits", struct mesh_circuit_breaker_conf, connection_limits, limits_fields),
    F_SUB("outlierDetection", struct mesh_circuit_breaker_conf, outlier_detection, detection_fields),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_circuit_breaker_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_circuit_breaker_spec),
    F_LIST("to", struct mesh_circuit_breaker_spec, to, n_to, item_fields),
    F_LIST("from", struct mesh_circuit_breaker_spec, from, n_from, item_fields),
    F_END,
};

const struct field mesh_circuit_breaker_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

static void limits_check(const struct connection_limits *limits, const struct path *at, struct err *e)
{
    rule_u32_positive(limits->max_connections, AT_FIELD(at, "maxConnections"), e);
    rule_u32_positive(limits->max_connection_pools, AT_FIELD(at, "maxConnectionPools"), e);
    rule_u32_positive(limits->max_pending_requests, AT_FIELD(at, "maxPendingRequests"), e);
    rule_u32_positive(limits->max_retries, AT_FIELD(at, "maxRetries"), e);
    rule_u32_positive(limits->max_requests, AT_FIELD(at, "maxRequests"), e);
}

static void consecutive_check(const struct consecutive_failures *failures, const struct path *at,
                              struct err *e)
{
    if (failures)
        rule_u32_positive(failures->consecutive, AT_FIELD(at, "consecutive"), e);
}

static void success_rate_check(const struct success_rate *rate, const struct path *at, struct err *e)
{
    const struct path *at_factor = AT_FIELD(at, "standardDeviationFactor");
    bool ignored;
    int sign;

    rule_u32_positive(rate->minimum_hosts, AT_FIELD(at, "minimumHosts"), e);
    rule_u32_positive(rate->request_volume, AT_FIELD(at, "requestVolume"), e);
    if (!rate->standard_deviation_factor.set)
        return;
    if (!decimal_parse(&rate->standard_deviation_factor, &sign, &ignored))
        err_cause(e, at_factor, "invalid number");
    else if (sign <= 0)
        err_cause(e, at_factor, "must be greater than 0");
}

static void failure_percentage_check(const struct failure_percentage *failure, const struct path *at,
                                     struct err *e)
{
    rule_u32_positive(failure->minimum_hosts, AT_FIELD(at, "minimumHosts"), e);
    rule_u32_positive(failure->request_volume, AT_FIELD(at, "requestVolume"), e);
    rule_int_percentage(failure->threshold.set, failure->threshold.v, AT_FIELD(at, "threshold"), e);
}

static void detectors_check(const struct outlier_detectors *d, const struct path *at, struct err *e)
{
    if (!d) {
        err_cause(e, at, "must be defined");
        return;
    }
    if (!d->total_failures && !d->gateway_failures && !d->local_origin_failures && !d->success_rate &&
        !d->failure_percentage) {
        err_cause(e, at,
                  "must have at least one defined: totalFailures, gatewayFailures, localOriginFailures, "
                  "successRate, failurePercentage");
        return;
    }
    consecutive_check(d->total_failures, AT_FIELD(at, "totalFailures"), e);
    consecutive_check(d->gateway_failures, AT_FIELD(at, "gatewayFailures"), e);
    consecutive_check(d->local_origin_failures, AT_FIELD(at, "localOriginFailures"), e);
    if (d->success_rate)
        success_rate_check(d->success_rate, AT_FIELD(at, "successRate"), e);
    if (d->failure_percentage)
        failure_percentage_check(d->failure_percentage, AT_FIELD(at, "failurePercentage"), e);
}

static void detection_check(const struct outlier_detection *detection, const struct path *at, struct err *e)
{
    rule_span_positive(detection->interval, AT_FIELD(at, "interval"), e);
    rule_span_positive(detection->base_ejection_time, AT_FIELD(at, "baseEjectionTime"), e);
    rule_int_percentage(detection->max_ejection_percent.set, detection->max_ejection_percent.v,
                        AT_FIELD(at, "maxEjectionPercent"), e);
    detectors_check(detection->detectors, AT_FIELD(at, "detectors"), e);
}

static void conf_check(const struct mesh_circuit_breaker_conf *conf, const struct path *at, struct err *e)
{
    if (!conf->connection_limits && !conf->outlier_detection)
        err_cause(e, at, "at least one of: 'connectionLimits' or 'outlierDetection' should be configured");
    if (conf->connection_limits)
        limits_check(conf->connection_limits, AT_FIELD(at, "connectionLimits"), e);
    if (conf->outlier_detection)
        detection_check(conf->outlier_detection, AT_FIELD(at, "outlierDetection"), e);
}

static void items_check(const struct mesh_circuit_breaker_item *items, size_t n, unsigned kinds,
                        const struct path *at, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct path *at_item = AT_INDEX(at, i);

        rule_target_ref(&items[i].target_ref, kinds, AT_FIELD(at_item, "targetRef"), e);
        conf_check(&items[i].conf, AT_FIELD(at_item, "default"), e);
    }
}

void mesh_circuit_breaker_check(const void *spec, struct err *e)
{
    const struct mesh_circuit_breaker_spec *breaker = spec;
    const struct path *at = AT_FIELD(NULL, "spec");

    rule_target_ref(&breaker->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    rule_to_or_from_needed(breaker->n_to, breaker->n_from, e);
    items_check(breaker->from, breaker->n_from, TARGETS(MESH), AT_FIELD(at, "from"), e);
    items_check(breaker->to, breaker->n_to, TARGETS(MESH) | TARGETS(MESH_SERVICE), AT_FIELD(at, "to"), e);
}
