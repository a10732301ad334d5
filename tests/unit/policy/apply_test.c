/* What each policy writes into a tree under construction. */
#include "../../lib/test.h"
#include "ursa/base/json.h"
#include "ursa/policy.h"

struct row {
    const char *name;
    enum res_type type;
    const char *conf; /* NULL: no policy was chosen */
    enum policy_target target;
    enum protocol protocol;
    const char *before, *want; /* trees; single quotes */
};

static char *quoted(struct arena *a, const char *text)
{
    char *json = arena_cstr(a, str_from_c(text));
    for (char *p = json; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return json;
}

static json_t *tree(struct arena *a, const char *text)
{
    json_error_t fault;
    json_t *t = json_loads(quoted(a, text), 0, &fault);
    if (!t)
        FAIL("%s: %s", text, fault.text);
    return t;
}

static struct resource *policy(struct arena *a, const struct row *row)
{
    struct err e;
    err_init(&e, a);
    struct str any = STR("[{'match': {'kuma.io/service': '*'}}]");
    struct str type = res_type_info(row->type)->name;
    struct str text = arena_printf(a,
                                   "{'type': '" STR_FMT "', 'mesh': 'm', 'name': 'p', 'sources': " STR_FMT
                                   ", 'destinations': " STR_FMT "%s}",
                                   STR_ARG(type), STR_ARG(any), STR_ARG(any), row->conf);
    json_t *doc = tree(a, text.p);
    struct resource *r = NULL;
    if (resource_decode(row->type, doc, &r, &e)) {
        struct str why = err_render(&e, a);
        FAIL("%s: " STR_FMT, row->name, STR_ARG(why));
    }
    json_decref(doc);
    return r;
}

#define ROUTES "{'virtualHosts': [{'routes': [{'route': {}}]}]}"

static const struct row rows[] = {
    {"no timeout", RES_TIMEOUT, NULL, TARGET_CLUSTER, PROTOCOL_TCP, "{}", "{'connectTimeout': '10s'}"},
    {"no timeout, routes", RES_TIMEOUT, NULL, TARGET_ROUTES, PROTOCOL_HTTP, ROUTES,
     "{'virtualHosts': [{'routes': [{'route': {'timeout': '0s'}}]}]}"},
    {"no timeout, listener", RES_TIMEOUT, NULL, TARGET_OUTBOUND_HCM, PROTOCOL_HTTP, "{}",
     "{'commonHttpProtocolOptions': {'idleTimeout': '0s'}, 'streamIdleTimeout': '0s'}"},
    {"request timeout", RES_TIMEOUT, ", 'conf': {'http': {'requestTimeout': '1500ms'}}", TARGET_ROUTES,
     PROTOCOL_HTTP, ROUTES, "{'virtualHosts': [{'routes': [{'route': {'timeout': '1.500s'}}]}]}"},
    {"tcp idle", RES_TIMEOUT, ", 'conf': {'tcp': {'idleTimeout': '7s'}}", TARGET_OUTBOUND_TCP, PROTOCOL_TCP,
     "{}", "{'idleTimeout': '7s'}"},
    {"grpc's own stream limit", RES_TIMEOUT, ", 'conf': {'grpc': {'streamIdleTimeout': '8s'}}",
     TARGET_OUTBOUND_HCM, PROTOCOL_GRPC, "{}",
     "{'commonHttpProtocolOptions': {'idleTimeout': '0s'}, 'streamIdleTimeout': '8s'}"},
    {"http's comes first", RES_TIMEOUT,
     ", 'conf': {'http': {'idleTimeout': '3s', 'streamIdleTimeout': '9s'}, 'grpc': {'streamIdleTimeout': "
     "'8s'}}",
     TARGET_OUTBOUND_HCM, PROTOCOL_GRPC, "{}",
     "{'commonHttpProtocolOptions': {'idleTimeout': '3s'}, 'streamIdleTimeout': '9s'}"},
    {"retry of tcp", RES_RETRY, ", 'conf': {'tcp': {'maxConnectAttempts': 4}}", TARGET_OUTBOUND_TCP,
     PROTOCOL_TCP, "{}", "{'maxConnectAttempts': 4}"},
    {"no retry", RES_RETRY, NULL, TARGET_ROUTES, PROTOCOL_HTTP, ROUTES, ROUTES},
    {"http2 gets none", RES_RETRY, ", 'conf': {'http': {'numRetries': 4}}", TARGET_ROUTES, PROTOCOL_HTTP2,
     ROUTES, ROUTES},
    {"5xx, and codes join the reasons", RES_RETRY,
     ", 'conf': {'http': {'retryOn': ['all_5xx', 'connect_failure'], 'retriableStatusCodes': [429]}}",
     TARGET_ROUTES, PROTOCOL_HTTP, ROUTES,
     "{'virtualHosts': [{'retryPolicy': {'retryOn': '5xx,connect-failure,retriable-status-codes', "
     "'retriableStatusCodes': [429]}, "
     "'routes': [{'route': {}}]}]}"},
    {"codes are named once", RES_RETRY,
     ", 'conf': {'http': {'retryOn': ['retriable_status_codes'], 'retriableStatusCodes': [429]}}",
     TARGET_ROUTES, PROTOCOL_HTTP, ROUTES,
     "{'virtualHosts': [{'retryPolicy': {'retryOn': 'retriable-status-codes', 'retriableStatusCodes': "
     "[429]}, 'routes': [{'route': "
     "{}}]}]}"},
    {"no circuit breaker", RES_CIRCUIT_BREAKER, NULL, TARGET_CLUSTER, PROTOCOL_HTTP, "{}", "{}"},
    {"nobody is allowed", RES_TRAFFIC_PERMISSION, NULL, TARGET_INBOUND_RBAC, PROTOCOL_HTTP, "{}", "{}"},
    {"everybody is allowed", RES_TRAFFIC_PERMISSION, "", TARGET_INBOUND_RBAC, PROTOCOL_HTTP, "{}",
     "{'policies': {'p': {'permissions': [{'any': true}], 'principals': [{'any': true}]}}}"},
    {"no route", RES_TRAFFIC_ROUTE, NULL, TARGET_CLUSTER, PROTOCOL_HTTP, "{}", "{}"},
    {"maglev", RES_TRAFFIC_ROUTE,
     ", 'conf': {'destination': {'kuma.io/service': '*'}, 'loadBalancer': {'maglev': {}}}", TARGET_CLUSTER,
     PROTOCOL_HTTP, "{}", "{'lbPolicy': 'MAGLEV'}"},
};

TEST(policies_write_what_they_say)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct arena a;
        arena_init(&a);
        struct resource *r = row->conf ? policy(&a, row) : NULL;
        json_t *got = tree(&a, row->before), *want = tree(&a, row->want);
        for (unsigned id = 0; id < POLICY_N; id++) {
            if (policy_get(id)->type == row->type)
                policy_get(id)->apply(r, row->target, row->protocol, got);
        }
        struct str text = json_format_canonical(&a, got), expected = json_format_canonical(&a, want);
        EXPECT_STR(row->name, text, expected.p);
        json_decref(got);
        json_decref(want);
        resource_unref(r);
        arena_fini(&a);
    }
}
