/* native_test.c -- what users write in Envoy's words: what passes, and what is refused. */
#include "../../lib/test.h"

#include "ursa/envoy.h"

#define CLUSTER "envoy.config.cluster.v3.Cluster"
#define LISTENER "envoy.config.listener.v3.Listener"
#define FILTER "envoy.config.listener.v3.Filter"
#define VHOST "envoy.config.route.v3.VirtualHost"
#define OF_ROUTE " of envoy.config.route.v3."
#define HTTP_FILTER "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter"
#define ANY "google.protobuf.Any"
#define NO_SUCH_TYPE                                                                                         \
    "type: unknown value \"NO_SUCH\", expected one of STATIC, STRICT_DNS, LOGICAL_DNS, EDS, ORIGINAL_DST"
#define NEEDED " must be set and not empty"
#define NEEDS(field, message) field " of " message NEEDED

static struct str outcome(struct arena *a, const char *message, const char *text, bool whole)
{
    struct str reason = STR("fine");

    if (envoy_check_native(str_from_c(message), str_from_c(text), whole, a, &reason))
        return STR("fine");
    return reason;
}

TEST(texts_are_judged)
{
    static const struct {
        const char *name, *message, *text, *whole, *patch;
    } rows[] = {
        {"YAML", CLUSTER, "name: a\nconnect_timeout: 5s\ntype: STATIC\n", "fine", "fine"},
        {"JSON", CLUSTER, "{\"name\": \"a\", \"connectTimeout\": \"5s\"}", "fine", "fine"},
        {"JSON that is no YAML", CLUSTER, "{\"name\":\t\"a\",\n\t\"type\": 0}", "fine", "fine"},
        {"unknown fields", CLUSTER, "name: a\nfooBar: 1\n", "fine", "fine"},
        {"a part", CLUSTER, "connectTimeout: 5s", NEEDS("name", CLUSTER), "fine"},
        {"nothing", CLUSTER, "", NEEDS("name", CLUSTER), "fine"},
        {"null", CLUSTER, "null", NEEDS("name", CLUSTER), "fine"},
        {"a wrong value", CLUSTER, "name: a\ntype: NO_SUCH", NO_SUCH_TYPE, NO_SUCH_TYPE},
        {"no object", CLUSTER, "- a", "must be an object", "must be an object"},
        {"a listener of no address", LISTENER, "name: a", "fine", "fine"},
        {"an address of nothing", LISTENER, "address: {}",
         "address: " NEEDS("socketAddress|pipe|envoyInternalAddress", "envoy.config.core.v3.Address"),
         "fine"},
        {"a socket without a port", LISTENER, "address: {socketAddress: {address: 127.0.0.1}}",
         "address.socketAddress: " NEEDS("portValue|namedPort", "envoy.config.core.v3.SocketAddress"),
         "fine"},
        {"a socket", LISTENER, "address: {socketAddress: {address: 127.0.0.1, portValue: 0}}", "fine",
         "fine"},
        {"a pipe", LISTENER, "address: {pipe: {path: /a}}", "fine", "fine"},
        {"an empty pipe", LISTENER, "address: {pipe: {path: ''}}",
         "address.pipe: " NEEDS("path", "envoy.config.core.v3.Pipe"), "fine"},
        {"a filter without a name in a listener", LISTENER, "filterChains: [{filters: [{}]}]",
         "filterChains[0].filters[0]: " NEEDS("name", FILTER), "fine"},
        {"a listener filter without a name", LISTENER, "listenerFilters: [{}]",
         "listenerFilters[0]: " NEEDS("name", "envoy.config.listener.v3.ListenerFilter"), "fine"},
        {"what an Any holds is not looked into", FILTER,
         "name: a\ntypedConfig: {'@type': type.googleapis.com/" CLUSTER "}", "fine", "fine"},
        {"but must be known", FILTER, "name: a\ntypedConfig: {'@type': type.googleapis.com/a.B}",
         "typedConfig.@type: unknown message type \"a.B\"",
         "typedConfig.@type: unknown message type \"a.B\""},
        {"an HTTP filter", HTTP_FILTER, "name: a", "fine", "fine"},
        {"no domains", VHOST, "name: v", NEEDS("domains", VHOST), "fine"},
        {"an empty list", VHOST, "{name: v, domains: []}", NEEDS("domains", VHOST), "fine"},
        {"a virtual host", VHOST,
         "name: v\ndomains: ['*']\nroutes: [{match: {prefix: ''}, route: {cluster: a}},"
         "{match: {safeRegex: {regex: a}}, redirect: {}}]\n"
         "requestHeadersToAdd: [{header: {key: a}}]",
         "fine", "fine"},
        {"empty routes", VHOST, "{name: v, domains: [a], routes: [{}, {match: {}, route: {}}]}",
         "routes[0]: match" OF_ROUTE "Route" NEEDED "; "
         "routes[0]: route|redirect|directResponse|filterAction|nonForwardingAction" OF_ROUTE "Route" NEEDED
         "; routes[1].match: "
         "prefix|path|safeRegex|connectMatcher|pathSeparatedPrefix|pathMatchPolicy" OF_ROUTE
         "RouteMatch" NEEDED "; routes[1].route: "
         "cluster|clusterHeader|weightedClusters|clusterSpecifierPlugin|inlineClusterSpecifierPlugin" OF_ROUTE
         "RouteAction" NEEDED,
         "fine"},
        {"empty parts of matches", VHOST,
         "{name: v, domains: [a], routes: [{match: {prefix: /, headers: [{}], queryParameters: [{}]}, "
         "directResponse: {}}]}",
         "routes[0].match.headers[0]: name" OF_ROUTE "HeaderMatcher" NEEDED
         "; routes[0].match.queryParameters[0]: name" OF_ROUTE "QueryParameterMatcher" NEEDED
         "; routes[0].directResponse: status" OF_ROUTE "DirectResponseAction" NEEDED,
         "fine"},
        {"clusters without one", VHOST,
         "{name: v, domains: [a], routes: [{match: {prefix: /}, route: {weightedClusters: {}}}]}",
         "routes[0].route.weightedClusters: clusters" OF_ROUTE "WeightedCluster" NEEDED, "fine"},
        {"empty headers", VHOST, "{name: v, domains: [a], requestHeadersToAdd: [{}, {header: {}}]}",
         "requestHeadersToAdd[0]: header of envoy.config.core.v3.HeaderValueOption" NEEDED
         "; requestHeadersToAdd[1].header: key of envoy.config.core.v3.HeaderValue" NEEDED,
         "fine"},
        {"a resource", ANY, "'@type': type.googleapis.com/" CLUSTER "\nname: a", "fine", "fine"},
        {"a resource without its name", ANY,
         "'@type': type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
         NEEDS("clusterName", "envoy.config.endpoint.v3.ClusterLoadAssignment"), "fine"},
        {"a resource of no type", ANY, "name: a",
         "@type: must be the type URL of a resource, such as type.googleapis.com/" CLUSTER,
         "@type: must be the type URL of a resource, such as type.googleapis.com/" CLUSTER},
        {"no resource", ANY, "'@type': type.googleapis.com/" VHOST,
         "@type: must be the type URL of a resource, such as type.googleapis.com/" CLUSTER,
         "@type: must be the type URL of a resource, such as type.googleapis.com/" CLUSTER},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;

        arena_init(&a);
        EXPECT_STR(rows[i].name, outcome(&a, rows[i].message, rows[i].text, true), rows[i].whole);
        EXPECT_STR(rows[i].name, outcome(&a, rows[i].message, rows[i].text, false), rows[i].patch);
        arena_fini(&a);
    }
}

TEST(what_is_neither_yaml_nor_json_is_refused_with_its_place)
{
    static const char *const texts[] = {"{", "a: b: c", "a: *b", "a: 1\n---\na: 2"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena a;

        arena_init(&a);
        EXPECT_TRUE(texts[i], str_has_prefix(outcome(&a, CLUSTER, texts[i], false), STR("line ")));
        arena_fini(&a);
    }
}
