/* legacy_test.c -- zones, external services, gateways and the policies without a targetRef: forms of values
 * and rules of which the recorded corpus has few, and who judges values in Envoy's words. */
#include "doc.h"

#define SERVICE_A "{\"match\":{\"kuma.io/service\":\"a\"}}"
#define SELECT "\"sources\":[" SERVICE_A "],\"destinations\":[" SERVICE_A "]"
#define SELECTORS "\"selectors\":[" SERVICE_A "]"

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

#define ES(tls)                                                                                              \
    "{\"networking\":{\"address\":\"h:80\",\"tls\":{" tls "}},\"tags\":{\"kuma.io/service\":\"a\"}}"
#define HEALTH(more)                                                                                         \
    "{" SELECT ",\"conf\":{\"interval\":\"1s\",\"timeout\":\"1s\",\"unhealthyThreshold\":1,"                 \
    "\"healthyThreshold\":1" more "}}"
#define LISTENER(more) "{" SELECTORS ",\"conf\":{\"listeners\":[{\"port\":80," more "}]}}"

TEST(values_are_read_and_printed_in_canonical_form)
{
    static const struct row rows[] = {
        {"bytes, given", RES_EXTERNAL_SERVICE, ES("\"caCert\":{\"inline\":\"YQ==\"}"),
         ES("\"caCert\":{\"inline\":\"YQ==\"}")},
        {"the last source wins", RES_EXTERNAL_SERVICE,
         ES("\"caCert\":{\"inlineString\":\"x\",\"inline\":\"YQ==\",\"secret\":\"s\",\"file\":\"f\"}"),
         ES("\"caCert\":{\"inlineString\":\"x\"}")},
        {"no bytes are a choice, too", RES_EXTERNAL_SERVICE,
         ES("\"ca_cert\":{\"secret\":\"s\",\"inline\":\"\"}"),
         "networking.tls.caCert: data source cannot be empty"},
        {"floats keep their digits", RES_HEALTH_CHECK, HEALTH(",\"healthyPanicThreshold\":33.3"),
         HEALTH(",\"healthyPanicThreshold\":33.3")},
        {"floats have few of them", RES_HEALTH_CHECK, HEALTH(",\"healthyPanicThreshold\":33.333333333"),
         HEALTH(",\"healthyPanicThreshold\":33.333332")},
        {"a zero is kept", RES_HEALTH_CHECK, HEALTH(",\"healthyPanicThreshold\":0,\"reuseConnection\":false"),
         HEALTH(",\"healthyPanicThreshold\":0,\"reuseConnection\":false")},
        {"no float", RES_HEALTH_CHECK, HEALTH(",\"healthyPanicThreshold\":1e39"),
         "malformed: json: cannot unmarshal number 1e+39 into Go value of type float32"
         ": conf.healthyPanicThreshold: expected a number of single precision, got 1e+39"},
        {"lists of bytes", RES_HEALTH_CHECK,
         HEALTH(",\"tcp\":{\"send\":\"\",\"receive\":[\"YQ==\",\"\",null]}"),
         HEALTH(",\"tcp\":{\"send\":\"\",\"receive\":[\"YQ==\",\"\",\"\"]}")},
        {"an enum with a gap", RES_MESH_GATEWAY, LISTENER("\"protocol\":\"TLS\""),
         LISTENER("\"protocol\":\"TLS\"")},
        {"the gap by number", RES_MESH_GATEWAY, LISTENER("\"protocol\":2"), LISTENER("\"protocol\":2")},
        {"the gap has no name", RES_MESH_GATEWAY, LISTENER("\"protocol\":\"UDP\""),
         "malformed: unknown value \"\\\"UDP\\\"\" for enum kuma.mesh.v1alpha1.MeshGateway.Listener.Protocol"
         ": conf.listeners[0].protocol: expected one of NONE, TCP, TLS, HTTP, HTTPS, got \"UDP\""},
        {"not given is not false", RES_ZONE, "{\"enabled\":false}", "{\"enabled\":false}"},
        {"stats by type", RES_ZONE_INSIGHT,
         "{\"subscriptions\":[{\"status\":{\"stat\":{\"b\":{\"responses_sent\":1},\"a\":{}}}}]}",
         "{\"subscriptions\":[{\"status\":{\"stat\":{\"a\":{},\"b\":{\"responsesSent\":\"1\"}}}}]}"},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

#define ADDRESS(a) "{\"networking\":{\"address\":\"" a "\"},\"tags\":{\"kuma.io/service\":\"a\"}}"
#define INGRESS(net) "{\"networking\":{" net "}}"
#define LISTENERS(list) "{" SELECTORS ",\"conf\":{\"listeners\":[" list "]}}"
#define RULE(rule)                                                                                           \
    "{" SELECTORS ",\"conf\":{\"http\":{\"rules\":[{\"matches\":[{\"method\":\"GET\"}],\"backends\":[{"      \
    "\"destination\":{\"kuma.io/service\":\"a\"}}]," rule "}]}}}"
#define FAULT(limit)                                                                                         \
    "{\"sources\":[" SERVICE_A "],\"destinations\":[{\"match\":{\"kuma.io/protocol\":\"http\"}}],"           \
    "\"conf\":{\"responseBandwidth\":{\"percentage\":1,\"limit\":\"" limit "\"}}}"

TEST(rules_that_are_not_recorded)
{
    static const struct row rows[] = {
        {"an address in brackets", RES_EXTERNAL_SERVICE, ADDRESS("[::1]:80"), ADDRESS("[::1]:80")},
        {"a port with a sign", RES_EXTERNAL_SERVICE, ADDRESS("h:-1"),
         "networking.address: unable to parse port in address; networking.address: port must be in the range "
         "[1, 65535]"},
        {"a port that is too large for any", RES_EXTERNAL_SERVICE, ADDRESS("h:4294967297"),
         "networking.address: unable to parse port in address; networking.address: port must be in the range "
         "[1, 65535]"},
        {"the admin port where others are told to come", RES_ZONE_INGRESS,
         INGRESS("\"address\":\"10.0.0.1\",\"port\":1,\"advertisedAddress\":\"127.0.0.1\","
                 "\"advertisedPort\":9,\"admin\":{\"port\":9}"),
         "networking.admin.port: must differ from port"},
        {"the admin port elsewhere", RES_ZONE_EGRESS,
         INGRESS("\"address\":\"10.0.0.1\",\"port\":9,\"admin\":{\"port\":9}"),
         INGRESS("\"address\":\"10.0.0.1\",\"port\":9,\"admin\":{\"port\":9}")},
        {"limits of a port", RES_MESH_GATEWAY,
         LISTENERS("{\"port\":1,\"hostname\":\"a\",\"protocol\":4,\"resources\":{\"connectionLimit\":1}},"
                   "{\"port\":1,\"hostname\":\"b\",\"protocol\":4},"
                   "{\"port\":2,\"hostname\":\"b\",\"protocol\":4,\"resources\":{\"connectionLimit\":3}},"
                   "{\"port\":1,\"hostname\":\"c\",\"protocol\":4,\"resources\":{\"connectionLimit\":2}}"),
         "conf.listeners[0].resources.connectionLimit: conflicting values for this port"
         "; conf.listeners[3].resources.connectionLimit: conflicting values for this port"},
        {"no host is every host", RES_MESH_GATEWAY,
         LISTENERS("{\"port\":1,\"protocol\":\"HTTP\"},{\"port\":2,\"protocol\":\"HTTP\"},{\"port\":1,"
                   "\"hostname\":\"*\",\"protocol\":\"HTTP\"}"),
         "conf.listeners[0]: multiple listeners for hostname on this port"
         "; conf.listeners[2]: multiple listeners for hostname on this port"},
        {"upper case", RES_MESH_GATEWAY, LISTENERS("{\"port\":1,\"hostname\":\"A.b\",\"protocol\":\"HTTP\"}"),
         "conf.listeners[0].hostname: invalid hostname"},
        {"a dash at the end", RES_MESH_GATEWAY,
         LISTENERS("{\"port\":1,\"hostname\":\"*.a-.b\",\"protocol\":\"HTTP\"}"),
         "conf.listeners[0].hostname: invalid wildcard domain"},
        {"the last filter of several wins", RES_MESH_GATEWAY_ROUTE,
         RULE("\"filters\":[{\"mirror\":{},\"responseHeader\":{}}]"),
         "{" SELECTORS ",\"conf\":{\"http\":{\"rules\":[{\"matches\":[{\"method\":\"GET\"}],"
         "\"filters\":[{\"responseHeader\":{}}],\"backends\":[{\"destination\":{\"kuma.io/service\":\"a\"}}]"
         "}]}}}"},
        {"an empty name and its value", RES_MESH_GATEWAY_ROUTE,
         RULE("\"filters\":[{\"requestHeader\":{\"add\":[{}],\"remove\":[\"\"]}}]"),
         "conf.http.rules[0].filters[0].request_header.add[0].name: cannot be empty"
         "; conf.http.rules[0].filters[0].request_header.add[0].value: cannot be empty"
         "; conf.http.rules[0].filters[0].request_header.remove[0]: cannot be empty"},
        {"filters that rewrite the host are not counted", RES_MESH_GATEWAY_ROUTE,
         RULE("\"filters\":[{\"rewrite\":{\"hostToBackendHostname\":true}},{\"requestHeader\":{}}]"),
         "conf.http.rules[0].filters[0].request_header: cannot be empty"},
        {"a unit, wherever it stands", RES_FAULT_INJECTION, FAULT("about 5 mbps or so"),
         FAULT("about 5 mbps or so")},
        {"no unit", RES_FAULT_INJECTION, FAULT("5 bps"),
         "conf.responseBandwidth.limit: has to be in kbps/mbps/gbps units"},
        {"both probes", RES_HEALTH_CHECK, HEALTH(",\"tcp\":{},\"http\":{\"path\":\"/\"}"),
         "conf: http and tcp cannot be defined at the same time"},
    };

    check_rows(rows, ARRAY_LEN(rows));
}

TEST(http_status_codes)
{
    static const char unknown[] = "conf.abort.httpStatus: http status code is incorrect";
    static const struct {
        const char *status;
        bool is_known;
    } rows[] = {{"99", false},  {"100", true},  {"104", false}, {"226", true},
                {"306", false}, {"418", true},  {"419", false}, {"430", false},
                {"451", true},  {"509", false}, {"511", true},  {"600", false}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;

        arena_init(&a);
        struct str doc = arena_printf(&a,
                                      "{\"sources\":[" SERVICE_A
                                      "],\"destinations\":[{\"match\":{\"kuma.io/protocol\":\"grpc\"}}],"
                                      "\"conf\":{\"abort\":{\"percentage\":1,\"httpStatus\":%s}}}",
                                      rows[i].status);
        EXPECT_STR(rows[i].status, doc_outcome(RES_FAULT_INJECTION, doc.p, &a),
                   rows[i].is_known ? doc.p : unknown);
        arena_fini(&a);
    }
}

/* ---- values in Envoy's words ---- */

/* Says what it was asked. */
static bool refuse_all(struct str message, struct str text, bool whole, struct arena *a, struct str *reason)
{
    size_t dot = str_rchr(message, '.');

    *reason = arena_printf(a, "%s " STR_FMT " <" STR_FMT ">", whole ? "whole" : "patch",
                           STR_ARG(str_slice(message, dot + 1, message.n)), STR_ARG(text));
    return false;
}

TEST(native_values_are_shown_to_who_knows_them)
{
    static const char doc[] =
        "{\"conf\":{\"resources\":[{\"name\":\"n\",\"version\":\"v\",\"resource\":\"r\"}],\"modifications\":["
        "{\"cluster\":{\"operation\":\"add\",\"value\":\"c\"}},"
        "{\"listener\":{\"operation\":\"patch\",\"value\":\"l\"}},"
        "{\"networkFilter\":{\"operation\":\"addLast\",\"value\":\"n\"}},"
        "{\"httpFilter\":{\"match\":{\"name\":\"x\"},\"operation\":\"patch\",\"value\":\"h\"}},"
        "{\"virtualHost\":{\"operation\":\"remove\",\"value\":\"v\"}}]}}";
    static const char refused[] =
        "conf.resources[0].resource: native Envoy resource is not valid: whole Any <r>; "
        "conf.modifications[0].cluster.value: native Envoy resource is not valid: whole Cluster <c>; "
        "conf.modifications[1].listener.value: native Envoy resource is not valid: patch Listener <l>; "
        "conf.modifications[2].networkFilter.value: native Envoy resource is not valid: whole Filter <n>; "
        "conf.modifications[3].httpFilter.value: native Envoy resource is not valid: patch HttpFilter <h>";
    struct arena a;

    arena_init(&a);
    EXPECT_STR("nobody knows", doc_outcome(RES_PROXY_TEMPLATE, doc, &a), doc);
    resource_set_native_check(refuse_all);
    EXPECT_STR("somebody does", doc_outcome(RES_PROXY_TEMPLATE, doc, &a), refused);
    resource_set_native_check(NULL);
    arena_fini(&a);
}
