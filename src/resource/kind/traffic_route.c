/* traffic_route.c -- TrafficRoute: where calls of a service go; what it looks like. Its rules are in
 * traffic_route_check.c. */
#include "kind.h"

static const struct field split_fields[] = {
    F_OPT_U32("weight", struct split, weight),
    F_TAGS("destination", struct split, destination),
    F_END,
};

/* ---- load balancer ---- */

static const struct field least_request_fields[] = {
    F_U32("choiceCount", struct least_request, choice_count, .alias = "choice_count"),
    F_END,
};

static const struct field ring_hash_fields[] = {
    F_STR("hashFunction", struct ring_hash, hash_function, .alias = "hash_function"),
    F_U64("minRingSize", struct ring_hash, min_ring_size, .alias = "min_ring_size"),
    F_U64("maxRingSize", struct ring_hash, max_ring_size, .alias = "max_ring_size"),
    F_END,
};

static const struct field load_balancer_fields[] = {
    F_SUB("roundRobin", struct load_balancer, round_robin, empty_fields, .alias = "round_robin", .oneof = 1),
    F_SUB("leastRequest", struct load_balancer, least_request, least_request_fields, .alias = "least_request",
          .oneof = 1),
    F_SUB("ringHash", struct load_balancer, ring_hash, ring_hash_fields, .alias = "ring_hash", .oneof = 1),
    F_SUB("random", struct load_balancer, random, empty_fields, .oneof = 1),
    F_SUB("maglev", struct load_balancer, maglev, empty_fields, .oneof = 1),
    F_END,
};

/* ---- HTTP: match ---- */

static const struct field string_matcher_fields[] = {
    F_OPT_STR("prefix", struct string_matcher, prefix, .oneof = 1),
    F_OPT_STR("exact", struct string_matcher, exact, .oneof = 1),
    F_OPT_STR("regex", struct string_matcher, regex, .oneof = 1),
    F_END,
};

static const struct field match_fields[] = {
    F_SUB("method", struct http_match, method, string_matcher_fields),
    F_SUB("path", struct http_match, path, string_matcher_fields),
    F_MAP("headers", struct http_match, headers, n_headers, struct header_matcher, match,
          string_matcher_fields, .given = offsetof(struct http_match, headers_given)),
    F_END,
};

/* ---- HTTP: modify ---- */

static const struct field regex_fields[] = {
    F_STR("pattern", struct regex_replace, pattern),
    F_STR("substitution", struct regex_replace, substitution),
    F_END,
};

static const struct field path_fields[] = {
    F_OPT_STR("rewritePrefix", struct path_rewrite, rewrite_prefix, .oneof = 1),
    F_SUB("regex", struct path_rewrite, regex, regex_fields, .oneof = 1),
    F_END,
};

static const struct field host_fields[] = {
    F_OPT_STR("value", struct host_rewrite, value, .oneof = 1),
    F_SUB("fromPath", struct host_rewrite, from_path, regex_fields, .oneof = 1),
    F_END,
};

static const struct field add_fields[] = {
    F_STR("name", struct header_add, name),
    F_STR("value", struct header_add, value),
    F_BOOL("append", struct header_add, append),
    F_END,
};

static const struct field remove_fields[] = {
    F_STR("name", struct header_name, name),
    F_END,
};

static const struct field headers_fields[] = {
    F_LIST("add", struct header_changes, add, n_add, add_fields),
    F_LIST("remove", struct header_changes, remove, n_remove, remove_fields),
    F_END,
};

static const struct field modify_fields[] = {
    F_SUB("path", struct http_modify, path, path_fields),
    F_SUB("host", struct http_modify, host, host_fields),
    F_SUB("requestHeaders", struct http_modify, request_headers, headers_fields),
    F_SUB("responseHeaders", struct http_modify, response_headers, headers_fields),
    F_END,
};

static const struct field http_fields[] = {
    F_SUB("match", struct http_route, match, match_fields),
    F_SUB("modify", struct http_route, modify, modify_fields),
    F_LIST("split", struct http_route, split, n_split, split_fields),
    F_TAGS("destination", struct http_route, destination,
           .given = offsetof(struct http_route, destination_given)),
    F_END,
};

static const struct field conf_fields[] = {
    F_LIST("split", struct route_conf, split, n_split, split_fields),
    F_SUB("loadBalancer", struct route_conf, load_balancer, load_balancer_fields, .alias = "load_balancer"),
    F_TAGS("destination", struct route_conf, destination,
           .given = offsetof(struct route_conf, destination_given)),
    F_LIST("http", struct route_conf, http, n_http, http_fields),
    F_END,
};

const struct field traffic_route_fields[] = {
    F_POLICY_SELECTORS,
    F_SUB("conf", struct traffic_route_spec, conf, conf_fields),
    F_END,
};
