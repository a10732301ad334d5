/* target_test.c -- policies with a targetRef: the order of schema, decoding and rules, what is printed, and
 * values of which the recorded corpus has few. */
#include "doc.h"

struct row {
    const char *name;
    enum res_type type;
    const char *spec, *want; /* as doc_outcome() tells it */
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct arena a;

        arena_init(&a);
        struct str doc = arena_printf(&a, "{\"spec\":%s}", rows[i].spec);
        EXPECT_STR(rows[i].name, doc_outcome(rows[i].type, doc.p, &a), rows[i].want);
        arena_fini(&a);
    }
}

#define MESH "\"targetRef\":{\"kind\":\"Mesh\"}"
#define TO(conf) "{" MESH ",\"to\":[{" MESH ",\"default\":" conf "}]}"
#define FROM(conf) "{" MESH ",\"from\":[{" MESH ",\"default\":" conf "}]}"
#define KINDS "[Mesh MeshSubset MeshGateway MeshService MeshServiceSubset MeshHTTPRoute]"

TEST(schema)
{
    static const struct row rows[] = {
        {"no object", RES_MESH_TIMEOUT, "5", "spec in body must be of type object: \"number\""},
        {"null", RES_MESH_TIMEOUT, "null", "spec in body must be of type object: \"null\""},
        {"null deeper down", RES_MESH_TIMEOUT, TO("{\"http\":null}"),
         "spec.to[0].default.http: in body must be of type object: \"null\""},
        {"no list", RES_MESH_TIMEOUT, "{" MESH ",\"to\":{}}",
         "spec.to: in body must be of type array: \"object\""},
        {"item", RES_MESH_TIMEOUT, "{" MESH ",\"to\":[null]}",
         "spec.to[0]: in body must be of type object: \"null\""},
        {"required, everywhere", RES_MESH_TIMEOUT, "{\"to\":[{}],\"from\":[{}]}",
         "spec.targetRef: in body is required; spec.to[0].targetRef: in body is required; "
         "spec.from[0].targetRef: in body is required"},
        {"enum of another kind", RES_MESH_TIMEOUT, "{\"targetRef\":{\"kind\":null}}",
         "spec.targetRef.kind: in body must be of type string: \"null\"; "
         "spec.targetRef.kind: in body should be one of " KINDS},
        {"tag", RES_MESH_TIMEOUT, "{\"targetRef\":{\"kind\":\"Mesh\",\"tags\":{\"a\":true}}}",
         "spec.targetRef.tags.a: in body must be of type string: \"boolean\""},
        {"tag with a blank", RES_MESH_TIMEOUT, "{\"targetRef\":{\"kind\":\"Mesh\",\"tags\":{\"a b\":1}}}",
         "spec.targetRef.tags.a: b in body must be of type string: \"number\""},
        {"integer with a fraction", RES_MESH_CIRCUIT_BREAKER,
         TO("{\"connectionLimits\":{\"maxConnections\":1.5,\"maxRetries\":true,\"maxRequests\":\"1\"}}"),
         "spec.to[0].default.connectionLimits.maxConnections: in body must be of type int32: \"float64\"; "
         "spec.to[0].default.connectionLimits.maxRetries: in body must be of type int32: \"\"; "
         "spec.to[0].default.connectionLimits.maxRequests: in body must be of type integer: \"string\""},
        {"whole, but for decoding", RES_MESH_CIRCUIT_BREAKER,
         TO("{\"connectionLimits\":{\"maxConnections\":5.0}}"),
         "malformed: json: cannot unmarshal number 5 into Go value of type uint32: "
         "spec.to[0].default.connectionLimits.maxConnections: expected an integer from 0 to 4294967295, got "
         "5"},
        {"integer or text", RES_MESH_HEALTH_CHECK, TO("{\"tcp\":{},\"healthyPanicThreshold\":[]}"),
         "\"spec.to[0].default.healthyPanicThreshold\" must validate at least one schema (anyOf); "
         "spec.to[0].default.healthyPanicThreshold: in body must be of type integer: \"array\""},
        {"bounds", RES_MESH_LOAD_BALANCING_STRATEGY,
         TO("{\"loadBalancer\":{\"type\":\"Maglev\",\"maglev\":{\"tableSize\":0},\"ringHash\":{"
            "\"maxRingSize\":"
            "8000001}}}"),
         "spec.to[0].default.loadBalancer.ringHash.maxRingSize: in body should be less than or equal to "
         "8e+06; spec.to[0].default.loadBalancer.maglev.tableSize: in body should be greater than or equal "
         "to 1"},
        {"a small bound", RES_MESH_HTTP_ROUTE,
         "{\"to\":[{\"rules\":[{\"matches\":[{}],\"default\":{\"filters\":[{\"type\":\"RequestRedirect\","
         "\"requestRedirect\":{\"port\":65536,\"statusCode\":305}}]}}]}]}",
         "spec.to[0].rules[0].default.filters[0].requestRedirect.port: in body should be less than or equal "
         "to "
         "65535; spec.to[0].rules[0].default.filters[0].requestRedirect.statusCode: in body should be one of "
         "[301 302 303 307 308]"},
        {"characters, not bytes", RES_MESH_RETRY,
         TO("{\"http\":{\"retriableRequestHeaders\":[{\"name\":\"\"},{\"name\":\"\\u00e9\"}]}}"),
         "spec.to[0].default.http.retriableRequestHeaders[0].name: in body should be at least 1 chars long; "
         "spec.to[0].default.http.retriableRequestHeaders[1].name: in body should match "
         "'^[a-z0-9!#$%&'*+\\-.^_\\x60|~]+$'"},
        {"before decoding", RES_MESH_TIMEOUT,
         "{\"targetRef\":{\"kind\":\"Nope\"},\"to\":[{" MESH ",\"default\":{\"idleTimeout\":\"1d\"}}]}",
         "spec.targetRef.kind: in body should be one of " KINDS},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

TEST(keys_may_be_spelled_in_any_case)
{
    static const struct row rows[] = {
        {"required ones may not", RES_MESH_TIMEOUT, "{\"TargetRef\":{\"kind\":\"Mesh\"}}",
         "spec.targetRef: in body is required"},
        {"others may", RES_MESH_TIMEOUT,
         "{" MESH ",\"To\":[{" MESH ",\"DEFAULT\":{\"idletimeout\":\"1s\"}}]}",
         "{\"spec\":{" MESH ",\"to\":[{" MESH ",\"default\":{\"idleTimeout\":\"1s\"}}]}}"},
        {"exact goes before", RES_MESH_TIMEOUT, TO("{\"IdleTimeout\":\"2s\",\"idleTimeout\":\"1s\"}"),
         "{\"spec\":{" MESH ",\"to\":[{" MESH ",\"default\":{\"idleTimeout\":\"1s\"}}]}}"},
        {"nothing gets past the schema", RES_MESH_TRAFFIC_PERMISSION,
         "{" MESH ",\"From\":[{" MESH ",\"default\":{\"action\":\"Perhaps\"}}]}",
         "spec.from[0].default.action: in body should be one of [Allow Deny AllowWithShadowDeny]"},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

TEST(output)
{
    static const struct row rows[] = {
        {"durations", RES_MESH_TIMEOUT, TO("{\"connectionTimeout\":\"90m\",\"idleTimeout\":\"0\"}"),
         "{\"spec\":{" MESH ",\"to\":[{" MESH
         ",\"default\":{\"connectionTimeout\":\"1h30m0s\",\"idleTimeout\":\"0s\"}}]}}"},
        {"given and empty", RES_MESH_TRACE,
         "{" MESH ",\"default\":{\"backends\":[],\"tags\":[],\"sampling\":{}},\"to\":[]}",
         "{\"spec\":{" MESH ",\"default\":{\"backends\":[],\"sampling\":{},\"tags\":[]}}}"},
        {"plain and empty", RES_MESH_TIMEOUT,
         "{\"targetRef\":{\"kind\":\"Mesh\",\"name\":\"\",\"tags\":{}},\"from\":[],\"to\":[{" MESH
         ",\"default\":{\"idleTimeout\":\"1s\"}}]}",
         "{\"spec\":{" MESH ",\"to\":[{" MESH ",\"default\":{\"idleTimeout\":\"1s\"}}]}}"},
        {"required and empty", RES_MESH_HEALTH_CHECK,
         TO("{\"http\":{\"path\":\"/"
            "\",\"requestHeadersToAdd\":{\"set\":[{\"name\":\"a\",\"value\":\"\"}]}}}"),
         "{\"spec\":{" MESH ",\"to\":[{" MESH
         ",\"default\":{\"http\":{\"path\":\"/\",\"requestHeadersToAdd\":{\"set\":[{\"name\":\"a\",\"value\":"
         "\"\"}]}}}}]}}"},
        {"no configuration", RES_MESH_FAULT_INJECTION, "{" MESH ",\"from\":[{" MESH "}]}",
         "{\"spec\":{" MESH ",\"from\":[{" MESH ",\"default\":{}}]}}"},
        {"any JSON", RES_MESH_ACCESS_LOG,
         FROM("{\"backends\":[{\"type\":\"OpenTelemetry\",\"openTelemetry\":{\"endpoint\":\"x\",\"body\":{"
              "\"b\":"
              "[1,null],\"a\":2}}}]}"),
         "{\"spec\":{" MESH ",\"from\":[{" MESH ",\"default\":{\"backends\":[{\"type\":\"OpenTelemetry\","
         "\"openTelemetry\":{\"body\":{\"b\":[1,null],"
         "\"a\":2},\"endpoint\":\"x\"}}]}}]}}"},
        {"null as a value", RES_MESH_PROXY_PATCH,
         "{" MESH
         ",\"default\":{\"appendModifications\":[{\"cluster\":{\"operation\":\"Patch\",\"jsonPatches\":[{"
         "\"op\":\"add\",\"path\":\"/a\",\"value\":null}]}}]}}",
         "{\"spec\":{" MESH
         ",\"default\":{\"appendModifications\":[{\"cluster\":{\"operation\":\"Patch\",\"jsonPatches\":[{"
         "\"op\":\"add\",\"path\":\"/a\",\"value\":null}]}}]}}}"},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

TEST(decimal_percentages)
{
    static const struct {
        const char *text, *want; /* the reason; NULL: fine */
    } rows[] = {
        {"0", NULL},
        {"\"0\"", NULL},
        {"\"-0.0\"", NULL},
        {"\"100\"", NULL},
        {"\"100.000000000000000000000000000000\"", NULL},
        {"\"1e2\"", NULL},
        {"\"0.1e3\"", NULL},
        {"\"10000E-2\"", NULL},
        {"\".5\"", NULL},
        {"\"5.\"", NULL},
        {"\"+5\"", NULL},
        {"\"0e99999\"", NULL},
        {"\"1e-99999\"", NULL},
        {"101", "must be between 0 and 100"},
        {"-1", "must be between 0 and 100"},
        {"\"100.000000000000000000000000000001\"", "must be between 0 and 100"},
        {"\"1.01e2\"", "must be between 0 and 100"},
        {"\"200\"", "must be between 0 and 100"},
        {"\"1e99999\"", "must be between 0 and 100"},
        {"\"-0.0001\"", "must be between 0 and 100"},
        {"\"\"", "string is not a number"},
        {"\".\"", "string is not a number"},
        {"\"1.2.3\"", "string is not a number"},
        {"\"1e\"", "string is not a number"},
        {"\"1e+-2\"", "string is not a number"},
        {"\"1e99999999999\"", "string is not a number"},
        {"\"--1\"", "string is not a number"},
        {"\"1-\"", "string is not a number"},
        {"\"0x10\"", "string is not a number"},
        {"\"5 \"", "string is not a number"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        struct str doc = arena_printf(
            &a, "{\"spec\":{" MESH ",\"default\":{\"backends\":[],\"sampling\":{\"client\":%s}}}}",
            rows[i].text);
        struct resource *r = doc_decode(RES_MESH_TRACE, doc.p, &e);
        EXPECT_STR(rows[i].text, e.n_causes ? e.causes[0].reason : STR_NONE, rows[i].want);
        resource_unref(r);
        arena_fini(&a);
    }
}

TEST(urls_and_paths)
{
    static const struct {
        const char *text;
        bool is_url, is_path;
    } rows[] = {
        {"http://a.b", true, false},
        {"wss://a.b:80/x?y#z", true, false},
        {"localhost:9000", true, false},
        {"localhost", false, false}, /* looks like a path without a host */
        {"example.com", true, false},
        {"example.com.", true, false},
        {"a_b.example.com:1", true, false},
        {"_a.example.com:1", false, false},
        {"a--b:1", true, false},
        {"a---b:1", false, false},
        {"a---bc:1", true, false},
        {"-a:1", false, false},
        {"user:pass@host:80", true, false},
        {"us<er@host:80", false, false},
        {"b\\u00fccher.example:80", true, false},
        {"127.0.0.1:5000", true, false},
        {"230.0.0.1:5000", false, false},
        {"0.0.0.0:5000", false, false},
        {"1.2.3.256:5000", false, false},
        {"10.2.3.256:5000", true, false}, /* as a name */
        {"[::1]:80", true, false},
        {"[::g]:80", false, false},
        {"host:", false, false},
        {"host:123456", false, false},
        {"gopher://a.b", false, false},
        {"http://a.b/%zz", false, false},
        {"http://a.b/?%zz", true, false},
        {"a b.c", false, false},
        {".a.b", false, false},
        {"a.b", false, false}, /* too short */
        {"/var/log/x", false, true},
        {"/", false, true},
        {"x/y", false, false},
        {"C:\\\\", false, true},
        {"C:\\\\a\\\\b.log", false, true},
        {"C:\\\\a\\\\\\\\b.log", false, false},
        {"C:\\\\a?", false, false},
        {"C:a", false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        struct str doc = arena_printf(
            &a, "{\"spec\":" FROM("{\"backends\":[{\"type\":\"Tcp\",\"tcp\":{\"address\":\"%s\"}}]}") "}",
            rows[i].text);
        struct resource *r = doc_decode(RES_MESH_ACCESS_LOG, doc.p, &e);
        EXPECT_INT(rows[i].text, r != NULL, rows[i].is_url);
        resource_unref(r);
        err_init(&e, &a);
        doc = arena_printf(
            &a, "{\"spec\":" FROM("{\"backends\":[{\"type\":\"File\",\"file\":{\"path\":\"%s\"}}]}") "}",
            rows[i].text);
        r = doc_decode(RES_MESH_ACCESS_LOG, doc.p, &e);
        EXPECT_INT(rows[i].text, r != NULL, rows[i].is_path);
        resource_unref(r);
        arena_fini(&a);
    }
}

TEST(datadog_urls)
{
    static const struct row rows[] = {
        {"fine", RES_MESH_TRACE, "HTTP://h:8126", ""},
        {"everything else", RES_MESH_TRACE, "https://u@h/p?q",
         "scheme must be http; port must be defined; user must not be defined; path must not be defined; "
         "query "
         "must not be defined"},
        {"opaque", RES_MESH_TRACE, "localhost:8126",
         "scheme must be http; port must be defined; opaque must not be defined"},
        {"port 0", RES_MESH_TRACE, "http://h:0", "port must be a valid (1-65535)"},
        {"huge port", RES_MESH_TRACE, "http://h:65536", "port must be a valid (1-65535)"},
        {"none", RES_MESH_TRACE, "", "must be a valid url"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str reasons = STR("");
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        struct str doc = arena_printf(&a,
                                      "{\"spec\":{" MESH ",\"default\":{\"backends\":[{\"type\":\"Datadog\","
                                      "\"datadog\":{\"url\":\"%s\"}}]}}}",
                                      rows[i].spec);
        struct resource *r = doc_decode(RES_MESH_TRACE, doc.p, &e);
        for (size_t k = 0; k < e.n_causes; k++)
            reasons = arena_printf(&a, STR_FMT "%s" STR_FMT, STR_ARG(reasons), k ? "; " : "",
                                   STR_ARG(e.causes[k].reason));
        EXPECT_STR(rows[i].name, reasons, rows[i].want);
        resource_unref(r);
        arena_fini(&a);
    }
}

TEST(specs_are_typed)
{
    struct resource *r =
        doc_resource(RES_MESH_HTTP_ROUTE, "{\"spec\":{\"targetRef\":{\"kind\":\"MeshSubset\",\"tags\":{\"b\":"
                                          "\"2\",\"a\":\"1\"}},\"to\":[{\"targetRef\":{"
                                          "\"kind\":\"MeshService\",\"name\":\"s\"},\"rules\":[{\"matches\":["
                                          "{\"path\":{\"type\":\"PathPrefix\",\"value\":"
                                          "\"/"
                                          "x\"}}],\"default\":{\"backendRefs\":[{\"kind\":"
                                          "\"MeshServiceSubset\",\"name\":\"s\",\"weight\":0}]}}]}]}}");
    const struct target_ref *ref = resource_target_ref(r);
    const struct mesh_http_route_spec *spec = r->spec;
    const struct http_rule *rule = &spec->to[0].rules[0];

    EXPECT_INT("kind", ref->kind, TARGET_MESH_SUBSET);
    EXPECT_STR("tags are sorted", ref->tags.v[0].key, "a");
    EXPECT_TRUE("the spec begins with it", (const void *)ref == (const void *)spec);
    EXPECT_INT("path", rule->matches[0].path->type, PATH_MATCH_PREFIX);
    EXPECT_TRUE("no filters", !rule->conf.filters);
    EXPECT_INT("backend", rule->conf.backend_refs[0].ref.kind, TARGET_MESH_SERVICE_SUBSET);
    EXPECT_TRUE("weight", rule->conf.backend_refs[0].weight.set && rule->conf.backend_refs[0].weight.v == 0);
    json_t *shown = resource_spec_to_json(r);
    EXPECT_TRUE("the spec alone", json_get(shown, "to") && !json_get(shown, "spec"));
    json_decref(shown);
    resource_unref(r);
}
