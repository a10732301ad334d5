/* CircuitBreaker: limits and outlier detection of a destination's cluster (xds.md 9.4). */
#include "policy.h"

/* A detector that is present is enforced in full, an absent one not at all. */
static void enforce(json_t *outlier, const char *key, bool on)
{
    json_object_set_new(outlier, key, json_integer(on ? 100 : 0));
}

static void put_consecutive(json_t *outlier, const struct consecutive_detector *d, const char *value,
                            const char *enforcing)
{
    if (d)
        put_u32(outlier, value, d->consecutive);
    enforce(outlier, enforcing, d);
}

static void put_deviation(json_t *outlier, const struct standard_deviation *d)
{
    enforce(outlier, "enforcingSuccessRate", d);
    if (!d)
        return;
    put_u32(outlier, "successRateRequestVolume", d->request_volume);
    put_u32(outlier, "successRateMinimumHosts", d->minimum_hosts);
    if (d->factor.set)
        json_object_set_new(outlier, "successRateStdevFactor",
                            json_integer((json_int_t)(d->factor.v * 1000)));
    enforce(outlier, "enforcingLocalOriginSuccessRate", true);
}

static void put_failure(json_t *outlier, const struct failure_detector *d)
{
    enforce(outlier, "enforcingFailurePercentage", d);
    if (!d)
        return;
    put_u32(outlier, "failurePercentageRequestVolume", d->request_volume);
    put_u32(outlier, "failurePercentageMinimumHosts", d->minimum_hosts);
    put_u32(outlier, "failurePercentageThreshold", d->threshold);
    enforce(outlier, "enforcingFailurePercentageLocalOrigin", true);
}

static json_t *outlier_detection(const struct circuit_breaker_conf *c)
{
    static const struct detectors none;
    const struct detectors *d = c->detectors ? c->detectors : &none;
    json_t *outlier = json_object();
    put_duration(outlier, "interval", c->interval);
    put_duration(outlier, "baseEjectionTime", c->base_ejection_time);
    put_u32(outlier, "maxEjectionPercent", c->max_ejection_percent);
    if (c->split_external_and_local_errors)
        json_object_set_new(outlier, "splitExternalLocalOriginErrors", json_true());
    put_consecutive(outlier, d->total_errors, "consecutive5xx", "enforcingConsecutive5xx");
    put_consecutive(outlier, d->gateway_errors, "consecutiveGatewayFailure",
                    "enforcingConsecutiveGatewayFailure");
    put_consecutive(outlier, d->local_errors, "consecutiveLocalOriginFailure",
                    "enforcingConsecutiveLocalOriginFailure");
    put_deviation(outlier, d->standard_deviation);
    put_failure(outlier, d->failure);
    return outlier;
}

static json_t *limits(const struct thresholds *t)
{
    json_t *one = json_object();
    put_u32(one, "maxConnections", t->max_connections);
    put_u32(one, "maxPendingRequests", t->max_pending_requests);
    put_u32(one, "maxRetries", t->max_retries);
    put_u32(one, "maxRequests", t->max_requests);
    return envoy_pack("{s: [o]}", "thresholds", one);
}

static void apply(const struct resource *res, enum policy_target target, enum protocol protocol,
                  json_t *cluster)
{
    (void)target;
    (void)protocol;
    const struct circuit_breaker_conf *c = res ? resource_circuit_breaker(res)->conf : NULL;
    if (!c)
        return;
    if (c->thresholds)
        json_object_set_new(cluster, "circuitBreakers", limits(c->thresholds));
    json_object_set_new(cluster, "outlierDetection", outlier_detection(c));
}

const struct policy policy_circuit_breaker = {
    .type = RES_CIRCUIT_BREAKER,
    .scope = POLICY_PER_DESTINATION,
    .targets = TARGET_CLUSTER,
    .apply = apply,
};
