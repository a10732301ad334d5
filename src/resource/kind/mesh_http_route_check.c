/* mesh_http_route_check.c -- the rules of MeshHTTPRoute; its tables are in mesh_http_route.c. */
#include "target.h"
#include "ursa/base/map.h"

static void path_check(const struct path_match *path, const struct path *at, struct err *e)
{
    const struct path *at_value = AT_FIELD(at, "value");
    struct str value = path->value;

    if (path->type == PATH_MATCH_PREFIX && str_has_suffix(value, STR("/")) && value.n > 1)
        err_cause(e, at_value,
                  "does not need a trailing slash because only a `/`-separated prefix or an entire path is "
                  "matched");
    if (path->type != PATH_MATCH_REGEX && !str_has_prefix(value, STR("/")))
        err_cause(e, at_value, "must be an absolute path");
}

static void query_params_check(const struct query_match *params, size_t n, const struct path *at,
                               struct err *e)
{
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < n; i++) {
        if (map_find(&seen, params[i].name))
            err_cause(e, AT_FIELD(AT_INDEX(at, i), "name"), "multiple entries for name " STR_FMT,
                      STR_ARG(params[i].name));
        else
            map_put(&seen, params[i].name, (void *)(uintptr_t)&params[i]);
    }
    map_fini(&seen);
}

static void match_check(const struct route_match *match, const struct path *at, struct err *e)
{
    const struct path *at_headers = AT_FIELD(at, "headers");

    if (match->path)
        path_check(match->path, AT_FIELD(at, "path"), e);
    query_params_check(match->query_params, match->n_query_params, AT_FIELD(at, "queryParams"), e);
    for (size_t i = 0; i < match->n_headers; i++) {
        const struct header_match *header = &match->headers[i];
        bool has_no_value = header->type == HEADER_MATCH_PRESENT || header->type == HEADER_MATCH_ABSENT;

        if (has_no_value && header->value.n > 0)
            err_cause(e, AT_FIELD(AT_INDEX(at_headers, i), "value"), "must not be defined");
    }
}

/* ---- filters ---- */

static bool must_be_defined(const void *member, const struct path *at, struct err *e)
{
    if (!member)
        err_cause(e, at, "must be defined");
    return member != NULL;
}

/* A header name once over all lists of a filter; the schema bounds them. */
struct names_seen {
    struct str v[3 * 16];
    size_t n;
};

static void name_check(struct names_seen *seen, struct str name, const struct path *at, struct err *e)
{
    for (size_t i = 0; i < seen->n; i++)
        if (str_eq(seen->v[i], name)) {
            err_cause(e, AT_FIELD(at, "name"), "duplicate header name");
            return;
        }
    if (seen->n < ARRAY_LEN(seen->v))
        seen->v[seen->n++] = name;
}

static void header_modifier_check(const struct header_modifier *modifier, const struct path *at,
                                  struct err *e)
{
    const struct path *at_set = AT_FIELD(at, "set"), *at_add = AT_FIELD(at, "add");
    const struct path *at_remove = AT_FIELD(at, "remove");
    struct names_seen seen = {.n = 0};

    if (!must_be_defined(modifier, at, e))
        return;
    if (!modifier->set_given && !modifier->add_given && !modifier->remove_given)
        err_cause(e, at, "must have at least one defined: set, add, remove");
    for (size_t i = 0; i < modifier->n_set; i++)
        name_check(&seen, modifier->set[i].name, AT_INDEX(at_set, i), e);
    for (size_t i = 0; i < modifier->n_add; i++)
        name_check(&seen, modifier->add[i].name, AT_INDEX(at_add, i), e);
    for (size_t i = 0; i < modifier->remove.n; i++)
        name_check(&seen, modifier->remove.v[i], AT_INDEX(at_remove, i), e);
}

static bool all_match_prefix(const struct http_rule *rule)
{
    for (size_t i = 0; i < rule->n_matches; i++)
        if (!rule->matches[i].path || rule->matches[i].path->type != PATH_MATCH_PREFIX)
            return false;
    return true;
}

static void path_rewrite_check(const struct route_path_rewrite *rewrite, const struct http_rule *rule,
                               const struct path *at, struct err *e)
{
    if (rewrite && rewrite->replace_prefix_match.p && !all_match_prefix(rule))
        err_cause(e, AT_FIELD(AT_FIELD(at, "path"), "replacePrefixMatch"),
                  "can only appear if all matches match a path prefix");
}

static void filter_check(const struct route_filter *filter, const struct http_rule *rule,
                         const struct path *at, struct err *e)
{
    const struct path *at_redirect = AT_FIELD(at, "requestRedirect");
    const struct path *at_rewrite = AT_FIELD(at, "urlRewrite"), *at_mirror = AT_FIELD(at, "requestMirror");

    switch (filter->type) {
    case FILTER_REQUEST_HEADERS:
        header_modifier_check(filter->request_header_modifier, AT_FIELD(at, "requestHeaderModifier"), e);
        break;
    case FILTER_RESPONSE_HEADERS:
        header_modifier_check(filter->response_header_modifier, AT_FIELD(at, "responseHeaderModifier"), e);
        break;
    case FILTER_REDIRECT:
        if (must_be_defined(filter->request_redirect, at_redirect, e))
            path_rewrite_check(filter->request_redirect->path, rule, at_redirect, e);
        break;
    case FILTER_URL_REWRITE:
        if (must_be_defined(filter->url_rewrite, at_rewrite, e))
            path_rewrite_check(filter->url_rewrite->path, rule, at_rewrite, e);
        break;
    case FILTER_MIRROR:
        if (must_be_defined(filter->request_mirror, at_mirror, e))
            rule_target_ref(&filter->request_mirror->backend_ref, TARGETS_BACKENDS,
                            AT_FIELD(at_mirror, "backendRef"), e);
        break;
    default: /* the schema knows no other */
        break;
    }
}

/* ---- the policy ---- */

static void rule_check(const struct http_rule *rule, const struct path *at, struct err *e)
{
    const struct path *at_matches = AT_FIELD(at, "matches"), *at_conf = AT_FIELD(at, "default");
    const struct path *at_filters = AT_FIELD(at_conf, "filters");

    for (size_t i = 0; i < rule->n_matches; i++)
        match_check(&rule->matches[i], AT_INDEX(at_matches, i), e);
    for (size_t i = 0; i < rule->conf.n_filters; i++)
        filter_check(&rule->conf.filters[i], rule, AT_INDEX(at_filters, i), e);
    rule_backend_refs(rule->conf.backend_refs, rule->conf.n_backend_refs, AT_FIELD(at_conf, "backendRefs"),
                      e);
}

void mesh_http_route_check(const void *spec, struct err *e)
{
    const struct mesh_http_route_spec *route = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_to = AT_FIELD(at, "to");

    rule_target_ref(&route->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    for (size_t i = 0; i < route->n_to; i++) {
        const struct path *at_item = AT_INDEX(at_to, i), *at_rules = AT_FIELD(at_item, "rules");

        rule_target_ref(&route->to[i].target_ref, TARGETS(MESH_SERVICE), AT_FIELD(at_item, "targetRef"), e);
        for (size_t k = 0; k < route->to[i].n_rules; k++)
            rule_check(&route->to[i].rules[k], AT_INDEX(at_rules, k), e);
    }
}
