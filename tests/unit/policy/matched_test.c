/* Everything that hits a proxy, and at what: the recorded cases and more. */
#include "docs.h"

#define ANY                                                                                                  \
    "'sources': [{'match': {'kuma.io/service': '*'}}], 'destinations': [{'match': {'kuma.io/service': "      \
    "'*'}}]"
#define HTTP_ONLY                                                                                            \
    "'sources': [{'match': {'kuma.io/service': '*'}}], 'destinations': [{'match': {'kuma.io/service': '*', " \
    "'kuma.io/protocol': 'http'}}]"
#define POLICY_OF(type, name, rest) "{'type': '" type "', 'name': '" name "', " rest "}"
#define PERMISSION POLICY_OF("TrafficPermission", "perm", ANY)
#define ROUTE POLICY_OF("TrafficRoute", "route", ANY ", 'conf': {'destination': {'kuma.io/service': '*'}}")
#define TIMEOUT POLICY_OF("Timeout", "time", ANY ", 'conf': {'connectTimeout': '1s'}")
#define BREAKER POLICY_OF("CircuitBreaker", "cb", ANY ", 'conf': {'detectors': {'totalErrors': {}}}")
#define RETRY POLICY_OF("Retry", "retry", ANY ", 'conf': {'tcp': {'maxConnectAttempts': 1}}")
#define DEFAULTS PERMISSION, ROUTE, TIMEOUT, BREAKER, RETRY
#define MESH_TIMEOUT(name)                                                                                   \
    "{'type': 'MeshTimeout', 'name': '" name "', 'spec': {'targetRef': {'kind': 'Mesh'}, 'to': "             \
    "[{'targetRef': {'kind': 'Mesh'}, 'default': {'idleTimeout': '1s'}}]}}"
#define BACKEND                                                                                              \
    "{'type': 'Dataplane', 'name': 'dp', 'networking': {'address': '127.0.0.1', 'inbound': [{'port': 8082, " \
    "'servicePort': 9, 'tags': {'kuma.io/service': 'backend', 'kuma.io/protocol': 'http'}}], 'outbound': ["  \
    "{'port': 20001, 'tags': {'kuma.io/service': 'web'}}]}}"
#define EDGE                                                                                                 \
    "{'type': 'Dataplane', 'name': 'dp', 'networking': {'address': '127.0.0.1', 'gateway': {'type': "        \
    "'BUILTIN', 'tags': {'kuma.io/service': 'bgw'}}}}"
#define KONG                                                                                                 \
    "{'type': 'Dataplane', 'name': 'dp', 'networking': {'address': '127.0.0.1', 'gateway': {'tags': "        \
    "{'kuma.io/service': 'kong'}}, 'outbound': [{'port': 20001, 'tags': {'kuma.io/service': 'web'}}]}}"

