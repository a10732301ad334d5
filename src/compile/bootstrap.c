/* compile/bootstrap.c -- the configuration with which an Envoy starts (rest-api.md 10.3, xds.md 2.2).
 *
 * Differences from the reference, each on purpose: no runtime key for Apple's DNS (Envoy 1.40 has removed it
 * and complains), TLS 1.3 is allowed towards the control plane (Envoy as a client stops at 1.2 by default),
 * the incremental variant of the discovery protocol unless the other is asked for (decision 15), and a bound
 * to how long an Envoy waits before it tries to connect again. */
#include "ursa/bootstrap.h"

#include <assert.h>
#include <string.h>

#include "ursa/base/base64.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"
#include "ursa/envoy_build.h"

#define GOOGLE_APIS "type.googleapis.com/"
#define HTTP_OPTIONS "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
#define FIXED_HEAP "envoy.resource_monitors.fixed_heap"
#define ADS_CLUSTER "ads_cluster"
#define ACCESS_LOG_CLUSTER "access_log_sink"
#define VALIDATION_SECRET "cp_validation_ctx"
#define SOCKET_STEM_MAX 98 /* with ".sock" it fits into sockaddr_un everywhere */
/* Envoys older than this refuse a bootstrap that says how to connect again. */
#define RECONNECT_SINCE_MINOR 26

static const struct str proxy_names[BOOTSTRAP_N] = {
    [BOOTSTRAP_DATAPLANE] = STR_INIT("dataplane"),
    [BOOTSTRAP_INGRESS] = STR_INIT("ingress"),
    [BOOTSTRAP_EGRESS] = STR_INIT("egress"),
};

bool bootstrap_proxy_parse(struct str s, enum bootstrap_proxy *out)
{
    *out = BOOTSTRAP_DATAPLANE;
    if (s.n == 0)
        return true;
    for (enum bootstrap_proxy p = 0; p < BOOTSTRAP_N; p++) {
        if (str_eq(s, proxy_names[p])) {
            *out = p;
            return true;
        }
    }
    return false;
}

static const struct {
    struct str name;
    const char *api_type; /* Envoy's word for the kind of stream; NULL: there is none */
} transports[TRANSPORT_N] = {
    [TRANSPORT_DELTA] = {STR_INIT("delta"), "DELTA_GRPC"},
    [TRANSPORT_SOTW] = {STR_INIT("sotw"), "GRPC"},
    [TRANSPORT_REST] = {STR_INIT("rest"), NULL},
};

bool bootstrap_transport_parse(struct str s, enum bootstrap_transport *out)
{
    for (enum bootstrap_transport t = 0; t < TRANSPORT_N; t++) {
        if (str_eq(s, transports[t].name)) {
            *out = t;
            return true;
        }
    }
    return false;
}

struct str bootstrap_transport_name(enum bootstrap_transport t)
{
    return transports[t].name;
}

/* What json_pack made; it fails only when a format of this file is wrong. */
static json_t *packed(json_t *v)
{
    assert(v);
    return v;
}

static json_t *socket_address(struct str address, uint16_t port)
{
    return packed(
        json_pack("{s:{s:o, s:i}}", "socketAddress", "address", json_from_str(address), "portValue", port));
}

static json_t *socket_path(struct str given, const char *stem, const struct bootstrap_input *in,
                           struct arena *a)
{
    if (given.n > 0)
        return json_from_str(given);
    struct str path =
        arena_printf(a, "/tmp/%s-" STR_FMT "-" STR_FMT, stem, STR_ARG(in->name), STR_ARG(in->mesh));
    return json_from_str(arena_printf(a, STR_FMT ".sock", STR_ARG(str_slice(path, 0, SOCKET_STEM_MAX))));
}

static json_t *admin(const struct bootstrap_input *in)
{
    json_t *log = packed(
        json_pack("{s:s, s:{s:s, s:s}}", "name", "envoy.access_loggers.file", "typedConfig", "@type",
                  GOOGLE_APIS "envoy.extensions.access_loggers.file.v3.FileAccessLog", "path", "/dev/null"));
    return packed(json_pack("{s:[o], s:o}", "accessLog", log, "address",
                            socket_address(in->admin_address, in->admin_port)));
}

