/* circuit_breaker.c -- CircuitBreaker: outlier detection and limits of what is under way. */
#include "kind.h"

static const struct field consecutive_fields[] = {
    F_OPT_U32("consecutive", struct consecutive_detector, consecutive),
    F_END,
};

static const struct field standard_deviation_fields[] = {
    F_OPT_U32("requestVolume", struct standard_deviation, request_volume),
    F_OPT_U32("minimumHosts", struct standard_deviation, minimum_hosts),
    F_OPT_DOUBLE("factor", struct standard_deviation, factor),
    F_END,
};

static const struct field failure_fields[] = {
    F_OPT_U32("requestVolume", struct failure_detector, request_volume),
    F_OPT_U32("minimumHosts", struct failure_detector, minimum_hosts),
    F_OPT_U32("threshold", struct failure_detector, threshold),
    F_END,
};

static const struct field detectors_fields[] = {
    F_SUB("totalErrors", struct detectors, total_errors, consecutive_fields),
    F_SUB("gatewayErrors", struct detectors, gateway_errors, consecutive_fields),
    F_SUB("localErrors", struct detectors, local_errors, consecutive_fields),
    F_SUB("standardDeviation", struct detectors, standard_deviation, standard_deviation_fields),
    F_SUB("failure", struct detectors, failure, failure_fields),
    F_END,
};

static const struct field thresholds_fields[] = {
    F_OPT_U32("maxConnections", struct thresholds, max_connections),
    F_OPT_U32("maxPendingRequests", struct thresholds, max_pending_requests),
    F_OPT_U32("maxRetries", struct thresholds, max_retries),
    F_OPT_U32("maxRequests", struct thresholds, max_requests),
    F_END,
};

static const struct field conf_fields[] = {
    F_DURATION("interval", struct circuit_breaker_conf, interval),
    F_DURATION("baseEjectionTime", struct circuit_breaker_conf, base_ejection_time),
    F_OPT_U32("maxEjectionPercent", struct circuit_breaker_conf, max_ejection_percent),
    F_BOOL("splitExternalAndLocalErrors", struct circuit_breaker_conf, split_external_and_local_errors),
    F_SUB("detectors", struct circuit_breaker_conf, detectors, detectors_fields),
    F_SUB("thresholds", struct circuit_breaker_conf, thresholds, thresholds_fields),
    F_END,
};

const struct field circuit_breaker_fields[] = {
    F_POLICY_SELECTORS,
    F_SUB("conf", struct circuit_breaker_spec, conf, conf_fields),
    F_END,
};

static bool has_detector(const struct detectors *d)
{
    return d &&
           (d->total_errors || d->gateway_errors || d->local_errors || d->standard_deviation || d->failure);
}

static bool has_threshold(const struct thresholds *t)
{
    return t && (t->max_connections.set || t->max_pending_requests.set || t->max_retries.set ||
                 t->max_requests.set);
}

static void percent_check(struct opt_u32 percent, const struct path *at, struct err *e)
{
    if (percent.set && percent.v > 100)
        err_cause(e, at, "has to be in [0.0 - 100.0] range");
}

void circuit_breaker_check(const void *spec, struct err *e)
{
    const struct circuit_breaker_spec *breaker = spec;
    const struct circuit_breaker_conf *conf = breaker->conf;
    const struct path *at = AT_FIELD(NULL, "conf"), *at_detectors = AT_FIELD(at, "detectors");

    rule_selectors_a(&breaker->select, e);
    if (!conf || (!has_detector(conf->detectors) && !has_threshold(conf->thresholds))) {
        err_cause(e, at, "must have at least one of the detector or threshold configured");
        return;
    }
    if (conf->detectors && !has_detector(conf->detectors))
        err_cause(e, at_detectors, "can't be empty");
    percent_check(conf->max_ejection_percent, AT_FIELD(at, "maxEjectionPercent"), e);
    if (conf->detectors && conf->detectors->failure)
        percent_check(conf->detectors->failure->threshold,
                      AT_FIELD(AT_FIELD(at_detectors, "failure"), "threshold"), e);
    if (conf->thresholds && !has_threshold(conf->thresholds))
        err_cause(e, AT_FIELD(at, "thresholds"), "can't be empty");
}
