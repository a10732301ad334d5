/* mesh_gateway_route_check.c -- the rules of MeshGatewayRoute (resources.md 2.7), in the order in which the
 * reference reports their faults. TCP routes and response headers have none. */
#include "kind.h"

static const char empty[] = "cannot be empty";

static void not_empty(struct str s, const struct path *at, struct err *e)
{
    if (s.n == 0)
        err_cause(e, at, empty);
}

/* ---- matches ---- */

static void path_check(const struct gateway_path_match *path, const struct path *at, struct err *e)
{
    if (path->match == GATEWAY_PATH_REGEX)
        not_empty(path->value, at, e);
    else if (!str_has_prefix(path->value, STR("/")))
        err_cause(e, at, "must be an absolute path");
}

static void header_match_check(const struct gateway_header_match *h, const struct path *at, struct err *e)
{
    const struct path *at_value = AT_FIELD(at, "value");

    not_empty(h->name, AT_FIELD(at, "name"), e);
    if (h->match != GATEWAY_HEADER_ABSENT && h->match != GATEWAY_HEADER_PRESENT)
        not_empty(h->value, at_value, e);
    else if (h->value.n > 0)
        err_cause(e, at_value, "cannot be set");
}

static void match_check(const struct gateway_match *match, const struct path *at, struct err *e)
{
    if (!match->path && match->method == 0 && match->n_headers == 0 && match->n_query_parameters == 0)
        err_cause(e, at, empty);
    if (match->path) /* COMPAT: not path.value */
        path_check(match->path, AT_FIELD(at, "value"), e);
    for (size_t i = 0; i < match->n_headers; i++)
        header_match_check(&match->headers[i], AT_INDEX(AT_FIELD(at, "headers"), i), e);
    for (size_t i = 0; i < match->n_query_parameters; i++) {
        /* COMPAT: snake case, here and in filters. */
        const struct path *at_query = AT_INDEX(AT_FIELD(at, "query_parameters"), i);

        not_empty(match->query_parameters[i].name, AT_FIELD(at_query, "name"), e);
        not_empty(match->query_parameters[i].value, AT_FIELD(at_query, "value"), e);
    }
}

/* ---- filters ---- */

/* What a rule's other parts mean for a filter. */
struct surroundings {
    bool has_prefix_match, rewrites_host;
};

static bool is_host(struct str header)
{
    return str_eq(header, STR(":authority")) || str_eq(header, STR("Host")) || str_eq(header, STR("host"));
}

static void headers_check(const struct gateway_header *v, size_t n, const struct surroundings *around,
                          const struct path *at, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct path *at_header = AT_INDEX(at, i);

        if (is_host(v[i].name) && around->rewrites_host)
            err_cause(e, at_header,
                      "cannot modify '" STR_FMT
                      "' header, when route has set 'rewrite.host_to_backend_hostname' option",
                      STR_ARG(v[i].name));
        not_empty(v[i].name, AT_FIELD(at_header, "name"), e);
        not_empty(v[i].value, AT_FIELD(at_header, "value"), e);
    }
}

static void request_header_check(const struct gateway_header_filter *f, const struct surroundings *around,
                                 const struct path *at, struct err *e)
{
    if (f->n_set == 0 && f->n_add == 0 && f->remove.n == 0)
        err_cause(e, at, empty);
    headers_check(f->set, f->n_set, around, AT_FIELD(at, "set"), e);
    headers_check(f->add, f->n_add, around, AT_FIELD(at, "add"), e);
    for (size_t i = 0; i < f->remove.n; i++)
        not_empty(f->remove.v[i], AT_INDEX(AT_FIELD(at, "remove"), i), e);
}

static void redirect_check(const struct gateway_redirect *redirect, const struct path *at, struct err *e)
{
    if (redirect->port > 0)
        rule_port(redirect->port, AT_FIELD(at, "port"), e);
    if (redirect->status_code < 300 || redirect->status_code > 308)
        err_cause(e, AT_FIELD(at, "status_code"), "must be in the range [300, 308]");
}