/* How Envoy reaches a service of the control plane. */
static json_t *config_source(const struct bootstrap_input *in, const char *api_type)
{
    json_t *service = packed(json_pack("{s:{s:s}}", "envoyGrpc", "clusterName", ADS_CLUSTER));
    if (in->token.n > 0)
        json_object_set_new(
            service, "initialMetadata",
            packed(json_pack("[{s:s, s:o}]", "key", "authorization", "value", json_from_str(in->token))));
    return packed(json_pack("{s:s, s:[o], s:b, s:s}", "apiType", api_type, "grpcServices", service,
                            "setNodeOnFirstMessageOnly", 1, "transportApiVersion", "V3"));
}

/* Where Envoy has its resources from. */
static json_t *resource_source(const struct bootstrap_input *in)
{
    return in->transport == TRANSPORT_REST ? envoy_polling() : envoy_ads();
}

/* A launcher that does not know the version of its Envoy is taken to have a current one. */
static bool can_bound_reconnects(const struct bootstrap_input *in)
{
    struct str rest = json_str(json_get(json_get(in->version, "envoy"), "version")), part;
    uint64_t major = 0, minor = 0;
    if (!str_next(&rest, '.', &part) || !str_to_uint(part, UINT32_MAX, &major) ||
        !str_next(&rest, '.', &part) || !str_to_uint(part, UINT32_MAX, &minor))
        return true;
    return major > 1 || (major == 1 && minor >= RECONNECT_SINCE_MINOR);
}

/* Left to itself, Envoy waits up to 30 s between two tries. Then certificates that fell due while the control
 * plane was away are renewed that late, too. Envoy draws each time from the whole interval, so those that
 * lost their streams together do not come back together. */
static json_t *reconnecting(json_t *source)
{
    json_t *service = json_array_get(json_get(source, "grpcServices"), 0);
    json_object_set_new(
        json_get(service, "envoyGrpc"), "retryPolicy",
        packed(json_pack("{s:{s:s, s:s}}", "retryBackOff", "baseInterval", "0.500s", "maxInterval", "5s")));
    return source;
}

static json_t *dynamic_resources(const struct bootstrap_input *in)
{
    const char *api_type = transports[in->transport].api_type;
    json_t *resources =
        packed(json_pack("{s:o, s:o}", "cdsConfig", resource_source(in), "ldsConfig", resource_source(in)));
    if (api_type) {
        json_t *stream = config_source(in, api_type);
        json_object_set_new(resources, "adsConfig", can_bound_reconnects(in) ? reconnecting(stream) : stream);
    }
    return resources;
}

static json_t *layered_runtime(const struct bootstrap_input *in)
{
    json_t *layers = packed(json_pack("[{s:s, s:{s:I, s:i}}]", "name", "kuma", "staticLayer",
                                      "re2.max_program_size.error_level", (json_int_t)UINT32_MAX,
                                      "re2.max_program_size.warn_level", 1000));
    if (in->builtin_gateway) {
        json_array_append_new(layers, packed(json_pack("{s:s, s:{s:i}}", "name", "gateway", "staticLayer",
                                                       "overload.global_downstream_max_connections", 50000)));
        json_array_append_new(
            layers, packed(json_pack("{s:s, s:{s:s, s:o}}", "name", "gateway.listeners", "rtdsLayer", "name",
                                     "gateway.listeners", "rtdsConfig", resource_source(in))));
    }
    return packed(json_pack("{s:o}", "layers", layers));
}

/* Ports are text in the metadata, which is how control planes of this family read them. */
static void set_port(json_t *metadata, const char *key, uint16_t port, struct arena *a)
{
    if (port > 0)
        json_object_set_new(metadata, key, json_from_str(arena_printf(a, "%u", port)));
}

static json_t *copy_or(const json_t *v, json_t *otherwise)
{
    if (!v)
        return otherwise;
    json_decref(otherwise);
    return json_deep_copy(v);
}

static json_t *metadata(const struct bootstrap_input *in, struct arena *a)
{
    json_t *m = json_object();
    json_object_set_new(m, "accessLogSocketPath", socket_path(in->access_log_socket, "kuma-al", in, a));
    if (in->admin_port > 0)
        json_object_set_new(m, "dataplane.admin.address", json_from_str(in->admin_address));
    set_port(m, "dataplane.admin.port", in->admin_port, a);
    set_port(m, "dataplane.dns.empty.port", in->empty_dns_port, a);
    set_port(m, "dataplane.dns.port", in->dns_port, a);
    json_object_set_new(m, "dataplane.proxyType", json_from_str(proxy_names[in->proxy]));
    if (in->dataplane_resource.n > 0)
        json_object_set_new(m, "dataplane.resource", json_from_str(in->dataplane_resource));
    if (json_object_size(in->dynamic_metadata) > 0)
        json_object_set_new(m, "dynamicMetadata", json_deep_copy(in->dynamic_metadata));
    json_object_set_new(m, "features", copy_or(in->features, json_array()));
    json_object_set_new(m, "metricsCertPath", json_from_str(in->metrics_cert));
    json_object_set_new(m, "metricsKeyPath", json_from_str(in->metrics_key));
    json_object_set_new(m, "metricsSocketPath", socket_path(in->metrics_socket, "kuma-mh", in, a));
    json_object_set_new(m, "version", copy_or(in->version, json_object()));
    return m;
}

