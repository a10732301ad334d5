/* dataplane_insight.c -- DataplaneInsight: what is known of a proxy's connections; written by the control
 * plane only. */
#include "kind.h"

const struct field counters_fields[] = {
    F_U64("responsesSent", struct xds_counters, responses_sent, .alias = "responses_sent"),
    F_U64("responsesAcknowledged", struct xds_counters, responses_acknowledged,
          .alias = "responses_acknowledged"),
    F_U64("responsesRejected", struct xds_counters, responses_rejected, .alias = "responses_rejected"),
    F_END,
};

static const struct field status_fields[] = {
    F_TIME("lastUpdateTime", struct subscription_status, last_update_time, .alias = "last_update_time"),
    F_INLINE("total", struct subscription_status, total, counters_fields),
    F_INLINE("cds", struct subscription_status, cds, counters_fields),
    F_INLINE("eds", struct subscription_status, eds, counters_fields),
    F_INLINE("lds", struct subscription_status, lds, counters_fields),
    F_INLINE("rds", struct subscription_status, rds, counters_fields),
    F_END,
};

static const struct field kuma_dp_fields[] = {
    F_STR("version", struct kuma_dp_version, version),
    F_STR("gitTag", struct kuma_dp_version, git_tag),
    F_STR("gitCommit", struct kuma_dp_version, git_commit),
    F_STR("buildDate", struct kuma_dp_version, build_date),
    F_BOOL("kumaCpCompatible", struct kuma_dp_version, kuma_cp_compatible),
    F_END,
};

static const struct field envoy_fields[] = {
    F_STR("version", struct envoy_version, version),
    F_STR("build", struct envoy_version, build),
    F_BOOL("kumaDpCompatible", struct envoy_version, kuma_dp_compatible),
    F_END,
};

static const struct field version_fields[] = {
    F_SUB("kumaDp", struct proxy_version, kuma_dp, kuma_dp_fields),
    F_SUB("envoy", struct proxy_version, envoy, envoy_fields),
    F_TAGS("dependencies", struct proxy_version, dependencies),
    F_END,
};

const struct field subscription_fields[] = {
    F_STR("id", struct dp_subscription, id),
    F_STR("controlPlaneInstanceId", struct dp_subscription, control_plane_instance_id,
          .alias = "control_plane_instance_id"),
    F_TIME("connectTime", struct dp_subscription, connect_time, .alias = "connect_time"),
    F_TIME("disconnectTime", struct dp_subscription, disconnect_time, .alias = "disconnect_time"),
    F_SUB("status", struct dp_subscription, status, status_fields),
    F_SUB("version", struct dp_subscription, version, version_fields),
    F_U32("generation", struct dp_subscription, generation),
    F_END,
};

static const struct field mtls_fields[] = {
    F_TIME("certificateExpirationTime", struct dp_mtls_insight, certificate_expiration_time,
           .alias = "certificate_expiration_time"),
    F_TIME("lastCertificateRegeneration", struct dp_mtls_insight, last_certificate_regeneration,
           .alias = "last_certificate_regeneration"),
    F_U32("certificateRegenerations", struct dp_mtls_insight, certificate_regenerations,
          .alias = "certificate_regenerations"),
    F_STR("issuedBackend", struct dp_mtls_insight, issued_backend),
    F_STR_LIST("supportedBackends", struct dp_mtls_insight, supported_backends),
    F_END,
};

const struct field dataplane_insight_fields[] = {
    F_LIST("subscriptions", struct dataplane_insight_spec, subscriptions, n_subscriptions,
           subscription_fields),
    F_SUB("mTLS", struct dataplane_insight_spec, mtls, mtls_fields),
    F_END,
};

void dataplane_insight_check(const void *spec, struct err *e)
{
    /* Nobody but the control plane writes it. */
    (void)spec;
    (void)e;
}
