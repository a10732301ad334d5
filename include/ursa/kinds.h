/* ursa/kinds.h -- the typed specs: plain values in their resource's arena, filled by the field tables of
 * src/resource/kind/. Names follow the wire names; absent is what the member's comment says. */
#ifndef URSA_KINDS_H
#define URSA_KINDS_H

#include "ursa/kinds_target.h"
#include "ursa/values.h"

/* ---- Mesh ---- */
enum ca_mode { CA_STRICT, CA_PERMISSIVE };
struct dp_cert_rotation {
    struct str expiration; /* CA duration */
};
struct dp_cert {
    struct dp_cert_rotation *rotation;
    struct opt_dur request_timeout;
};
struct root_chain {
    struct opt_dur request_timeout;
};
struct ca_backend {
    struct str name, type;
    struct dp_cert *dp_cert;
    struct free_json conf;
    uint32_t mode; /* enum ca_mode */
    struct root_chain *root_chain;
};
struct mesh_mtls {
    struct str enabled_backend;
    struct ca_backend *backends;
    size_t n_backends;
};
struct tracing_backend {
    struct str name;
    struct opt_double sampling;
    struct str type;
    struct free_json conf;
};
struct mesh_tracing {
    struct str default_backend;
    struct tracing_backend *backends;
    size_t n_backends;
};
struct logging_backend {
    struct str name, format, type;
    struct free_json conf;
};
struct mesh_logging {
    struct str default_backend;
    struct logging_backend *backends;
    size_t n_backends;
};
struct metrics_backend {
    struct str name, type;
    struct free_json conf;
};
struct mesh_metrics {
    struct str enabled_backend;
    struct metrics_backend *backends;
    size_t n_backends;
};
struct mesh_outbound {
    struct opt_bool passthrough;
};
struct mesh_networking {
    struct mesh_outbound *outbound;
};
struct mesh_routing {
    bool locality_aware_load_balancing, zone_egress;
};
struct tag_rule {
    struct tags tags;
};
struct proxy_constraints {
    struct tag_rule *requirements;
    size_t n_requirements;
    struct tag_rule *restrictions;
    size_t n_restrictions;
};
struct mesh_constraints {
    struct proxy_constraints *dataplane_proxy;
};
struct mesh_spec {
    struct mesh_mtls *mtls;
    struct mesh_tracing *tracing;
    struct mesh_logging *logging;
    struct mesh_metrics *metrics;
    struct mesh_networking *networking;
    struct mesh_routing *routing;
    struct mesh_constraints *constraints;
    struct str_list skip_creating_initial_policies;
};
/* The backend in use, or NULL when mTLS is off. */
const struct ca_backend *mesh_enabled_backend(const struct mesh_spec *);

/* ---- MeshPosture (internal): what a mesh's proxies are told about TLS among them (ursa/posture.h) ---- */
enum tls_serve { SERVE_PLAIN, SERVE_BOTH, SERVE_TLS }; /* what their inbounds accept */
enum tls_dial {
    DIAL_PLAIN,
    DIAL_READY, /* TLS to services all of whose proxies have certificates, else plain */
    DIAL_TLS
};
struct posture_issuer {
    struct str backend;
    struct str cert, key; /* PEM, as the backend has them */
    struct str roots;     /* PEM: what must be trusted so that its certificates are good */
    struct opt_dur leaf_life;
};
struct posture_root {
    struct str backend, roots;
};
struct mesh_posture_spec {
    uint32_t serve;                /* enum tls_serve */
    uint32_t dial;                 /* enum tls_dial */
    struct posture_issuer *issuer; /* NULL: certificates are not issued, nothing but plain is served */
    struct posture_root *trusted;
    size_t n_trusted;
    /* No part of what proxies are told: */
    struct opt_time since;            /* the step that led here */
    struct mesh_posture_spec *before; /* what all had, when not all have this; NULL: this */
};

