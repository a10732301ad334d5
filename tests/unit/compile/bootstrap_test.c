/* The bootstrap against those that the reference answered, with our deviations applied to them. */
#include "../../lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/base64.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"
#include "ursa/bootstrap.h"
#include "ursa/envoy.h"

static json_t *load_recording(const char *file)
{
    const char *shared = getenv("URSA_SHARED");
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/fixtures/rest/09-bootstrap/%s", shared ? shared : "../shared",
                   file);
    return json_load_file(path, 0, NULL);
}

static json_t *at(json_t *v, const char *path)
{
    char name[64];
    for (size_t n; v && *path; path += n + (path[n] == '/')) {
        n = strcspn(path, "/");
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, path);
        v = json_is_array(v) ? json_array_get(v, strtoul(name, NULL, 10)) : json_object_get(v, name);
    }
    return v;
}

/* The recorded bootstrap as a tree; the caller owns it. */
static json_t *recorded_tree(json_t *recording, struct arena *a, struct err *e)
{
    struct yaml_doc *docs;
    size_t n, bad_at;
    json_t *body = at(recording, "response/body");
    struct str yaml = json_str(body);
    if (json_is_object(body) && !base64_decode(a, json_str(json_get(body, "bootstrap")), &yaml, &bad_at))
        FAIL("the recording is no base64");
    EXPECT_INT("recorded YAML", yaml_parse(yaml, 1, &docs, &n, e), ERR_NONE);
    EXPECT_INT("documents", n, 1);
    return docs[0].root;
}

static void deviate(json_t *tree)
{
    json_object_del(at(tree, "layeredRuntime/layers/0/staticLayer"),
                    "envoy.restart_features.use_apple_api_for_dns_lookups");
    json_object_set_new(
        at(tree, "staticResources/clusters/1/transportSocket/typedConfig/commonTlsContext/tlsParams"),
        "tlsMaximumProtocolVersion", json_string("TLSv1_3"));
    json_object_set_new(at(tree, "dynamicResources/adsConfig"), "apiType", json_string("DELTA_GRPC"));
    json_object_set_new(
        at(tree, "dynamicResources/adsConfig/grpcServices/0/envoyGrpc"), "retryPolicy",
        json_pack("{s:{s:s, s:s}}", "retryBackOff", "baseInterval", "0.500s", "maxInterval", "5s"));
}

static uint16_t port_of(json_t *v)
{
    return (uint16_t)json_integer_value(v);
}

/* The input that the recorded request is, with what only the reference's own settings know taken from its
 * answer. */
static struct bootstrap_input input_of(json_t *request, json_t *answer, struct arena *a)
{
    struct bootstrap_input in = {
        .mesh = json_str(at(request, "mesh")),
        .name = json_str(at(request, "name")),
        .admin_address = STR("127.0.0.1"),
        .admin_port = 9901,
        .xds_host = STR("127.0.0.1"),
        .xds_port = 15678,
        .health_discovery = true,
        .token = json_str(at(answer, "dynamicResources/adsConfig/grpcServices/0/initialMetadata/0/value")),
        .dataplane_resource = json_str(at(request, "dataplaneResource")),
        .version = at(request, "version"),
        .features = at(request, "features"),
        .dynamic_metadata = at(request, "dynamicMetadata"),
        .dns_port = port_of(at(request, "dnsPort")),
        .empty_dns_port = port_of(at(request, "emptyDnsPort")),
        .access_log_socket = json_str(at(request, "accessLogSocketPath")),
        .metrics_socket = json_str(at(request, "metricsResources/socketPath")),
        .max_heap_bytes = (uint64_t)json_integer_value(at(request, "resources/maxHeapSizeBytes")),
    };
    size_t bad_at;
    struct str ca = json_str(at(answer, "staticResources/secrets/0/validationContext/trustedCa/inlineBytes"));
    EXPECT_TRUE("proxy type", bootstrap_proxy_parse(json_str(at(request, "proxyType")), &in.proxy));
    EXPECT_TRUE("CA", base64_decode(a, ca, &in.ca_pem, &bad_at));
    return in;
}

