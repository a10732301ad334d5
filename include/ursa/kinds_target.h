/* ursa/kinds_target.h -- the typed specs of the policies with a targetRef; part of ursa/kinds.h.
 *
 * A list whose comment says "given" tells [] from absent by its pointer. Every spec begins with its
 * targetRef. */
#ifndef URSA_KINDS_TARGET_H
#define URSA_KINDS_TARGET_H

#include "ursa/values.h"

/* ---- What a policy, an item of it or a route points to ---- */
/* In the order in which policies are merged: later ones override earlier ones. */
enum target_kind {
    TARGET_NONE,
    TARGET_MESH,
    TARGET_MESH_SUBSET,
    TARGET_MESH_GATEWAY,
    TARGET_MESH_SERVICE,
    TARGET_MESH_SERVICE_SUBSET,
    TARGET_MESH_HTTP_ROUTE
};
struct target_ref {
    uint32_t kind; /* enum target_kind */
    struct str name;
    struct tags tags;
    struct str mesh; /* reserved */
};
struct backend_ref {
    struct target_ref ref;
    struct opt_i64 weight; /* 1 when absent */
};

/* ---- Headers ---- */
struct header_value {
    struct str name, value;
};
struct header_modifier {
    struct header_value *set;
    size_t n_set;
    struct header_value *add;
    size_t n_add;
    struct str_list remove; /* MeshHTTPRoute only */
    bool set_given, add_given, remove_given;
};
enum header_match_type {
    HEADER_MATCH_NONE, /* absent: exact */
    HEADER_MATCH_EXACT,
    HEADER_MATCH_PRESENT,
    HEADER_MATCH_REGEX,
    HEADER_MATCH_ABSENT,
    HEADER_MATCH_PREFIX
};
struct header_match {
    uint32_t type; /* enum header_match_type */
    struct str name, value;
};

/* ---- MeshAccessLog ---- */
enum log_format_type { LOG_FORMAT_NONE, LOG_FORMAT_PLAIN, LOG_FORMAT_JSON };
struct log_field {
    struct str key, value;
};
struct log_format {
    uint32_t type;          /* enum log_format_type */
    struct str plain;       /* p == NULL: absent */
    struct log_field *json; /* given */
    size_t n_json;
    struct opt_bool omit_empty_values;
};
struct log_tcp {
    struct log_format *format;
    struct str address;
};
struct log_file {
    struct log_format *format;
    struct str path;
};
struct log_otel {
    struct log_field *attributes;
    size_t n_attributes;
    struct any_json body;
    struct str endpoint;
};
enum log_backend_type { LOG_BACKEND_NONE, LOG_BACKEND_TCP, LOG_BACKEND_FILE, LOG_BACKEND_OTEL };
struct log_backend {
    uint32_t type; /* enum log_backend_type */
    struct log_tcp *tcp;
    struct log_file *file;
    struct log_otel *open_telemetry;
};
struct mesh_access_log_conf {
    struct log_backend *backends; /* given: [] switches off */
    size_t n_backends;
};
struct mesh_access_log_item {
    struct target_ref target_ref;
    struct mesh_access_log_conf conf;
};
struct mesh_access_log_spec {
    struct target_ref target_ref;
    struct mesh_access_log_item *to;
    size_t n_to;
    struct mesh_access_log_item *from;
    size_t n_from;
};