static void backend_check(const struct gateway_backend *backend, const struct path *at, struct err *e)
{
    if (backend)
        rule_destination(&backend->destination, at, e);
    else
        err_cause(e, at, empty);
}

static void filter_check(const struct gateway_http_filter *f, const struct surroundings *around,
                         const struct path *at, struct err *e)
{
    if (f->request_header)
        request_header_check(f->request_header, around, AT_FIELD(at, "request_header"), e);
    if (f->redirect)
        redirect_check(f->redirect, AT_FIELD(at, "redirect"), e);
    if (f->mirror) {
        rule_percentage(f->mirror->percentage, AT_FIELD(AT_FIELD(at, "mirror"), "percentage"), e);
        backend_check(f->mirror->backend, AT_FIELD(AT_FIELD(at, "mirror"), "backend"), e);
    }
    if (f->rewrite && f->rewrite->replace_prefix_match.p && !around->has_prefix_match)
        err_cause(e, AT_FIELD(AT_FIELD(at, "rewrite"), "replacePrefixMatch"),
                  "cannot be used without a match on path prefix");
}

/* ---- rules ---- */

static bool rewrites_host(const struct gateway_http_filter *f)
{
    return f->rewrite && f->rewrite->host_to_backend_hostname;
}

static struct surroundings surroundings_of(const struct gateway_http_rule *rule)
{
    struct surroundings around = {0};

    for (size_t i = 0; i < rule->n_matches; i++)
        around.has_prefix_match |=
            rule->matches[i].path && rule->matches[i].path->match == GATEWAY_PATH_PREFIX;
    for (size_t i = 0; i < rule->n_filters; i++)
        around.rewrites_host |= rewrites_host(&rule->filters[i]);
    return around;
}

static void backends_check(const struct gateway_http_rule *rule, bool redirects, const struct path *at,
                           struct err *e)
{
    if (rule->n_backends == 0 && !redirects)
        err_cause(e, at, empty);
    if (rule->n_backends > 0 && redirects)
        err_cause(e, at, "must be empty when using redirect filters");
    for (size_t i = 0; i < rule->n_backends; i++)
        backend_check(&rule->backends[i], AT_INDEX(at, i), e);
}

static void rule_check(const struct gateway_http_rule *rule, const struct path *at, struct err *e)
{
    const struct path *at_matches = AT_FIELD(at, "matches"), *at_filters = AT_FIELD(at, "filters");
    struct surroundings around = surroundings_of(rule);
    bool redirects = false;
    size_t index = 0;

    if (rule->n_matches == 0) {
        err_cause(e, at_matches, empty);
        return;
    }
    for (size_t i = 0; i < rule->n_matches; i++)
        match_check(&rule->matches[i], AT_INDEX(at_matches, i), e);
    for (size_t i = 0; i < rule->n_filters; i++) {
        /* COMPAT: these are not looked at and not counted. */
        if (rewrites_host(&rule->filters[i]))
            continue;
        redirects |= rule->filters[i].redirect != NULL;
        filter_check(&rule->filters[i], &around, AT_INDEX(at_filters, index), e);
        index++;
    }
    if (redirects && rule->n_filters != 1)
        err_cause(e, at_filters, "redirects cannot be used with other filters");
    else
        backends_check(rule, redirects, AT_FIELD(at, "backends"), e);
}

void mesh_gateway_route_check(const void *spec, struct err *e)
{
    const struct mesh_gateway_route_spec *route = spec;
    const struct gateway_route_conf *conf = route->conf;
    const struct path *at = AT_FIELD(NULL, "conf"), *at_rules = AT_FIELD(AT_FIELD(at, "http"), "rules");

    rule_selectors(&(const struct selector_rules){.at_least_one = true, .needs_service = true},
                   &route->select, e);
    if (!conf || (!conf->tcp && !conf->http)) {
        err_cause(e, at, empty);
        return;
    }
    if (!conf->http)
        return;
    if (conf->http->n_rules == 0)
        err_cause(e, at_rules, empty);
    for (size_t i = 0; i < conf->http->n_rules; i++)
        rule_check(&conf->http->rules[i], AT_INDEX(at_rules, i), e);
}