static json_t *node(const struct bootstrap_input *in, struct arena *a)
{
    bool is_dataplane = in->proxy == BOOTSTRAP_DATAPLANE;
    struct str mesh = is_dataplane ? in->mesh : STR_NONE;
    struct str id = arena_printf(a, STR_FMT "." STR_FMT, STR_ARG(mesh), STR_ARG(in->name));
    return packed(json_pack("{s:o, s:o, s:o}", "cluster",
                            json_from_str(is_dataplane ? in->service : proxy_names[in->proxy]), "id",
                            json_from_str(id), "metadata", metadata(in, a)));
}

static json_t *overload_action(const char *name, double at)
{
    return packed(json_pack("{s:s, s:[{s:s, s:{s:f}}]}", "name", name, "triggers", "name", FIXED_HEAP,
                            "threshold", "value", at));
}

static json_t *overload_manager(uint64_t max_heap_bytes, struct arena *a)
{
    json_t *config = packed(json_pack(
        "{s:s, s:o}", "@type", GOOGLE_APIS "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        "maxHeapSizeBytes", json_from_str(arena_printf(a, "%llu", (unsigned long long)max_heap_bytes))));
    return packed(json_pack("{s:[o, o], s:s, s:[{s:s, s:o}]}", "actions",
                            overload_action("envoy.overload_actions.shrink_heap", 0.95),
                            overload_action("envoy.overload_actions.stop_accepting_requests", 0.98),
                            "refreshInterval", "0.250s", "resourceMonitors", "name", FIXED_HEAP,
                            "typedConfig", config));
}

/* A cluster with one endpoint that speaks HTTP/2. */
static json_t *cluster(const char *name, const char *type, json_t *address, json_t *transport_socket)
{
    json_t *assignment = packed(json_pack("{s:s, s:[{s:[{s:{s:o}}]}]}", "clusterName", name, "endpoints",
                                          "lbEndpoints", "endpoint", "address", address));
    json_t *options = packed(json_pack("{s:s, s:{s:{}}}", "@type", GOOGLE_APIS HTTP_OPTIONS,
                                       "explicitHttpConfig", "http2ProtocolOptions"));
    return packed(json_pack("{s:s, s:o, s:s, s:o*, s:s, s:{s:o}, s:{s:{s:i, s:i, s:i}}}", "connectTimeout",
                            "1s", "loadAssignment", assignment, "name", name, "transportSocket",
                            transport_socket, "type", type, "typedExtensionProtocolOptions", HTTP_OPTIONS,
                            options, "upstreamConnectionOptions", "tcpKeepalive", "keepaliveInterval", 10,
                            "keepaliveProbes", 3, "keepaliveTime", 10));
}

static json_t *tls_to_control_plane(struct str host)
{
    json_t *common = packed(json_pack("{s:{s:s, s:s}, s:{s:s}}", "tlsParams", "tlsMaximumProtocolVersion",
                                      "TLSv1_3", "tlsMinimumProtocolVersion", "TLSv1_2",
                                      "validationContextSdsSecretConfig", "name", VALIDATION_SECRET));
    return packed(json_pack("{s:s, s:{s:s, s:o, s:o}}", "name", "envoy.transport_sockets.tls", "typedConfig",
                            "@type",
                            GOOGLE_APIS "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                            "commonTlsContext", common, "sni", json_from_str(host)));
}

static json_t *exact_name(const char *type, struct str host)
{
    return packed(json_pack("{s:{s:o}, s:s}", "matcher", "exact", json_from_str(host), "sanType", type));
}

/* How Envoy reaches the control plane to poll. Its polls carry no headers of their own, so a filter on their
 * way out adds the token. kuma-dp reads the bootstrap and does not know such filters; what is in a
 * TypedStruct it hands on as it is. */
static json_t *polled_cluster(const struct bootstrap_input *in)
{
    json_t *filters = json_array(), *made;
    if (in->token.n > 0) {
        json_t *append =
            packed(json_pack("{s:{s:s, s:o}, s:s}", "header", "key", "authorization", "value",
                             json_from_str(in->token), "appendAction", "OVERWRITE_IF_EXISTS_OR_ADD"));
        json_array_append_new(
            filters, envoy_extension("envoy.filters.http.header_mutation",
                                     "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
                                     packed(json_pack("{s:{s:[{s:o}]}}", "mutations", "requestMutations",
                                                      "append", append))));
    }
    json_array_append_new(
        filters, envoy_extension("envoy.filters.http.upstream_codec",
                                 "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec", NULL));
    made = cluster(ENVOY_POLLED_CLUSTER, envoy_address_is_ip(in->xds_host) ? "STATIC" : "STRICT_DNS",
                   socket_address(in->xds_host, in->xds_port), tls_to_control_plane(in->xds_host));
    json_object_set_new(
        json_get(made, "typedExtensionProtocolOptions"), HTTP_OPTIONS,
        packed(json_pack("{s:s, s:s, s:{s:{s:{}}, s:o}}", "@type", GOOGLE_APIS "xds.type.v3.TypedStruct",
                         "typeUrl", GOOGLE_APIS HTTP_OPTIONS, "value", "explicitHttpConfig",
                         "httpProtocolOptions", "httpFilters", filters)));
    return made;
}

static json_t *static_resources(const struct bootstrap_input *in, struct arena *a)
{
    json_t *log_address =
        packed(json_pack("{s:{s:o}}", "pipe", "path", socket_path(in->access_log_socket, "kuma-al", in, a)));
    json_t *log_sink = cluster(ACCESS_LOG_CLUSTER, "STATIC", log_address, NULL);
    json_t *ads = cluster(ADS_CLUSTER, envoy_address_is_ip(in->xds_host) ? "STATIC" : "STRICT_DNS",
                          socket_address(in->xds_host, in->xds_port), tls_to_control_plane(in->xds_host));
    json_t *secret = packed(json_pack(
        "{s:s, s:{s:[o, o], s:{s:o}}}", "name", VALIDATION_SECRET, "validationContext",
        "matchTypedSubjectAltNames", exact_name("DNS", in->xds_host), exact_name("IP_ADDRESS", in->xds_host),
        "trustedCa", "inlineBytes", json_from_str(base64_encode(a, in->ca_pem))));
    json_t *clusters = packed(json_pack("[o, o]", log_sink, ads));
    if (in->transport == TRANSPORT_REST)
        json_array_append_new(clusters, polled_cluster(in));
    return packed(json_pack("{s:o, s:[o]}", "clusters", clusters, "secrets", secret));
}

/* Names of statistics that Envoy's own tags do not take apart. */
static json_t *stats_config(void)
{
    static const struct {
        const char *regex, *tag;
    } rows[] = {
        {"^grpc\\.((.+)\\.)", "name"},
        {"^grpc.*streams_closed(_([0-9]+))", "status"},
        {"^kafka(\\.(\\S*[0-9]))\\.", "kafka_name"},
        {"^kafka\\..*\\.(.*?(?=_duration|$))", "kafka_type"},
        {"(worker_([0-9]+)\\.)", "worker"},
        {"((.+?)\\.)rbac\\.", "listener"},
    };
    json_t *tags = json_array();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        json_array_append_new(
            tags, packed(json_pack("{s:s, s:s}", "regex", rows[i].regex, "tagName", rows[i].tag)));
    return packed(json_pack("{s:o}", "statsTags", tags));
}

json_t *bootstrap_tree(const struct bootstrap_input *in)
{
    struct arena a;
    arena_init(&a);
    json_t *tree = json_object();
    if (in->admin_port > 0)
        json_object_set_new(tree, "admin", admin(in));
    json_object_set_new(tree, "dynamicResources", dynamic_resources(in));
    if (in->health_discovery && in->proxy == BOOTSTRAP_DATAPLANE)
        json_object_set_new(tree, "hdsConfig", config_source(in, "GRPC"));
    json_object_set_new(tree, "layeredRuntime", layered_runtime(in));
    json_object_set_new(tree, "node", node(in, &a));
    if (in->builtin_gateway && in->max_heap_bytes > 0)
        json_object_set_new(tree, "overloadManager", overload_manager(in->max_heap_bytes, &a));
    json_object_set_new(tree, "staticResources", static_resources(in, &a));
    json_object_set_new(tree, "statsConfig", stats_config());
    arena_fini(&a);
    return tree;
}

struct str bootstrap_yaml(struct arena *a, const struct bootstrap_input *in)
{
    JSON_AUTO tree = bootstrap_tree(in);
    return yaml_format(a, tree);
}