/* ---- MeshCircuitBreaker ---- */
struct connection_limits {
    struct opt_u32 max_connections, max_connection_pools, max_pending_requests, max_retries, max_requests;
};
struct consecutive_failures {
    struct opt_u32 consecutive;
};
struct success_rate {
    struct opt_u32 minimum_hosts, request_volume;
    struct int_or_str standard_deviation_factor;
};
struct failure_percentage {
    struct opt_u32 minimum_hosts, request_volume, threshold;
};
struct outlier_detectors {
    struct consecutive_failures *total_failures, *gateway_failures, *local_origin_failures;
    struct success_rate *success_rate;
    struct failure_percentage *failure_percentage;
};
struct outlier_detection {
    struct opt_bool disabled;
    struct opt_dur interval, base_ejection_time;
    struct opt_u32 max_ejection_percent;
    struct opt_bool split_external_and_local_errors;
    struct outlier_detectors *detectors;
};
struct mesh_circuit_breaker_conf {
    struct connection_limits *connection_limits;
    struct outlier_detection *outlier_detection;
};
struct mesh_circuit_breaker_item {
    struct target_ref target_ref;
    struct mesh_circuit_breaker_conf conf;
};
struct mesh_circuit_breaker_spec {
    struct target_ref target_ref;
    struct mesh_circuit_breaker_item *to;
    size_t n_to;
    struct mesh_circuit_breaker_item *from;
    size_t n_from;
};

/* ---- MeshFaultInjection ---- */
struct injected_abort {
    struct opt_i32 http_status;
    struct int_or_str percentage;
};
struct injected_delay {
    struct opt_dur value;
    struct int_or_str percentage;
};
struct injected_bandwidth {
    struct str limit;
    struct int_or_str percentage;
};
struct injected_fault {
    struct injected_abort *abort;
    struct injected_delay *delay;
    struct injected_bandwidth *response_bandwidth;
};
struct mesh_fault_injection_conf {
    struct injected_fault *http; /* given */
    size_t n_http;
};
struct mesh_fault_injection_item {
    struct target_ref target_ref;
    struct mesh_fault_injection_conf conf;
};
struct mesh_fault_injection_spec {
    struct target_ref target_ref;
    struct mesh_fault_injection_item *from;
    size_t n_from;
};

/* ---- MeshHealthCheck ---- */
struct active_check_tcp {
    struct opt_bool disabled;
    struct str send;         /* p == NULL: absent */
    struct str_list receive; /* given */
};
struct active_check_http {
    struct opt_bool disabled;
    struct str path; /* p == NULL: absent */
    struct header_modifier *request_headers_to_add;
    struct i32_list expected_statuses; /* given */
};
struct active_check_grpc {
    struct opt_bool disabled;
    struct str service_name, authority; /* p == NULL: absent */
};
struct mesh_health_check_conf {
    struct opt_dur interval, timeout;
    struct opt_i32 unhealthy_threshold, healthy_threshold;
    struct opt_dur initial_jitter, interval_jitter;
    struct opt_i32 interval_jitter_percent;
    struct int_or_str healthy_panic_threshold;
    struct opt_bool fail_traffic_on_panic;
    struct str event_log_path; /* p == NULL: absent */
    struct opt_bool always_log_health_check_failures;
    struct opt_dur no_traffic_interval;
    struct active_check_tcp *tcp;
    struct active_check_http *http;
    struct active_check_grpc *grpc;
    struct opt_bool reuse_connection;
};
struct mesh_health_check_item {
    struct target_ref target_ref;
    struct mesh_health_check_conf conf;
};
struct mesh_health_check_spec {
    struct target_ref target_ref;
    struct mesh_health_check_item *to;
    size_t n_to;
};

