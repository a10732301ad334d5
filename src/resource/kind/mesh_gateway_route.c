/* mesh_gateway_route.c -- MeshGatewayRoute: where a gateway sends what it gets; what it looks like. Its rules
 * are in mesh_gateway_route_check.c. */
#include "kind.h"

#define ROUTE "kuma.mesh.v1alpha1.MeshGatewayRoute.HttpRoute."
static const char *const path_kinds[] = {"EXACT", "PREFIX", "REGEX"};
static const struct enum_names path_kind_names = {ROUTE "Match.Path.MatchType", path_kinds,
                                                  ARRAY_LEN(path_kinds)};
static const char *const header_kinds[] = {"EXACT", "REGEX", "ABSENT", "PRESENT"};
static const struct enum_names header_kind_names = {ROUTE "Match.Header.MatchType", header_kinds,
                                                    ARRAY_LEN(header_kinds)};
static const char *const query_kinds[] = {"EXACT", "REGEX"};
static const struct enum_names query_kind_names = {ROUTE "Match.Query.MatchType", query_kinds,
                                                   ARRAY_LEN(query_kinds)};

static const struct field backend_fields[] = {
    F_U32("weight", struct gateway_backend, weight),
    F_TAGS("destination", struct gateway_backend, destination),
    F_END,
};

/* ---- TCP ---- */

static const struct field tcp_rule_fields[] = {
    F_LIST("backends", struct gateway_tcp_rule, backends, n_backends, backend_fields),
    F_END,
};

static const struct field tcp_fields[] = {
    F_LIST("rules", struct gateway_tcp_route, rules, n_rules, tcp_rule_fields),
    F_END,
};

/* ---- HTTP: matches ---- */

static const struct field path_fields[] = {
    F_ENUM("match", struct gateway_path_match, match, path_kind_names),
    F_STR("value", struct gateway_path_match, value),
    F_END,
};

static const struct field header_match_fields[] = {
    F_ENUM("match", struct gateway_header_match, match, header_kind_names),
    F_STR("name", struct gateway_header_match, name),
    F_STR("value", struct gateway_header_match, value),
    F_END,
};

static const struct field query_fields[] = {
    F_ENUM("match", struct gateway_query_match, match, query_kind_names),
    F_STR("name", struct gateway_query_match, name),
    F_STR("value", struct gateway_query_match, value),
    F_END,
};

static const struct field match_fields[] = {
    F_SUB("path", struct gateway_match, path, path_fields),
    F_ENUM("method", struct gateway_match, method, http_method_names),
    F_LIST("headers", struct gateway_match, headers, n_headers, header_match_fields),
    F_LIST("queryParameters", struct gateway_match, query_parameters, n_query_parameters, query_fields,
           .alias = "query_parameters"),
    F_END,
};

/* ---- HTTP: filters ---- */

static const struct field header_fields[] = {
    F_STR("name", struct gateway_header, name),
    F_STR("value", struct gateway_header, value),
    F_END,
};

static const struct field header_filter_fields[] = {
    F_LIST("set", struct gateway_header_filter, set, n_set, header_fields),
    F_LIST("add", struct gateway_header_filter, add, n_add, header_fields),
    F_STR_LIST("remove", struct gateway_header_filter, remove),
    F_END,
};

static const struct field mirror_fields[] = {
    F_SUB("backend", struct gateway_mirror, backend, backend_fields),
    F_OPT_DOUBLE("percentage", struct gateway_mirror, percentage),
    F_END,
};

static const struct field rewrite_fields[] = {
    F_OPT_STR("replaceFull", struct gateway_rewrite, replace_full, .alias = "replace_full", .oneof = 1),
    F_OPT_STR("replacePrefixMatch", struct gateway_rewrite, replace_prefix_match,
              .alias = "replace_prefix_match", .oneof = 1),
    F_BOOL("hostToBackendHostname", struct gateway_rewrite, host_to_backend_hostname,
           .alias = "host_to_backend_hostname"),
    F_END,
};

static const struct field redirect_fields[] = {
    F_STR("scheme", struct gateway_redirect, scheme),
    F_STR("hostname", struct gateway_redirect, hostname),
    F_U32("port", struct gateway_redirect, port),
    F_U32("statusCode", struct gateway_redirect, status_code, .alias = "status_code"),
    F_SUB("path", struct gateway_redirect, path, rewrite_fields),
    F_END,
};

static const struct field filter_fields[] = {
    F_SUB("requestHeader", struct gateway_http_filter, request_header, header_filter_fields,
          .alias = "request_header", .oneof = 1),
    F_SUB("mirror", struct gateway_http_filter, mirror, mirror_fields, .oneof = 1),
    F_SUB("redirect", struct gateway_http_filter, redirect, redirect_fields, .oneof = 1),
    F_SUB("rewrite", struct gateway_http_filter, rewrite, rewrite_fields, .oneof = 1),
    F_SUB("responseHeader", struct gateway_http_filter, response_header, header_filter_fields,
          .alias = "response_header", .oneof = 1),
    F_END,
};

/* ---- HTTP: rules ---- */

static const struct field http_rule_fields[] = {
    F_LIST("matches", struct gateway_http_rule, matches, n_matches, match_fields),
    F_LIST("filters", struct gateway_http_rule, filters, n_filters, filter_fields),
    F_LIST("backends", struct gateway_http_rule, backends, n_backends, backend_fields),
    F_END,
};

static const struct field http_fields[] = {
    F_STR_LIST("hostnames", struct gateway_http_route, hostnames),
    F_LIST("rules", struct gateway_http_route, rules, n_rules, http_rule_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_SUB("tcp", struct gateway_route_conf, tcp, tcp_fields, .oneof = 1),
    F_SUB("http", struct gateway_route_conf, http, http_fields, .oneof = 1),
    F_END,
};

const struct field mesh_gateway_route_fields[] = {
    F_SELECTORS,
    F_SUB("conf", struct mesh_gateway_route_spec, conf, conf_fields),
    F_END,
};