static const struct {
    const char *name, *docs[DOCS_MAX];
    enum res_type only;
    const char *want;
} rows[] = {
    {"as recorded: the five default policies",
     {BACKEND, DEFAULTS},
     RES_N,
     "inbound 127.0.0.1:8082:9 backend perm; outbound 127.0.0.1:20001 web time; outbound 127.0.0.1:20001 web "
     "route; "
     "service web web cb; service web web retry; "},
    {"policies with a targetRef come first, in order of merging",
     {BACKEND, PERMISSION, MESH_TIMEOUT("a"), MESH_TIMEOUT("b")},
     RES_N,
     "dataplane   a; dataplane   b; inbound 127.0.0.1:8082:9 backend perm; "},
    {"of one type only",
     {BACKEND, DEFAULTS, MESH_TIMEOUT("a")},
     RES_TIMEOUT,
     "outbound 127.0.0.1:20001 web time; "},
    {"a delegated gateway has outbounds, and is not called",
     {KONG, DEFAULTS, MESH_TIMEOUT("a")},
     RES_N,
     "outbound 127.0.0.1:20001 web time; outbound 127.0.0.1:20001 web route; service web web cb; service web "
     "web retry; "},
    {"where the route leads",
     {BACKEND, BREAKER,
      POLICY_OF("TrafficRoute", "route",
                ANY ", 'conf': {'split': [{'weight': 1, 'destination': {'kuma.io/service': 'x'}}, {'weight': "
                    "0, 'destination': "
                    "{'kuma.io/service': 'y'}}], 'http': [{'match': {'path': {'prefix': '/'}}, "
                    "'destination': {'kuma.io/service': "
                    "'z'}}]}")},
     RES_CIRCUIT_BREAKER,
     "service x x cb; service y y cb; service z z cb; "},
    {"without a route: the outbound's own service", {BACKEND, RETRY}, RES_N, "service web web retry; "},
    {"traffic that leaves the mesh is logged too",
     {BACKEND, POLICY_OF("TrafficLog", "log", ANY)},
     RES_N,
     "service pass_through pass_through log; service web web log; "},
    {"by selectors",
     {BACKEND, POLICY_OF("TrafficTrace", "t1", "'selectors': [{'match': {'kuma.io/service': '*'}}]"),
      POLICY_OF("TrafficTrace", "t2", "'selectors': [{'match': {'kuma.io/service': 'backend'}}]"),
      POLICY_OF("TrafficTrace", "t3", "'selectors': [{'match': {'kuma.io/service': 'other'}}]")},
     RES_N,
     "dataplane   t2; "},
    {"every fault of an inbound, the most specific source first",
     {BACKEND,
      POLICY_OF("FaultInjection", "f1", HTTP_ONLY ", 'conf': {'delay': {'percentage': 1, 'value': '1s'}}"),
      POLICY_OF("FaultInjection", "f2",
                "'sources': [{'match': {'kuma.io/service': 'web'}}], 'destinations': [{'match': "
                "{'kuma.io/service': 'backend', "
                "'kuma.io/protocol': 'http'}}], 'conf': {'delay': {'percentage': 1, 'value': '1s'}}"),
      POLICY_OF("FaultInjection", "f3",
                "'sources': [{'match': {'kuma.io/service': '*'}}], 'destinations': [{'match': "
                "{'kuma.io/service': 'web', "
                "'kuma.io/protocol': 'http'}}], 'conf': {'delay': {'percentage': 1, 'value': '1s'}}")},
     RES_N,
     "inbound 127.0.0.1:8082:9 backend f2; inbound 127.0.0.1:8082:9 backend f1; "},
    {"a limit of several sources is shown once",
     {BACKEND,
      POLICY_OF(
          "RateLimit", "l1",
          "'sources': [{'match': {'kuma.io/service': '*'}}, {'match': {'kuma.io/service': 'web'}}], "
          "'destinations': "
          "[{'match': {'kuma.io/service': '*'}}], 'conf': {'http': {'requests': 1, 'interval': '1s'}}")},
     RES_N,
     "inbound 127.0.0.1:8082:9 backend l1; "},
};

/* The lists of a mesh's policies, without a store. */
static void read_policies(struct docs *d, struct mesh_policies *out)
{
    struct snap *snap = snap_from_list(d->v, d->n, 1);
    mesh_policies_read(&d->arena, snap, STR("m"), out);
    snap_unref(snap);
}

TEST(policies_hang_on_what_they_hit)
{
    static const char *const kinds[] = {"dataplane", "inbound", "outbound", "service"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct docs d;
        struct mesh_policies policies;
        struct buf got;
        docs_init(&d, rows[i].docs);
        buf_init(&got, 65536);
        read_policies(&d, &policies);
        const struct dataplane_spec *dp = resource_dataplane(docs_first(&d, RES_DATAPLANE));
        struct attachments all = matched_policies(&d.arena, &policies, dp, rows[i].only);
        for (size_t k = 0; k < all.n; k++)
            buf_printf(&got, "%s " STR_FMT " " STR_FMT " " STR_FMT "; ", kinds[all.v[k].kind],
                       STR_ARG(all.v[k].name), STR_ARG(all.v[k].service), STR_ARG(all.v[k].policy->key.name));
        EXPECT_STR(rows[i].name, buf_str(&got), rows[i].want);
        buf_fini(&got);
        docs_fini(&d);
    }
}

/* ---- builtin gateways ---- */

#define SELECT(service) "'selectors': [{'match': {'kuma.io/service': '" service "'}}]"
#define GATEWAY(name, listeners)                                                                             \
    POLICY_OF("MeshGateway", name, SELECT("bgw") ", 'conf': {'listeners': [" listeners "]}")
#define LISTENER(port, protocol, more) "{'port': " port ", 'protocol': '" protocol "'" more "}"
#define TO(service) "'backends': [{'weight': 1, 'destination': {'kuma.io/service': '" service "'}}]"
#define RULE(service) "{'matches': [{'path': {'match': 'PREFIX', 'value': '/'}}], " TO(service) "}"
#define HTTP_ROUTE(name, select, more, rules)                                                                \
    POLICY_OF("MeshGatewayRoute", name, select ", 'conf': {'http': {" more "'rules': [" rules "]}}")
#define TCP_ROUTE(name)                                                                                      \
    POLICY_OF("MeshGatewayRoute", name, SELECT("bgw") ", 'conf': {'tcp': {'rules': [{" TO("db") "}]}}")