/* ---- MeshHTTPRoute ---- */
enum path_match_type { PATH_MATCH_NONE, PATH_MATCH_EXACT, PATH_MATCH_PREFIX, PATH_MATCH_REGEX };
struct path_match {
    struct str value;
    uint32_t type; /* enum path_match_type */
};
enum query_match_type { QUERY_MATCH_NONE, QUERY_MATCH_EXACT, QUERY_MATCH_REGEX };
struct query_match {
    uint32_t type; /* enum query_match_type */
    struct str name, value;
};
struct route_match {
    struct path_match *path;
    struct str method; /* p == NULL: any */
    struct query_match *query_params;
    size_t n_query_params;
    struct header_match *headers;
    size_t n_headers;
};
enum rewrite_type { REWRITE_NONE, REWRITE_FULL_PATH, REWRITE_PREFIX };
struct route_path_rewrite {
    uint32_t type;                                      /* enum rewrite_type */
    struct str replace_full_path, replace_prefix_match; /* p == NULL: absent */
};
struct request_redirect {
    struct str scheme, hostname; /* p == NULL: as in the request */
    struct route_path_rewrite *path;
    struct opt_i32 port;
    struct opt_i64 status_code; /* 302 when absent */
};
struct url_rewrite {
    struct str hostname; /* p == NULL: unchanged */
    struct route_path_rewrite *path;
};
struct request_mirror {
    struct int_or_str percentage; /* 100 when absent */
    struct target_ref backend_ref;
};
enum route_filter_type {
    FILTER_NONE,
    FILTER_REQUEST_HEADERS,
    FILTER_RESPONSE_HEADERS,
    FILTER_REDIRECT,
    FILTER_URL_REWRITE,
    FILTER_MIRROR
};
struct route_filter {
    uint32_t type; /* enum route_filter_type */
    struct header_modifier *request_header_modifier, *response_header_modifier;
    struct request_redirect *request_redirect;
    struct url_rewrite *url_rewrite;
    struct request_mirror *request_mirror;
};
struct http_rule_conf {
    struct route_filter *filters; /* given */
    size_t n_filters;
    struct backend_ref *backend_refs; /* given */
    size_t n_backend_refs;
};
struct http_rule {
    struct route_match *matches;
    size_t n_matches;
    struct http_rule_conf conf;
};
struct mesh_http_route_item {
    struct target_ref target_ref;
    struct http_rule *rules;
    size_t n_rules;
};
struct mesh_http_route_spec {
    struct target_ref target_ref;
    struct mesh_http_route_item *to;
    size_t n_to;
};

/* ---- MeshLoadBalancingStrategy ---- */
enum hash_policy_type {
    HASH_NONE,
    HASH_HEADER,
    HASH_COOKIE,
    HASH_SOURCE_IP,
    HASH_QUERY_PARAMETER,
    HASH_FILTER_STATE
};
struct hash_name {
    struct str name;
};
struct hash_cookie {
    struct str name;
    struct opt_dur ttl;
    struct str path; /* p == NULL: absent */
};
struct hash_connection {
    struct opt_bool source_ip;
};
struct hash_policy {
    uint32_t type; /* enum hash_policy_type */
    struct opt_bool terminal;
    struct hash_name *header;
    struct hash_cookie *cookie;
    struct hash_connection *connection;
    struct hash_name *query_parameter, *filter_state;
};
enum hash_function { HASH_FUNCTION_NONE, HASH_FUNCTION_XX, HASH_FUNCTION_MURMUR2 };
struct balance_empty {
    char unused; /* an empty object: only its presence counts */
};
struct balance_least_request {
    struct opt_u32 choice_count;
};
struct balance_ring_hash {
    uint32_t hash_function; /* enum hash_function */
    struct opt_u32 min_ring_size, max_ring_size;
    struct hash_policy *hash_policies; /* given */
    size_t n_hash_policies;
};
struct balance_maglev {
    struct opt_u32 table_size;
    struct hash_policy *hash_policies; /* given */
    size_t n_hash_policies;
};
enum balance_type {
    BALANCE_NONE,
    BALANCE_ROUND_ROBIN,
    BALANCE_LEAST_REQUEST,
    BALANCE_RING_HASH,
    BALANCE_RANDOM,
    BALANCE_MAGLEV
};
struct balance {
    uint32_t type; /* enum balance_type */
    struct balance_empty *round_robin;
    struct balance_least_request *least_request;
    struct balance_ring_hash *ring_hash;
    struct balance_empty *random;
    struct balance_maglev *maglev;
};
struct locality_awareness {
    struct opt_bool disabled;
};
struct mesh_load_balancing_strategy_conf {
    struct locality_awareness *locality_awareness;
    struct balance *load_balancer;
};
struct mesh_load_balancing_strategy_item {
    struct target_ref target_ref;
    struct mesh_load_balancing_strategy_conf conf;
};
struct mesh_load_balancing_strategy_spec {
    struct target_ref target_ref;
    struct mesh_load_balancing_strategy_item *to;
    size_t n_to;
};