/* ---- Dataplane ---- */
enum gateway_type { GATEWAY_DELEGATED, GATEWAY_BUILTIN };
struct dp_gateway {
    struct tags tags;
    uint32_t type; /* enum gateway_type */
};
struct dp_health {
    bool ready;
};
struct dp_empty {
    char unused; /* an empty message: only its presence counts */
};
struct service_probe {
    struct opt_dur interval, timeout;
    struct opt_u32 unhealthy_threshold, healthy_threshold;
    struct dp_empty *tcp;
};
struct dp_inbound {
    uint32_t port, service_port; /* service_port 0: the same as port */
    struct str service_address, address;
    struct tags tags;
    struct dp_health *health; /* NULL: healthy */
    struct service_probe *service_probe;
};
struct dp_outbound {
    struct str address; /* "": 127.0.0.1 */
    uint32_t port;
    struct tags tags;
};
struct dp_transparent {
    uint32_t redirect_port_inbound, redirect_port_outbound, redirect_port_inbound_v6;
    struct str_list direct_access_services, reachable_services;
};
struct dp_admin {
    uint32_t port;
};
struct dp_networking {
    struct str address, advertised_address;
    struct dp_gateway *gateway;
    struct dp_inbound *inbound;
    size_t n_inbound;
    struct dp_outbound *outbound;
    size_t n_outbound;
    struct dp_transparent *transparent_proxying;
    struct dp_admin *admin;
};
struct dp_probe_endpoint {
    uint32_t inbound_port;
    struct str inbound_path, path;
};
struct dp_probes {
    uint32_t port;
    struct dp_probe_endpoint *endpoints;
    size_t n_endpoints;
};
struct dataplane_spec {
    struct dp_networking *networking; /* never NULL in a stored resource */
    struct metrics_backend *metrics;
    struct dp_probes *probes;
};

/* ---- Source/destination policies: all specs begin with struct policy_spec ---- */
struct selector {
    struct tags match;
};
struct policy_spec {
    struct selector *sources;
    size_t n_sources;
    struct selector *destinations;
    size_t n_destinations;
};
struct traffic_permission_spec {
    struct policy_spec select;
};

struct string_matcher { /* exactly one has p != NULL */
    struct str prefix, exact, regex;
};
struct header_matcher {
    struct str key;
    struct string_matcher match;
};
struct split {
    struct opt_u32 weight;
    struct tags destination;
};
struct http_match {
    struct string_matcher *method, *path;
    struct header_matcher *headers;
    size_t n_headers;
    bool headers_given;
};
struct regex_replace {
    struct str pattern, substitution;
};
struct path_rewrite {
    struct str rewrite_prefix; /* p == NULL: not given */
    struct regex_replace *regex;
};
struct host_rewrite {
    struct str value; /* p == NULL: not given */
    struct regex_replace *from_path;
};
struct header_add {
    struct str name, value;
    bool append;
};
struct header_name {
    struct str name;
};
struct header_changes {
    struct header_add *add;
    size_t n_add;
    struct header_name *remove;
    size_t n_remove;
};
struct http_modify {
    struct path_rewrite *path;
    struct host_rewrite *host;
    struct header_changes *request_headers, *response_headers;
};
struct http_route {
    struct http_match *match;
    struct http_modify *modify;
    struct split *split;
    size_t n_split;
    struct tags destination;
    bool destination_given;
};
struct least_request {
    uint32_t choice_count;
};
struct ring_hash {
    struct str hash_function;
    uint64_t min_ring_size, max_ring_size;
};
struct load_balancer { /* at most one is not NULL */
    struct dp_empty *round_robin;
    struct least_request *least_request;
    struct ring_hash *ring_hash;
    struct dp_empty *random, *maglev;
};
struct route_conf {
    struct split *split;
    size_t n_split;
    struct load_balancer *load_balancer;
    struct tags destination;
    bool destination_given;
    struct http_route *http;
    size_t n_http;
};
struct traffic_route_spec {
    struct policy_spec select;
    struct route_conf *conf;
};

struct timeout_tcp {
    struct opt_dur idle_timeout;
};
struct timeout_http {
    struct opt_dur request_timeout, idle_timeout, stream_idle_timeout, max_stream_duration;
};
struct timeout_grpc {
    struct opt_dur stream_idle_timeout, max_stream_duration;
};
struct timeout_conf {
    struct opt_dur connect_timeout;
    struct timeout_tcp *tcp;
    struct timeout_http *http;
    struct timeout_grpc *grpc;
};
struct timeout_spec {
    struct policy_spec select;
    struct timeout_conf *conf;
};