TEST(transports)
{
    static const struct {
        const char *word, *want;
    } rows[] = {{"delta", "DELTA_GRPC"}, {"sotw", "GRPC"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bootstrap_input in = {.name = STR("web-1"), .mesh = STR("m")};
        EXPECT_TRUE(rows[i].word, bootstrap_transport_parse(str_from_c(rows[i].word), &in.transport));
        EXPECT_STR("name", bootstrap_transport_name(in.transport), rows[i].word);
        json_t *tree = bootstrap_tree(&in);
        EXPECT_STR(rows[i].word, json_str(at(tree, "dynamicResources/adsConfig/apiType")), rows[i].want);
        json_decref(tree);
    }
    EXPECT_TRUE("none of these", !bootstrap_transport_parse(STR("grpc"), &(enum bootstrap_transport){0}));
}

/* Whoever polls needs a cluster that speaks HTTP/1.1 and adds the token, and no stream but that of health. */
TEST(polling)
{
    static const char *const sources[] = {"cdsConfig", "ldsConfig"};
    static const struct {
        const char *token;
        size_t n_filters;
    } rows[] = {{"a.b.c", 2}, {"", 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bootstrap_input in = {.name = STR("web-1"),
                                     .mesh = STR("m"),
                                     .transport = TRANSPORT_REST,
                                     .xds_host = STR("10.0.0.1"),
                                     .xds_port = 5678,
                                     .token = str_from_c(rows[i].token)};
        json_t *tree = bootstrap_tree(&in);
        json_t *polled = at(tree, "staticResources/clusters/2");
        json_t *wrapped = json_get(json_get(polled, "typedExtensionProtocolOptions"),
                                   "envoy.extensions.upstreams.http.v3.HttpProtocolOptions");
        json_t *options = json_get(wrapped, "value");
        json_t *filters = json_get(options, "httpFilters");
        EXPECT_TRUE("no stream", !at(tree, "dynamicResources/adsConfig"));
        for (size_t k = 0; k < ARRAY_LEN(sources); k++) {
            json_t *api =
                json_get(json_get(json_get(tree, "dynamicResources"), sources[k]), "apiConfigSource");
            EXPECT_STR(sources[k], json_str(json_get(api, "apiType")), "REST");
            EXPECT_STR("its cluster", json_str(json_array_get(json_get(api, "clusterNames"), 0)),
                       "rest_cluster");
        }
        EXPECT_STR("name", json_str(json_get(polled, "name")), "rest_cluster");
        EXPECT_STR("what kuma-dp need not know", json_str(json_get(wrapped, "@type")),
                   "type.googleapis.com/xds.type.v3.TypedStruct");
        EXPECT_STR("what it is to Envoy", json_str(json_get(wrapped, "typeUrl")),
                   "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions");
        EXPECT_TRUE("HTTP/1.1", at(options, "explicitHttpConfig/httpProtocolOptions"));
        EXPECT_INT("filters", json_array_size(filters), rows[i].n_filters);
        if (*rows[i].token)
            EXPECT_STR(
                "token",
                json_str(at(filters, "0/typedConfig/mutations/requestMutations/0/append/header/value")),
                rows[i].token);
        json_decref(tree);
    }
}

TEST(as_recorded)
{
    static const struct {
        const char *file, *service;
        uint16_t admin_port; /* 0: the default */
        bool builtin_gateway;
    } rows[] = {
        {"003-ok.json", "web", 0, false},
        {"004-ok-yaml-when-accept-is-not-json.json", "web", 0, false},
        {"008-no-proxy-type.json", "web", 0, false},
        {"016-dp-yaml.json", "web", 0, false},
        {"017-dp-transparent-proxy.json", "web", 0, false},
        {"019-dp-admin-port.json", "web", 9999, false},
        {"020-gateway-builtin.json", "edge", 0, true},
        {"021-ingress.json", "", 0, false},
        {"022-egress.json", "", 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct err e;
        struct buf wire;
        arena_init(&a);
        err_init(&e, &a);
        JSON_AUTO recording = load_recording(rows[i].file);
        if (!recording)
            SKIP("the recordings are not there (URSA_SHARED)");
        JSON_AUTO want = recorded_tree(recording, &a, &e);
        struct bootstrap_input in = input_of(at(recording, "request/body"), want, &a);
        in.service = str_from_c(rows[i].service);
        in.builtin_gateway = rows[i].builtin_gateway;
        if (rows[i].admin_port > 0)
            in.admin_port = rows[i].admin_port;
        deviate(want);

        JSON_AUTO got = bootstrap_tree(&in);
        EXPECT_CSTR(rows[i].file, json_format_canonical(&a, got).p, json_format_canonical(&a, want).p);

        /* The text says the same, and Envoy's schema knows every field. */
        struct yaml_doc *docs;
        size_t n;
        EXPECT_INT(rows[i].file, yaml_parse(bootstrap_yaml(&a, &in), 1, &docs, &n, &e), ERR_NONE);
        EXPECT_CSTR(rows[i].file, json_format_canonical(&a, docs[0].root).p,
                    json_format_canonical(&a, got).p);
        json_decref(docs[0].root);
        buf_init(&wire, BUF_MAX_RESOURCE);
        EXPECT_INT(rows[i].file, envoy_encode(STR("envoy.config.bootstrap.v3.Bootstrap"), got, &wire, &e),
                   ERR_NONE);
        buf_fini(&wire);
        arena_fini(&a);
    }
}

TEST(the_least_input)
{
    struct arena a;
    arena_init(&a);
    const struct bootstrap_input in = {
        .mesh = STR("m"), .name = STR("p"), .xds_host = STR("cp.example.org"), .xds_port = 5678};
    JSON_AUTO tree = bootstrap_tree(&in);
    static const struct {
        const char *path, *want; /* NULL: absent */
    } rows[] = {
        {"admin", NULL},
        {"overloadManager", NULL},
        {"hdsConfig", NULL},
        {"node/id", "\"m.p\""},
        {"node/cluster", "\"\""},
        {"node/metadata", "{\"accessLogSocketPath\":\"/tmp/"
                          "kuma-al-p-m.sock\",\"dataplane.proxyType\":\"dataplane\",\"features\":[],"
                          "\"metricsCertPath\":\"\",\"metricsKeyPath\":\"\",\"metricsSocketPath\":\"/tmp/"
                          "kuma-mh-p-m.sock\",\"version\":{}}"},
        {"dynamicResources/adsConfig/grpcServices",
         "[{\"envoyGrpc\":{\"clusterName\":\"ads_cluster\",\"retryPolicy\":{\"retryBackOff\":{"
         "\"baseInterval\":\"0.500s\",\"maxInterval\":\"5s\"}}}}]"},
        {"staticResources/clusters/0/loadAssignment/endpoints/0/lbEndpoints/0/endpoint/address",
         "{\"pipe\":{\"path\":\"/tmp/kuma-al-p-m.sock\"}}"},
        {"staticResources/clusters/1/type", "\"STRICT_DNS\""},
        {"staticResources/clusters/1/transportSocket/typedConfig/sni", "\"cp.example.org\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *got = at(tree, rows[i].path);
        EXPECT_INT(rows[i].path, got != NULL, rows[i].want != NULL);
        if (got)
            EXPECT_STR(rows[i].path, json_format(&a, got), rows[i].want);
    }
    arena_fini(&a);
}

/* Envoy says of a field that it does not know: no bootstrap. */
TEST(old_envoys_are_not_told_how_to_connect_again)
{
    static const struct {
        const char *version; /* NULL: not said */
        bool is_told;
    } rows[] = {
        {"1.25.11", false}, {"1.9.0", false},  {"0.99.0", false}, {"1.26.0", true}, {"1.40.0-dev", true},
        {"2.0.0", true},    {"unknown", true}, {"", true},        {NULL, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO version = json_pack("{s:{s:s*}}", "envoy", "version", rows[i].version);
        const struct bootstrap_input in = {.version = version};
        JSON_AUTO tree = bootstrap_tree(&in);
        EXPECT_INT(rows[i].version ? rows[i].version : "none",
                   at(tree, "dynamicResources/adsConfig/grpcServices/0/envoyGrpc/retryPolicy") != NULL,
                   rows[i].is_told);
    }
}

TEST(addresses_are_static_names_are_resolved)
{
    static const struct {
        const char *host, *want;
    } rows[] = {
        {"127.0.0.1", "STATIC"},
        {"::1", "STATIC"},
        {"fd00::2", "STATIC"},
        {"localhost", "STRICT_DNS"},
        {"1.2.3", "STRICT_DNS"},
        {"a.very.long.name.that.is.longer.than.any.address.can.be.example.org", "STRICT_DNS"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct bootstrap_input in = {.xds_host = str_from_c(rows[i].host)};
        JSON_AUTO tree = bootstrap_tree(&in);
        EXPECT_STR(rows[i].host, json_str(at(tree, "staticResources/clusters/1/type")), rows[i].want);
    }
}

TEST(proxy_types)
{
    static const struct {
        const char *text;
        bool known;
        enum bootstrap_proxy want;
    } rows[] = {
        {"", true, BOOTSTRAP_DATAPLANE},      {"dataplane", true, BOOTSTRAP_DATAPLANE},
        {"ingress", true, BOOTSTRAP_INGRESS}, {"egress", true, BOOTSTRAP_EGRESS},
        {"Dataplane", false, BOOTSTRAP_N},    {"foo", false, BOOTSTRAP_N},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum bootstrap_proxy got = BOOTSTRAP_N;
        EXPECT_INT(rows[i].text, bootstrap_proxy_parse(str_from_c(rows[i].text), &got), rows[i].known);
        if (rows[i].known)
            EXPECT_INT(rows[i].text, got, rows[i].want);
    }
}