/* ---- MeshProxyPatch ---- */
struct json_patch {
    struct str op, path;
    struct any_json value;
    struct str from; /* p == NULL: absent */
};
/* Which of these a kind of modification knows: its field table. */
struct proxy_match {
    struct str origin, name, listener_name, route_configuration_name; /* p == NULL: absent */
    struct tags tags;
};
enum modification_operation {
    MODIFY_NONE,
    MODIFY_ADD,
    MODIFY_REMOVE,
    MODIFY_PATCH,
    MODIFY_ADD_FIRST,
    MODIFY_ADD_BEFORE,
    MODIFY_ADD_AFTER,
    MODIFY_ADD_LAST
};
struct proxy_change {
    struct proxy_match *match;
    uint32_t operation; /* enum modification_operation */
    struct str value;   /* YAML of an Envoy resource; p == NULL: absent */
    struct json_patch *json_patches;
    size_t n_json_patches;
};
struct proxy_modification { /* the first that is not NULL counts, virtualHost before the filters */
    struct proxy_change *cluster, *listener, *network_filter, *http_filter, *virtual_host;
};
struct mesh_proxy_patch_conf {
    struct proxy_modification *append_modifications;
    size_t n_append_modifications;
};
struct mesh_proxy_patch_spec {
    struct target_ref target_ref;
    struct mesh_proxy_patch_conf conf;
};

/* ---- MeshRateLimit ---- */
struct limit_rate {
    uint32_t num;
    struct opt_dur interval;
};
struct limit_response {
    struct opt_u32 status;
    struct header_modifier *headers;
};
struct local_http_limit {
    struct opt_bool disabled;
    struct limit_rate *request_rate;
    struct limit_response *on_rate_limit;
};
struct local_tcp_limit {
    struct opt_bool disabled;
    struct limit_rate *connection_rate;
};
struct local_limit {
    struct local_http_limit *http;
    struct local_tcp_limit *tcp;
};
struct mesh_rate_limit_conf {
    struct local_limit *local;
};
struct mesh_rate_limit_item {
    struct target_ref target_ref;
    struct mesh_rate_limit_conf conf;
};
struct mesh_rate_limit_spec {
    struct target_ref target_ref;
    struct mesh_rate_limit_item *from;
    size_t n_from;
};

/* ---- MeshRetry ---- */
enum reset_format { RESET_NONE, RESET_SECONDS, RESET_UNIX_TIMESTAMP };
struct reset_header {
    struct str name;
    uint32_t format; /* enum reset_format */
};
struct retry_back_off {
    struct opt_dur base_interval, max_interval;
};
struct rate_limited_back_off {
    struct reset_header *reset_headers; /* given */
    size_t n_reset_headers;
    struct opt_dur max_interval;
};
struct host_predicate {
    struct str predicate;
    struct tags tags;
    bool tags_given;
    int32_t update_frequency;
};
struct mesh_retry_tcp {
    struct opt_u32 max_connect_attempt;
};
struct mesh_retry_http {
    struct opt_u32 num_retries;
    struct opt_dur per_try_timeout;
    struct retry_back_off *back_off;
    struct rate_limited_back_off *rate_limited_back_off;
    struct str_list retry_on;                        /* given */
    struct header_match *retriable_response_headers; /* given */
    size_t n_retriable_response_headers;
    struct header_match *retriable_request_headers; /* given */
    size_t n_retriable_request_headers;
    struct host_predicate *host_selection; /* given */
    size_t n_host_selection;
    struct opt_i64 host_selection_max_attempts;
};
struct mesh_retry_grpc {
    struct opt_u32 num_retries;
    struct opt_dur per_try_timeout;
    struct retry_back_off *back_off;
    struct rate_limited_back_off *rate_limited_back_off;
    struct str_list retry_on; /* given */
};
struct mesh_retry_conf {
    struct mesh_retry_tcp *tcp;
    struct mesh_retry_http *http;
    struct mesh_retry_grpc *grpc;
};
struct mesh_retry_item {
    struct target_ref target_ref;
    struct mesh_retry_conf conf;
};
struct mesh_retry_spec {
    struct target_ref target_ref;
    struct mesh_retry_item *to;
    size_t n_to;
};