struct consecutive_detector {
    struct opt_u32 consecutive;
};
struct standard_deviation {
    struct opt_u32 request_volume, minimum_hosts;
    struct opt_double factor;
};
struct failure_detector {
    struct opt_u32 request_volume, minimum_hosts, threshold;
};
struct detectors {
    struct consecutive_detector *total_errors, *gateway_errors, *local_errors;
    struct standard_deviation *standard_deviation;
    struct failure_detector *failure;
};
struct thresholds {
    struct opt_u32 max_connections, max_pending_requests, max_retries, max_requests;
};
struct circuit_breaker_conf {
    struct opt_dur interval, base_ejection_time;
    struct opt_u32 max_ejection_percent;
    bool split_external_and_local_errors;
    struct detectors *detectors;
    struct thresholds *thresholds;
};
struct circuit_breaker_spec {
    struct policy_spec select;
    struct circuit_breaker_conf *conf;
};

struct back_off {
    struct opt_dur base_interval, max_interval;
};
struct u32_list {
    uint32_t *v;
    size_t n;
};
struct retry_http {
    struct opt_u32 num_retries;
    struct opt_dur per_try_timeout;
    struct back_off *back_off;
    struct u32_list retriable_status_codes;
    /* Enum numbers; the field table has their names. */
    struct u32_list retriable_methods; /* NONE CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE */
    /* all_5xx gateway_error reset connect_failure envoy_ratelimited retriable_4xx refused_stream
     * retriable_status_codes retriable_headers http3_post_connect_failure */
    struct u32_list retry_on;
};
struct retry_tcp {
    uint32_t max_connect_attempts;
};
struct retry_grpc {
    struct u32_list retry_on; /* cancelled deadline_exceeded internal resource_exhausted unavailable */
    struct opt_u32 num_retries;
    struct opt_dur per_try_timeout;
    struct back_off *back_off;
};
struct retry_conf {
    struct retry_http *http;
    struct retry_tcp *tcp;
    struct retry_grpc *grpc;
};
struct retry_spec {
    struct policy_spec select;
    struct retry_conf *conf;
};
/* Names of enum numbers in struct retry_http and retry_grpc; STR_NONE when out of range. */
struct str retry_method_name(uint32_t);
struct str retry_http_on_name(uint32_t);
struct str retry_grpc_on_name(uint32_t);

/* ---- Secrets ---- */
struct secret_spec {
    struct str data; /* the raw bytes, decoded from base64; p == NULL when absent */
};

/* ---- DataplaneInsight ---- */
struct xds_counters {
    uint64_t responses_sent, responses_acknowledged, responses_rejected;
};
struct subscription_status {
    struct opt_time last_update_time;
    struct xds_counters total, cds, eds, lds, rds; /* always printed, {} when zero */
};
struct kuma_dp_version {
    struct str version, git_tag, git_commit, build_date;
    bool kuma_cp_compatible;
};
struct envoy_version {
    struct str version, build;
    bool kuma_dp_compatible;
};
struct proxy_version {
    struct kuma_dp_version *kuma_dp;
    struct envoy_version *envoy;
    struct tags dependencies;
};
struct dp_subscription {
    struct str id, control_plane_instance_id;
    struct opt_time connect_time, disconnect_time;
    struct subscription_status *status;
    struct proxy_version *version;
    uint32_t generation;
};
struct dp_mtls_insight {
    struct opt_time certificate_expiration_time, last_certificate_regeneration;
    uint32_t certificate_regenerations;
    struct str issued_backend;
    struct str_list supported_backends;
};
struct dataplane_insight_spec {
    struct dp_subscription *subscriptions;
    size_t n_subscriptions;
    struct dp_mtls_insight *mtls;
};

/* MeshInsight and ServiceInsight are computed when read (ursa/insight.h): their objects are built as JSON. */
struct derived_spec {
    char unused;
};

#include "ursa/kinds_legacy.h"

#endif