static const struct {
    const char *name, *docs[DOCS_MAX], *want;
} gateways[] = {
    {"as recorded",
     {EDGE, DEFAULTS, GATEWAY("g", LISTENER("8080", "HTTP", "")),
      HTTP_ROUTE("r", SELECT("bgw"), "", RULE("web"))},
     "8080 * r web: cb retry time; "},
    {"routes of other gateways, and of another protocol",
     {EDGE, GATEWAY("g", LISTENER("8080", "HTTP", "")), HTTP_ROUTE("r", SELECT("other"), "", RULE("web")),
      TCP_ROUTE("t")},
     ""},
    {"a TCP listener", {EDGE, GATEWAY("g", LISTENER("8080", "TCP", "")), TCP_ROUTE("t")}, "8080 * t db: ; "},
    {"hosts that the listener covers",
     {EDGE, GATEWAY("g", LISTENER("8080", "HTTP", ", 'hostname': '*.example.com'")),
      HTTP_ROUTE("r", SELECT("bgw"), "'hostnames': ['a.example.com', 'other.net', '*'], ", RULE("web"))},
     "8080 *.example.com r web: ; 8080 a.example.com r web: ; "},
    {"one destination of several rules is shown once",
     {EDGE, GATEWAY("g", LISTENER("8080", "HTTP", "")),
      HTTP_ROUTE("r", SELECT("bgw"), "", RULE("web") ", " RULE("web") ", " RULE("api"))},
     "8080 * r web: ; 8080 * r api: ; "},
    {"by port, host and route",
     {EDGE,
      GATEWAY("g", LISTENER("9090", "HTTP", ", 'hostname': 'b'") ", " LISTENER(
                       "9090", "HTTP", ", 'hostname': 'a'") ", " LISTENER("80", "HTTP", "")),
      HTTP_ROUTE("q", SELECT("bgw"), "", RULE("web")), HTTP_ROUTE("r", SELECT("bgw"), "", RULE("web"))},
     "80 * q web: ; 80 * r web: ; 9090 a q web: ; 9090 a r web: ; 9090 b q web: ; 9090 b r web: ; "},
};

TEST(policies_stand_between_gateways_and_destinations)
{
    for (size_t i = 0; i < ARRAY_LEN(gateways); i++) {
        struct docs d;
        struct mesh_policies policies;
        struct buf got;
        docs_init(&d, gateways[i].docs);
        buf_init(&got, 65536);
        read_policies(&d, &policies);
        const struct dataplane_spec *dp = resource_dataplane(docs_first(&d, RES_DATAPLANE));
        const struct resource *gateway = gateway_choose(&d.arena, policies.of[RES_MESH_GATEWAY], dp);
        EXPECT_TRUE(gateways[i].name, gateway);
        struct gateway_hits hits = matched_gateway(&d.arena, &policies, dp, gateway);
        for (size_t k = 0; k < hits.n; k++) {
            const struct gateway_hit *h = &hits.v[k];
            struct str to = tags_get(&h->destination, TAG_SERVICE);
            buf_printf(&got, "%u " STR_FMT " " STR_FMT " " STR_FMT ": ", h->port, STR_ARG(h->host),
                       STR_ARG(h->route->key.name), STR_ARG(to));
            for (size_t p = 0; p < h->n; p++)
                buf_printf(&got, "%s" STR_FMT, p ? " " : "", STR_ARG(h->policies[p]->key.name));
            buf_add_str(&got, STR("; "));
        }
        EXPECT_STR(gateways[i].name, buf_str(&got), gateways[i].want);
        buf_fini(&got);
        docs_fini(&d);
    }
}

TEST(the_most_specific_gateway_runs_on_a_proxy)
{
    static const char *const docs[DOCS_MAX] = {
        EDGE,
        POLICY_OF("MeshGateway", "a",
                  "'selectors': [{'match': {'kuma.io/service': '*'}}], 'conf': {'listeners': [{'port': 80, "
                  "'protocol': 'HTTP'}]}"),
        GATEWAY("b", LISTENER("80", "HTTP", ""))};
    static const char *const sidecar[DOCS_MAX] = {BACKEND};
    struct docs d, s;
    docs_init(&d, docs);
    docs_init(&s, sidecar);
    struct res_list list = docs_list(&d, RES_MESH_GATEWAY);
    const struct resource *got =
        gateway_choose(&d.arena, list, resource_dataplane(docs_first(&d, RES_DATAPLANE)));
    EXPECT_STR("exact over any", got ? got->key.name : STR("none"), "b");
    EXPECT_TRUE("none on a sidecar",
                !gateway_choose(&d.arena, list, resource_dataplane(docs_first(&s, RES_DATAPLANE))));
    docs_fini(&s);
    docs_fini(&d);
}
