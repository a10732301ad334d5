/* ursa/kinds_legacy.h -- the typed specs of zones, external services, gateways and the policies without a
 * targetRef that kinds.h does not have. Include ursa/kinds.h, which says what the members mean. */
#ifndef URSA_KINDS_LEGACY_H
#define URSA_KINDS_LEGACY_H

#include "ursa/kinds.h"

/* Where bytes come from: at most one has p != NULL. */
struct data_source {
    struct str secret;       /* the name of a Secret in the mesh */
    struct str file;         /* on the control plane's machine */
    struct str inline_bytes; /* decoded from base64 */
    struct str inline_string;
};

/* ---- Zone, ZoneIngress, ZoneEgress ---- */
struct zone_spec {
    struct opt_bool enabled; /* not given: true */
};

struct available_service {
    struct tags tags;
    uint32_t instances;
    struct str mesh;
    bool external_service;
};
struct zone_ingress_networking {
    struct str address, advertised_address;
    uint32_t port, advertised_port;
    struct dp_admin *admin;
};
struct zone_ingress_spec {
    struct str zone; /* "": the local one */
    struct zone_ingress_networking *networking;
    struct available_service *available_services;
    size_t n_available_services;
};

struct zone_egress_networking {
    struct str address;
    uint32_t port;
    struct dp_admin *admin;
};
struct zone_egress_spec {
    struct str zone;
    struct zone_egress_networking *networking;
};

/* ---- ExternalService ---- */
struct external_service_tls {
    bool enabled;
    struct data_source *ca_cert, *client_cert, *client_key;
    struct opt_bool allow_renegotiation;
    struct str server_name; /* p == NULL: the address's host */
};
struct external_service_networking {
    struct str address; /* host:port */
    struct external_service_tls *tls;
    bool disable_host_dns_entry;
};
struct external_service_spec {
    struct external_service_networking *networking; /* never NULL in a stored resource */
    struct tags tags;
};

/* ---- Policies of one list of selectors: all specs begin with struct selector_spec ---- */
struct selector_spec {
    struct selector *selectors;
    size_t n_selectors;
};

/* What TrafficLog and TrafficTrace say. */
struct backend_conf {
    struct str backend; /* "": the Mesh's default */
};
struct traffic_trace_spec {
    struct selector_spec select;
    struct backend_conf *conf;
};

struct virtual_outbound_parameter {
    struct str name;
    struct str tag_key; /* "": the name */
};
struct virtual_outbound_conf {
    struct str host, port; /* templates: virtual_outbound_host() and _port() run them */
    struct virtual_outbound_parameter *parameters;
    size_t n_parameters;
};
struct virtual_outbound_spec {
    struct selector_spec select;
    struct virtual_outbound_conf *conf;
};

struct raw_resource {
    struct str name, version, resource; /* the last is YAML or JSON */
};
/* The match of every kind of modification; each kind has some of the members. */
struct modification_match {
    struct str origin, name;
    struct str listener_name, route_configuration_name;
    struct tags tags; /* the listener's */
};
struct modification {
    struct modification_match *match; /* NULL: everything */
    struct str operation;
    struct str value; /* YAML or JSON */
};
struct modification_of { /* at most one is not NULL */
    struct modification *cluster, *listener, *network_filter, *http_filter, *virtual_host;
};
struct proxy_template_conf {
    struct str_list imports;
    struct raw_resource *resources;
    size_t n_resources;
    struct modification_of *modifications;
    size_t n_modifications;
};
struct proxy_template_spec {
    struct selector_spec select;
    struct proxy_template_conf *conf;
};

/* ---- MeshGateway ---- */
enum gateway_protocol {
    GATEWAY_NO_PROTOCOL = 0,
    GATEWAY_TCP = 1,
    GATEWAY_TLS = 3,
    GATEWAY_HTTP = 4,
    GATEWAY_HTTPS = 5
};
struct str gateway_protocol_name(uint32_t); /* STR_NONE when out of range */
enum gateway_tls_mode { GATEWAY_TLS_NONE, GATEWAY_TLS_TERMINATE, GATEWAY_TLS_PASSTHROUGH };
struct gateway_tls {
    uint32_t mode; /* enum gateway_tls_mode */
    struct data_source *certificates;
    size_t n_certificates;
    struct dp_empty *options;
};
struct gateway_resources {
    uint32_t connection_limit; /* 0: none */
};
struct gateway_listener {
    struct str hostname; /* "": "*" */
    uint32_t port;
    uint32_t protocol; /* enum gateway_protocol */
    struct gateway_tls *tls;
    struct tags tags;
    bool cross_mesh;
    struct gateway_resources *resources;
};
struct gateway_conf {
    struct gateway_listener *listeners;
    size_t n_listeners;
};
struct mesh_gateway_spec {
    struct selector_spec select;
    struct tags tags;
    struct gateway_conf *conf;
};