/* ---- MeshTCPRoute ---- */
struct tcp_rule_conf {
    struct backend_ref *backend_refs;
    size_t n_backend_refs;
};
struct tcp_rule {
    struct tcp_rule_conf conf;
};
struct mesh_tcp_route_item {
    struct target_ref target_ref;
    struct tcp_rule *rules; /* at most one */
    size_t n_rules;
};
struct mesh_tcp_route_spec {
    struct target_ref target_ref;
    struct mesh_tcp_route_item *to;
    size_t n_to;
};

/* ---- MeshTimeout ---- */
struct mesh_timeout_http {
    struct opt_dur request_timeout, stream_idle_timeout, max_stream_duration, max_connection_duration;
};
struct mesh_timeout_conf {
    struct opt_dur connection_timeout, idle_timeout;
    struct mesh_timeout_http *http;
};
struct mesh_timeout_item {
    struct target_ref target_ref;
    struct mesh_timeout_conf conf;
};
struct mesh_timeout_spec {
    struct target_ref target_ref;
    struct mesh_timeout_item *to;
    size_t n_to;
    struct mesh_timeout_item *from;
    size_t n_from;
};

/* ---- MeshTrace ---- */
struct trace_zipkin {
    struct str url;
    struct opt_bool trace_id_128bit;
    struct str api_version; /* p == NULL: httpJson */
    struct opt_bool shared_span_context;
};
struct trace_datadog {
    struct str url;
    struct opt_bool split_service;
};
struct trace_otel {
    struct str endpoint;
};
enum trace_backend_type { TRACE_NONE, TRACE_ZIPKIN, TRACE_DATADOG, TRACE_OTEL };
struct trace_backend {
    uint32_t type; /* enum trace_backend_type */
    struct trace_zipkin *zipkin;
    struct trace_datadog *datadog;
    struct trace_otel *open_telemetry;
};
struct trace_sampling {
    struct int_or_str overall, client, random;
};
struct trace_header_tag {
    struct str name, default_value; /* default_value.p == NULL: absent */
};
struct trace_tag {
    struct str name, literal; /* literal.p == NULL: absent */
    struct trace_header_tag *header;
};
struct mesh_trace_conf {
    struct trace_backend *backends; /* given: [] switches off */
    size_t n_backends;
    struct trace_sampling *sampling;
    struct trace_tag *tags; /* given */
    size_t n_tags;
};
struct mesh_trace_spec {
    struct target_ref target_ref;
    struct mesh_trace_conf conf;
};

/* ---- MeshTrafficPermission ---- */
enum permission_action { ACTION_NONE, ACTION_ALLOW, ACTION_DENY, ACTION_ALLOW_WITH_SHADOW_DENY };
struct mesh_traffic_permission_conf {
    uint32_t action; /* enum permission_action */
};
struct mesh_traffic_permission_item {
    struct target_ref target_ref;
    struct mesh_traffic_permission_conf conf;
};
struct mesh_traffic_permission_spec {
    struct target_ref target_ref;
    struct mesh_traffic_permission_item *from;
    size_t n_from;
};

#endif
