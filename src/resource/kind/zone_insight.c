/* zone_insight.c -- ZoneInsight, ZoneIngressInsight and ZoneEgressInsight: what is known of connections;
 * written by the control plane only. */
#include "kind.h"

static const struct field status_fields[] = {
    F_TIME("lastUpdateTime", struct kds_status, last_update_time, .alias = "last_update_time"),
    F_SUB("total", struct kds_status, total, counters_fields),
    F_MAP("stat", struct kds_status, stat, n_stat, struct kds_stat, counters, counters_fields),
    F_END,
};

static const struct field kuma_cp_fields[] = {
    F_STR("version", struct kuma_cp_version, version),
    F_STR("gitTag", struct kuma_cp_version, git_tag),
    F_STR("gitCommit", struct kuma_cp_version, git_commit),
    F_STR("buildDate", struct kuma_cp_version, build_date),
    F_BOOL("kumaCpGlobalCompatible", struct kuma_cp_version, kuma_cp_global_compatible),
    F_END,
};

static const struct field version_fields[] = {
    F_SUB("kumaCp", struct zone_version, kuma_cp, kuma_cp_fields),
    F_END,
};

static const struct field kds_subscription_fields[] = {
    F_STR("id", struct kds_subscription, id),
    F_STR("globalInstanceId", struct kds_subscription, global_instance_id, .alias = "global_instance_id"),
    F_TIME("connectTime", struct kds_subscription, connect_time, .alias = "connect_time"),
    F_TIME("disconnectTime", struct kds_subscription, disconnect_time, .alias = "disconnect_time"),
    F_SUB("status", struct kds_subscription, status, status_fields),
    F_SUB("version", struct kds_subscription, version, version_fields),
    F_U32("generation", struct kds_subscription, generation),
    F_STR("config", struct kds_subscription, config),
    F_BOOL("authTokenProvided", struct kds_subscription, auth_token_provided, .alias = "auth_token_provided"),
    F_END,
};

static const struct field admin_streams_fields[] = {
    F_STR("configDumpGlobalInstanceId", struct envoy_admin_streams, config_dump_global_instance_id,
          .alias = "config_dump_global_instance_id"),
    F_STR("statsGlobalInstanceId", struct envoy_admin_streams, stats_global_instance_id,
          .alias = "stats_global_instance_id"),
    F_STR("clustersGlobalInstanceId", struct envoy_admin_streams, clusters_global_instance_id,
          .alias = "clusters_global_instance_id"),
    F_END,
};

const struct field zone_insight_fields[] = {
    F_LIST("subscriptions", struct zone_insight_spec, subscriptions, n_subscriptions,
           kds_subscription_fields),
    F_SUB("envoyAdminStreams", struct zone_insight_spec, envoy_admin_streams, admin_streams_fields,
          .alias = "envoy_admin_streams"),
    F_END,
};

const struct field zone_proxy_insight_fields[] = {
    F_LIST("subscriptions", struct zone_proxy_insight_spec, subscriptions, n_subscriptions,
           subscription_fields),
    F_END,
};

void zone_insight_check(const void *spec, struct err *e)
{
    (void)spec;
    (void)e;
}

void zone_proxy_insight_check(const void *spec, struct err *e)
{
    (void)spec;
    (void)e;
}