/* ---- MeshGatewayRoute ---- */
enum gateway_path_kind { GATEWAY_PATH_EXACT, GATEWAY_PATH_PREFIX, GATEWAY_PATH_REGEX };
enum gateway_header_kind {
    GATEWAY_HEADER_EXACT,
    GATEWAY_HEADER_REGEX,
    GATEWAY_HEADER_ABSENT,
    GATEWAY_HEADER_PRESENT
};
enum gateway_query_kind { GATEWAY_QUERY_EXACT, GATEWAY_QUERY_REGEX };
struct gateway_backend {
    uint32_t weight;
    struct tags destination;
};
struct gateway_tcp_rule {
    struct gateway_backend *backends;
    size_t n_backends;
};
struct gateway_tcp_route {
    struct gateway_tcp_rule *rules;
    size_t n_rules;
};
struct gateway_path_match {
    uint32_t match; /* enum gateway_path_kind */
    struct str value;
};
struct gateway_header_match {
    uint32_t match; /* enum gateway_header_kind */
    struct str name, value;
};
struct gateway_query_match {
    uint32_t match; /* enum gateway_query_kind */
    struct str name, value;
};
struct gateway_match {
    struct gateway_path_match *path;
    uint32_t method; /* see retry_method_name(); 0: any */
    struct gateway_header_match *headers;
    size_t n_headers;
    struct gateway_query_match *query_parameters;
    size_t n_query_parameters;
};
struct gateway_header {
    struct str name, value;
};
struct gateway_header_filter {
    struct gateway_header *set;
    size_t n_set;
    struct gateway_header *add;
    size_t n_add;
    struct str_list remove;
};
struct gateway_mirror {
    struct gateway_backend *backend;
    struct opt_double percentage;
};
struct gateway_rewrite {
    struct str replace_full, replace_prefix_match; /* at most one has p != NULL */
    bool host_to_backend_hostname;
};
struct gateway_redirect {
    struct str scheme, hostname;
    uint32_t port, status_code;
    struct gateway_rewrite *path;
};
struct gateway_http_filter { /* at most one is not NULL */
    struct gateway_header_filter *request_header;
    struct gateway_mirror *mirror;
    struct gateway_redirect *redirect;
    struct gateway_rewrite *rewrite;
    struct gateway_header_filter *response_header;
};
struct gateway_http_rule {
    struct gateway_match *matches;
    size_t n_matches;
    struct gateway_http_filter *filters;
    size_t n_filters;
    struct gateway_backend *backends;
    size_t n_backends;
};
struct gateway_http_route {
    struct str_list hostnames;
    struct gateway_http_rule *rules;
    size_t n_rules;
};
struct gateway_route_conf { /* at most one is not NULL */
    struct gateway_tcp_route *tcp;
    struct gateway_http_route *http;
};
struct mesh_gateway_route_spec {
    struct selector_spec select;
    struct gateway_route_conf *conf;
};

/* ---- Source/destination policies ---- */
struct traffic_log_spec {
    struct policy_spec select;
    struct backend_conf *conf;
};

struct health_check_tcp {
    struct str send;         /* p == NULL: not given */
    struct str_list receive; /* raw bytes */
};
struct health_check_header_value {
    struct str key, value;
};
struct health_check_header {
    struct health_check_header_value *header;
    struct opt_bool append;
};
struct health_check_http {
    struct str path;
    struct health_check_header *request_headers_to_add;
    size_t n_request_headers_to_add;
    struct u32_list expected_statuses;
};
struct health_check_conf {
    struct opt_dur interval, timeout;
    uint32_t unhealthy_threshold, healthy_threshold;
    struct opt_dur initial_jitter, interval_jitter;
    uint32_t interval_jitter_percent;
    struct opt_double healthy_panic_threshold; /* a float's precision */
    struct opt_bool fail_traffic_on_panic;
    struct str event_log_path;
    struct opt_bool always_log_health_check_failures;
    struct opt_dur no_traffic_interval;
    struct health_check_tcp *tcp;
    struct health_check_http *http;
    struct opt_bool reuse_connection;
};
struct health_check_spec {
    struct policy_spec select;
    struct health_check_conf *conf;
};

struct rate_limit_header {
    struct str key, value;
    struct opt_bool append;
};
struct on_rate_limit {
    struct opt_u32 status;
    struct rate_limit_header *headers;
    size_t n_headers;
};
struct rate_limit_http {
    uint32_t requests;
    struct opt_dur interval;
    struct on_rate_limit *on_rate_limit;
};
struct rate_limit_conf {
    struct rate_limit_http *http;
};
struct rate_limit_spec {
    struct policy_spec select;
    struct rate_limit_conf *conf;
};

struct fault_delay {
    struct opt_double percentage;
    struct opt_dur value;
};
struct fault_abort {
    struct opt_double percentage;
    struct opt_u32 http_status;
};
struct fault_bandwidth {
    struct opt_double percentage;
    struct str limit; /* p == NULL: not given */
};
struct fault_injection_conf {
    struct fault_delay *delay;
    struct fault_abort *abort;
    struct fault_bandwidth *response_bandwidth;
};
struct fault_injection_spec {
    struct policy_spec select;
    struct fault_injection_conf *conf;
};

/* ---- ZoneInsight, ZoneIngressInsight, ZoneEgressInsight: written by the control plane only ---- */
struct kds_stat {
    struct str key; /* the type's name */
    struct xds_counters counters;
};
struct kds_status {
    struct opt_time last_update_time;
    struct xds_counters *total;
    struct kds_stat *stat;
    size_t n_stat;
};
struct kuma_cp_version {
    struct str version, git_tag, git_commit, build_date;
    bool kuma_cp_global_compatible;
};
struct zone_version {
    struct kuma_cp_version *kuma_cp;
};
struct kds_subscription {
    struct str id, global_instance_id;
    struct opt_time connect_time, disconnect_time;
    struct kds_status *status;
    struct zone_version *version;
    uint32_t generation;
    struct str config;
    bool auth_token_provided;
};
struct envoy_admin_streams {
    struct str config_dump_global_instance_id, stats_global_instance_id, clusters_global_instance_id;
};
struct zone_insight_spec {
    struct kds_subscription *subscriptions;
    size_t n_subscriptions;
    struct envoy_admin_streams *envoy_admin_streams;
};
/* Of a ZoneIngress or a ZoneEgress. */
struct zone_proxy_insight_spec {
    struct dp_subscription *subscriptions;
    size_t n_subscriptions;
};

#endif
