/* decode_test.c -- the forms of JSON values (resources.md 1.4): what is read, what is refused and with which
 * text, what is printed. */
#include "doc.h"

#include <string.h>

#define SELECT                                                                                               \
    "\"sources\":[{\"match\":{\"kuma.io/service\":\"*\"}}],\"destinations\":[{\"match\":{\"kuma.io/"         \
    "service\":\"*\"}}]"
#define CONF(members) "{" SELECT ",\"conf\":{" members "}}"

struct row {
    const char *name;
    enum res_type type;
    const char *doc, *want;
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct arena a;

        arena_init(&a);
        EXPECT_STR(rows[i].name, doc_outcome(rows[i].type, rows[i].doc, &a), rows[i].want);
        arena_fini(&a);
    }
}

TEST(values_are_read_and_printed_in_canonical_form)
{
    static const struct row rows[] = {
        {"durations", RES_TIMEOUT,
         CONF("\"connectTimeout\":\"1h2m3.5s\",\"tcp\":{\"idleTimeout\":\"100ns\"}"),
         CONF("\"connectTimeout\":\"3723.500s\",\"tcp\":{\"idleTimeout\":\"0.000000100s\"}")},
        {"negative duration", RES_TIMEOUT, CONF("\"connectTimeout\":\"-1s\""),
         CONF("\"connectTimeout\":\"-1s\"")},
        {"zero duration is kept", RES_TIMEOUT, CONF("\"connectTimeout\":\"0\""),
         CONF("\"connectTimeout\":\"0s\"")},
        {"snake case", RES_TIMEOUT, CONF("\"connect_timeout\":\"1s\""), CONF("\"connectTimeout\":\"1s\"")},
        {"camel case wins", RES_TIMEOUT, CONF("\"connectTimeout\":\"2s\",\"connect_timeout\":\"1s\""),
         CONF("\"connectTimeout\":\"2s\"")},
        {"camel case null wins", RES_TIMEOUT, CONF("\"connectTimeout\":null,\"connect_timeout\":\"1s\""),
         CONF("")},
        {"null object is absent", RES_TIMEOUT, CONF("\"tcp\":null"), CONF("")},
        {"unknown fields go", RES_TIMEOUT, "{\"labels\":{},\"x\":[1]," SELECT ",\"conf\":{\"y\":{}}}",
         CONF("")},
        {"quoted integers", RES_CIRCUIT_BREAKER, CONF("\"thresholds\":{\"maxConnections\":\"5\"}"),
         CONF("\"thresholds\":{\"maxConnections\":5}")},
        {"zero of a wrapped scalar is kept", RES_CIRCUIT_BREAKER,
         CONF("\"thresholds\":{\"maxConnections\":0}"), CONF("\"thresholds\":{\"maxConnections\":0}")},
        {"zero of a plain scalar goes", RES_CIRCUIT_BREAKER,
         CONF("\"splitExternalAndLocalErrors\":false,\"detectors\":{\"totalErrors\":{}}"),
         CONF("\"detectors\":{\"totalErrors\":{}}")},
        {"doubles", RES_CIRCUIT_BREAKER, CONF("\"detectors\":{\"standardDeviation\":{\"factor\":1.9}}"),
         CONF("\"detectors\":{\"standardDeviation\":{\"factor\":1.9}}")},
        {"whole doubles", RES_CIRCUIT_BREAKER,
         CONF("\"detectors\":{\"standardDeviation\":{\"factor\":\"2.0\"}}"),
         CONF("\"detectors\":{\"standardDeviation\":{\"factor\":2}}")},
        {"enums by name and number", RES_RETRY,
         CONF("\"http\":{\"retriableMethods\":[3,\"POST\"],\"retryOn\":[0,42]}"),
         CONF("\"http\":{\"retriableMethods\":[\"GET\",\"POST\"],\"retryOn\":[\"all_5xx\",42]}")},
        {"uint64 as strings", RES_TRAFFIC_ROUTE,
         CONF("\"loadBalancer\":{\"ringHash\":{\"hashFunction\":\"XX_HASH\",\"minRingSize\":64,"
              "\"maxRingSize\":\"18446744073709551615\"}},"
              "\"destination\":{\"kuma.io/service\":\"a\"}"),
         CONF("\"loadBalancer\":{\"ringHash\":{\"hashFunction\":\"XX_HASH\",\"minRingSize\":\"64\","
              "\"maxRingSize\":"
              "\"18446744073709551615\"}},\"destination\":{\"kuma.io/service\":\"a\"}")},
        {"the last of a oneof wins", RES_TRAFFIC_ROUTE,
         CONF("\"loadBalancer\":{\"maglev\":{},\"leastRequest\":{\"choice_count\":3},\"roundRobin\":{}},"
              "\"destination\":{\"kuma.io/service\":\"a\"}"),
         CONF("\"loadBalancer\":{\"maglev\":{}},\"destination\":{\"kuma.io/service\":\"a\"}")},
        {"an empty string is a choice", RES_TRAFFIC_ROUTE,
         CONF("\"destination\":{\"kuma.io/service\":\"a\"},\"http\":[{\"match\":{\"path\":{\"prefix\":\"/"
              "\",\"exact\":\"\"}},"
              "\"destination\":{\"kuma.io/service\":\"b\"}}]"),
         CONF("\"destination\":{\"kuma.io/service\":\"a\"},\"http\":[{\"match\":{\"path\":{\"exact\":\"\"}},"
              "\"destination\":{\"kuma.io/service\":\"b\"}}]")},
        {"maps are sorted", RES_TRAFFIC_PERMISSION,
         "{\"sources\":[{\"match\":{\"z\":\"1\",\"a\":\"2\",\"m\":\"3\"}}],\"destinations\":[{\"match\":{"
         "\"b\":\"*\"}}]}",
         "{\"sources\":[{\"match\":{\"a\":\"2\",\"m\":\"3\",\"z\":\"1\"}}],\"destinations\":[{\"match\":{"
         "\"b\":\"*\"}}]}"},
        {"free objects are sorted, 80.0 is 80", RES_MESH,
         "{\"mtls\":{\"backends\":[{\"name\":\"a\",\"type\":\"builtin\",\"conf\":{\"z\":80.0,\"a\":{\"y\":"
         "null,\"b\":[1.5]}}}]}}",
         "{\"mtls\":{\"backends\":[{\"name\":\"a\",\"type\":\"builtin\",\"conf\":{\"a\":{\"b\":[1.5],\"y\":"
         "null},\"z\":80}}]}}"},
        {"large numbers", RES_MESH,
         "{\"mtls\":{\"backends\":[{\"conf\":{\"a\":1e20,\"b\":123456789012345678901,\"c\":1e21}}]}}",
         "{\"mtls\":{\"backends\":[{\"conf\":{\"a\":100000000000000000000,\"b\":123456789012345680000,\"c\":"
         "1e+21}}]}}"},
        {"an empty object is kept, an empty list is not", RES_MESH,
         "{\"mtls\":{\"backends\":[]},\"constraints\":{},\"skipCreatingInitialPolicies\":[]}",
         "{\"mtls\":{},\"constraints\":{}}"},
        {"first enum value goes", RES_MESH,
         "{\"mtls\":{\"backends\":[{\"type\":\"builtin\",\"mode\":\"STRICT\"}]}}",
         "{\"mtls\":{\"backends\":[{\"type\":\"builtin\"}]}}"},
        {"base64 with line breaks", RES_SECRET, "{\"data\":\"aGVs\\nbG8=\\r\\n\"}",
         "{\"data\":\"aGVsbG8=\"}"},
        {"empty bytes go", RES_SECRET, "{\"data\":\"\"}", "{}"},
        {"the null document", RES_SECRET, "null", "{}"},
        {"times", RES_DATAPLANE_INSIGHT,
         "{\"subscriptions\":[{\"id\":\"1\",\"connect_time\":\"2024-01-02T03:04:05.5+01:00\",\"status\":{"
         "\"cds\":{\"responsesSent\":7}}}]}",
         "{\"subscriptions\":[{\"id\":\"1\",\"connectTime\":\"2024-01-02T02:04:05.500Z\",\"status\":{"
         "\"total\":{},\"cds\":{"
         "\"responsesSent\":\"7\"},\"eds\":{},\"lds\":{},\"rds\":{}}}]}"},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

TEST(wrong_values_are_refused_with_place_and_expectation)
{
    static const struct row rows[] = {
        {"no object", RES_TIMEOUT, "[]",
         "malformed: json: cannot unmarshal array into Go value of type v1alpha1.ResourceMeta: expected an "
         "object"},
        {"name no string", RES_TIMEOUT, "{\"NAME\":1}",
         "malformed: json: cannot unmarshal number into Go struct field ResourceMeta.name of type string"
         ": name: expected a string"},
        {"bad time", RES_TIMEOUT, "{\"creationTime\":\"yesterday\"}",
         "malformed: parsing time \"yesterday\": creationTime: expected an RFC 3339 time"},
        {"no list", RES_TIMEOUT, "{\"sources\":\"web\"}",
         "malformed: json: cannot unmarshal string into Go value of type []json.RawMessage: sources: "
         "expected a list, got \"web\""},
        {"no map", RES_TIMEOUT, "{\"sources\":[{\"match\":[]}]}",
         "malformed: json: cannot unmarshal array into Go value of type map[string]json.RawMessage"
         ": sources[0].match: expected an object, got []"},
        {"tag no string", RES_TIMEOUT, "{\"sources\":[{\"match\":{\"version\":1}}]}",
         "malformed: json: cannot unmarshal number into Go value of type string"
         ": sources[0].match[\"version\"]: expected a string, got 1"},
        {"unknown unit", RES_TIMEOUT, CONF("\"connectTimeout\":\"1d\""),
         "malformed: bad Duration: time: unknown unit \"d\" in duration \"1d\""
         ": conf.connectTimeout: expected a duration such as \"5s\" or \"1h30m\", got \"1d\""},
        {"no unit", RES_TIMEOUT, CONF("\"connectTimeout\":\"5\""),
         "malformed: bad Duration: time: missing unit in duration \"5\""
         ": conf.connectTimeout: expected a duration such as \"5s\" or \"1h30m\", got \"5\""},
        {"float for an integer", RES_CIRCUIT_BREAKER, CONF("\"maxEjectionPercent\":5.0"),
         "malformed: json: cannot unmarshal number 5 into Go value of type uint32"
         ": conf.maxEjectionPercent: expected an integer from 0 to 4294967295, got 5"},
        {"too large", RES_CIRCUIT_BREAKER, CONF("\"maxEjectionPercent\":\"4294967296\""),
         "malformed: json: cannot unmarshal number 4294967296 into Go value of type uint32"
         ": conf.maxEjectionPercent: expected an integer from 0 to 4294967295, got \"4294967296\""},
        {"text for an integer", RES_CIRCUIT_BREAKER, CONF("\"maxEjectionPercent\":\"many\""),
         "malformed: json: cannot unmarshal string into Go value of type uint32"
         ": conf.maxEjectionPercent: expected an integer from 0 to 4294967295, got \"many\""},
        {"unknown enum name", RES_MESH, "{\"mtls\":{\"backends\":[{\"mode\":\"LOOSE\"}]}}",
         "malformed: unknown value \"\\\"LOOSE\\\"\" for enum "
         "kuma.mesh.v1alpha1.CertificateAuthorityBackend.Mode"
         ": mtls.backends[0].mode: expected one of STRICT, PERMISSIVE, got \"LOOSE\""},
        {"text for a bool", RES_MESH, "{\"routing\":{\"zoneEgress\":\"true\"}}",
         "malformed: json: cannot unmarshal string into Go value of type bool: routing.zoneEgress: expected "
         "true or false, got \"true\""},
        {"conf no object", RES_MESH, "{\"mtls\":{\"backends\":[{\"conf\":1}]}}",
         "malformed: bad StructValue: json: cannot unmarshal number into Go value of type "
         "map[string]json.RawMessage"
         ": mtls.backends[0].conf: expected an object"},
        {"long values are cut", RES_MESH,
         "{\"mtls\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
         "malformed: json: cannot unmarshal string into Go value of type map[string]json.RawMessage"
         ": mtls: expected an object, got \"01234567890123456789012345678901234567890123456789012345678..."},
        {"secrets are not repeated", RES_SECRET, "{\"data\":[\"hunter2\"]}",
         "malformed: json: cannot unmarshal array into Go value of type []uint8: data: expected base64 "
         "text"},
        {"bad base64", RES_SECRET, "{\"data\":\"aGVsbG8\"}",
         "malformed: illegal base64 data at input byte 4: data: expected padded standard base64"},
        {"only the first fault", RES_TIMEOUT, "{\"sources\":1,\"destinations\":2}",
         "malformed: json: cannot unmarshal number into Go value of type []json.RawMessage: sources: "
         "expected a list, got 1"},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

TEST(what_is_printed_reads_back_equal)
{
    static const char doc[] = CONF("\"connectTimeout\":\"5s\",\"http\":{\"requestTimeout\":\"15s\"}");
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    struct resource *first = doc_resource(RES_TIMEOUT, doc);
    struct resource *second = resource_from_stored(&first->key, blob_str(first->spec_json), &e);
    struct resource *third = resource_from_spec(&first->key, second->spec);

    EXPECT_TRUE("stored and read", blob_eq(first->spec_json, second->spec_json));
    EXPECT_TRUE("copied", blob_eq(first->spec_json, third->spec_json));
    EXPECT_INT("time-out", resource_timeout(third)->conf->http->request_timeout.ns, INT64_C(15000000000));
    EXPECT_TRUE("not given", !resource_timeout(third)->conf->http->idle_timeout.set);
    resource_unref(first);
    resource_unref(second);
    resource_unref(third);
    arena_fini(&a);
}

TEST(stored_text_that_is_damaged_is_an_error)
{
    struct res_key key = {.type = RES_TIMEOUT, .mesh = STR("m"), .name = STR("n")};
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    EXPECT_TRUE("cut", !resource_from_stored(&key, STR("{\"sources\":"), &e));
    EXPECT_INT("cut", e.kind, ERR_MALFORMED);
    err_init(&e, &a);
    EXPECT_TRUE("wrong type", !resource_from_stored(&key, STR("{\"sources\":1}"), &e));
    EXPECT_INT("wrong type", e.kind, ERR_MALFORMED);
    arena_fini(&a);
}

TEST(a_small_policy_is_small)
{
    struct resource *r = doc_resource(
        RES_TIMEOUT,
        CONF(
            "\"connectTimeout\":\"5s\",\"tcp\":{\"idleTimeout\":\"1h\"},\"http\":{\"requestTimeout\":\"15s\","
            "\"idleTimeout\":\"1h\",\"streamIdleTimeout\":\"30m\"}"));

    EXPECT_TRUE("under 1.2 kB in all",
                sizeof(*r) + r->arena.total + sizeof(*r->spec_json) + r->spec_json->n < 1200);
    resource_unref(r);
}
