/* mesh_http_route.c -- MeshHTTPRoute: which requests go where, and what is changed on the way. Its rules are
 * in mesh_http_route_check.c. */
#include "target.h"

/* ---- matches ---- */

static const char *const path_types[] = {NULL, "Exact", "PathPrefix", "RegularExpression"};
static const struct enum_names path_type_names = {.v = path_types, .n = ARRAY_LEN(path_types)};

static const struct field path_fields[] = {
    F_STR("value", struct path_match, value, .required = true, .limits = &not_empty_text),
    F_CHOICE("type", struct path_match, type, path_type_names, .required = true),
    F_END,
};

static const char *const query_types[] = {NULL, "Exact", "RegularExpression"};
static const struct enum_names query_type_names = {.v = query_types, .n = ARRAY_LEN(query_types)};

static const struct field query_fields[] = {
    F_CHOICE("type", struct query_match, type, query_type_names, .required = true),
    F_STR("name", struct query_match, name, .required = true, .limits = &not_empty_text),
    F_STR("value", struct query_match, value, .required = true),
    F_END,
};

static const char *const methods[] = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS",
                                      "PATCH",   "POST",   "PUT", "TRACE"};
static const struct enum_names method_names = {.v = methods, .n = ARRAY_LEN(methods)};
static const struct field_limits method_limits = {.one_of = &method_names};

static const struct field match_fields[] = {
    F_SUB("path", struct route_match, path, path_fields),
    F_OPT_STR("method", struct route_match, method, .limits = &method_limits),
    F_LIST("queryParams", struct route_match, query_params, n_query_params, query_fields),
    F_LIST("headers", struct route_match, headers, n_headers, header_match_fields),
    F_END,
};

/* ---- filters ---- */

static const char *const rewrite_types[] = {NULL, "ReplaceFullPath", "ReplacePrefixMatch"};
static const struct enum_names rewrite_type_names = {.v = rewrite_types, .n = ARRAY_LEN(rewrite_types)};

static const struct field rewrite_fields[] = {
    F_CHOICE("type", struct route_path_rewrite, type, rewrite_type_names, .required = true),
    F_OPT_STR("replaceFullPath", struct route_path_rewrite, replace_full_path),
    F_OPT_STR("replacePrefixMatch", struct route_path_rewrite, replace_prefix_match),
    F_END,
};

/* Lower-case letters, digits and hyphens, which stand inside only. */
static bool is_hostname_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool inside = i > 0 && i + 1 < s.n;

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && !(c == '-' && inside))
            return false;
    }
    return s.n > 0;
}

static bool is_precise_hostname(struct str s)
{
    struct str label;

    while (str_next(&s, '.', &label))
        if (!is_hostname_label(label))
            return false;
    return true;
}

static const struct str_pattern hostname_pattern = {
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", is_precise_hostname};
static const struct field_limits hostname_limits = {
    .min_len = 1, .max_len = 253, .pattern = &hostname_pattern};
static const struct field_limits port_limits = {.bounded = true, .min = 1, .max = 65535};

static const char *const schemes[] = {"http", "https"};
static const struct enum_names scheme_names = {.v = schemes, .n = ARRAY_LEN(schemes)};
static const struct field_limits scheme_limits = {.one_of = &scheme_names};

static const char *const redirects[] = {"301", "302", "303", "307", "308"};
static const struct enum_names redirect_names = {.v = redirects, .n = ARRAY_LEN(redirects)};
static const struct field_limits redirect_limits = {.one_of = &redirect_names};

static const struct field redirect_fields[] = {
    F_OPT_STR("scheme", struct request_redirect, scheme, .limits = &scheme_limits),
    F_OPT_STR("hostname", struct request_redirect, hostname, .limits = &hostname_limits),
    F_SUB("path", struct request_redirect, path, rewrite_fields),
    F_OPT_I32("port", struct request_redirect, port, .limits = &port_limits),
    F_OPT_I64("statusCode", struct request_redirect, status_code, .limits = &redirect_limits),
    F_END,
};

static const struct field url_rewrite_fields[] = {
    F_OPT_STR("hostname", struct url_rewrite, hostname, .limits = &hostname_limits),
    F_SUB("path", struct url_rewrite, path, rewrite_fields),
    F_END,
};

static const struct field mirror_fields[] = {
    F_INT_OR_STR("percentage", struct request_mirror, percentage),
    F_INLINE("backendRef", struct request_mirror, backend_ref, target_ref_fields, .required = true),
    F_END,
};

static const char *const filter_types[] = {
    NULL,         "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect",
    "URLRewrite", "RequestMirror"};
static const struct enum_names filter_type_names = {.v = filter_types, .n = ARRAY_LEN(filter_types)};

static const struct field filter_fields[] = {
    F_CHOICE("type", struct route_filter, type, filter_type_names, .required = true),
    F_SUB("requestHeaderModifier", struct route_filter, request_header_modifier,
          route_header_modifier_fields),
    F_SUB("responseHeaderModifier", struct route_filter, response_header_modifier,
          route_header_modifier_fields),
    F_SUB("requestRedirect", struct route_filter, request_redirect, redirect_fields),
    F_SUB("urlRewrite", struct route_filter, url_rewrite, url_rewrite_fields),
    F_SUB("requestMirror", struct route_filter, request_mirror, mirror_fields),
    F_END,
};

/* ---- the policy ---- */

static const struct field conf_fields[] = {
    F_LIST("filters", struct http_rule_conf, filters, n_filters, filter_fields, .keep_empty = true),
    F_LIST("backendRefs", struct http_rule_conf, backend_refs, n_backend_refs, backend_ref_fields,
           .keep_empty = true),
    F_END,
};

static const struct field_limits one_or_more = {.min_items = 1};

static const struct field rule_fields[] = {
    F_LIST("matches", struct http_rule, matches, n_matches, match_fields, .required = true,
           .limits = &one_or_more),
    F_INLINE("default", struct http_rule, conf, conf_fields, .required = true),
    F_END,
};

/* Here and in the items the schema does without a targetRef; the rules do not. */
static const struct field item_fields[] = {
    F_INLINE("targetRef", struct mesh_http_route_item, target_ref, target_ref_fields),
    F_LIST("rules", struct mesh_http_route_item, rules, n_rules, rule_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_INLINE("targetRef", struct mesh_http_route_spec, target_ref, target_ref_fields),
    F_LIST("to", struct mesh_http_route_spec, to, n_to, item_fields),
    F_END,
};

const struct field mesh_http_route_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};
