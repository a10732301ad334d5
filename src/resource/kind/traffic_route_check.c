/* traffic_route_check.c -- the rules of TrafficRoute (resources.md 3.1), in the order in which the reference
 * reports their faults. */
#include "kind.h"

static const char empty[] = "cannot be empty";

/* Where it goes: conf and each HTTP rule have exactly one of a split and a destination. */
static void target_check(const struct split *split, size_t n_split, const struct tags *destination,
                         bool destination_given, const struct path *at, struct err *e)
{
    const struct path *at_split = AT_FIELD(at, "split");
    uint32_t sum = 0; /* COMPAT: it wraps, as the reference's does */

    /* COMPAT: an empty list of splits counts as absent, an empty destination does not. */
    if (n_split == 0 && !destination_given)
        err_cause(e, at, "requires either \"destination\" or \"split\"");
    if (n_split > 0 && destination_given)
        err_cause(e, at, "\"split\" cannot be defined at the same time as \"destination\"");
    for (size_t i = 0; i < n_split; i++) {
        if (!split[i].weight.set)
            err_cause(e, AT_FIELD(AT_INDEX(at_split, i), "weight"), "needs to be defined");
        sum += split[i].weight.v;
        rule_destination(&split[i].destination, AT_FIELD(AT_INDEX(at_split, i), "destination"), e);
    }
    if (n_split > 0 && sum == 0)
        err_cause(e, at_split, "there must be at least one split entry with weight above 0");
    if (destination_given)
        rule_destination(destination, AT_FIELD(at, "destination"), e);
}

static void string_matcher_check(const struct string_matcher *m, const struct path *at, struct err *e)
{
    if (!m->prefix.p && !m->exact.p && !m->regex.p)
        err_cause(e, at, "cannot be empty. Available options: \"exact\", \"split\" or \"regex\"");
    if (m->prefix.p && m->prefix.n == 0)
        err_cause(e, AT_FIELD(at, "prefix"), empty);
    if (m->regex.p && m->regex.n == 0)
        err_cause(e, AT_FIELD(at, "regex"), empty);
}

static void match_check(const struct http_match *match, const struct path *at, struct err *e)
{
    const struct path *at_headers = AT_FIELD(at, "headers");

    if (!match || (!match->method && !match->path && !match->headers_given)) {
        err_cause(
            e, at,
            "must be present and contain at least one of the elements: \"method\", \"path\" or \"headers\"");
        return;
    }
    if (match->method)
        string_matcher_check(match->method, AT_FIELD(at, "method"), e);
    if (match->path)
        string_matcher_check(match->path, AT_FIELD(at, "path"), e);
    if (match->headers_given && match->n_headers == 0)
        err_cause(e, at_headers, "must contain at least one element");
    for (size_t i = 0; i < match->n_headers; i++) {
        const struct path *at_header = AT_KEY(at_headers, match->headers[i].key);

        if (match->headers[i].key.n == 0)
            err_cause(e, at_header, empty);
        string_matcher_check(&match->headers[i].match, at_header, e);
    }
}

static void not_empty(struct str s, const struct path *at, struct err *e)
{
    if (s.n == 0)
        err_cause(e, at, empty);
}

static void regex_replace_check(const struct regex_replace *r, const struct path *at, struct err *e)
{
    not_empty(r->pattern, AT_FIELD(at, "pattern"), e);
    not_empty(r->substitution, AT_FIELD(at, "substitution"), e);
}

static void path_rewrite_check(const struct path_rewrite *path, const struct http_match *match,
                               const struct path *at, struct err *e)
{
    const struct path *at_prefix = AT_FIELD(at, "rewritePrefix");

    if (path->regex)
        regex_replace_check(path->regex, AT_FIELD(at, "regex"), e);
    else if (!path->rewrite_prefix.p)
        err_cause(e, at, "either \"rewritePrefix\" or \"regex\" has to be set");
    else if (path->rewrite_prefix.n == 0)
        err_cause(e, at_prefix, empty);
    else if (!match || !match->path || match->path->prefix.n == 0)
        err_cause(e, at_prefix, "can only be set when .http.match.path.prefix is not empty");
}

static void host_rewrite_check(const struct host_rewrite *host, const struct path *at, struct err *e)
{
    if (host->from_path)
        regex_replace_check(host->from_path, AT_FIELD(at, "fromPath"), e);
    else if (!host->value.p)
        err_cause(e, at, "either \"value\" or \"fromPath\" has to be set");
    else
        not_empty(host->value, AT_FIELD(at, "value"), e);
}

static void header_name_check(struct str name, const struct path *at, struct err *e)
{
    if (name.n == 0)
        err_cause(e, at, empty);
    else if (name.p[0] == ':' || str_eq(name, STR("host")) || str_eq(name, STR("Host")))
        err_cause(e, at, "host header and HTTP/2 pseudo-headers are not allowed to be modified");
}

static void header_changes_check(const struct header_changes *changes, const struct path *at, struct err *e)
{
    if (!changes)
        return;
    for (size_t i = 0; i < changes->n_add; i++) {
        const struct path *at_add = AT_INDEX(AT_FIELD(at, "add"), i);

        header_name_check(changes->add[i].name, AT_FIELD(at_add, "name"), e);
        not_empty(changes->add[i].value, AT_FIELD(at_add, "value"), e);
    }
    for (size_t i = 0; i < changes->n_remove; i++)
        header_name_check(changes->remove[i].name, AT_FIELD(AT_INDEX(AT_FIELD(at, "remove"), i), "name"), e);
}

static void http_check(const struct http_route *http, const struct path *at, struct err *e)
{
    const struct path *at_modify = AT_FIELD(at, "modify");

    match_check(http->match, AT_FIELD(at, "match"), e);
    if (http->modify) {
        if (http->modify->path)
            path_rewrite_check(http->modify->path, http->match, AT_FIELD(at_modify, "path"), e);
        if (http->modify->host)
            host_rewrite_check(http->modify->host, AT_FIELD(at_modify, "host"), e);
        header_changes_check(http->modify->request_headers, AT_FIELD(at_modify, "requestHeaders"), e);
        header_changes_check(http->modify->response_headers, AT_FIELD(at_modify, "responseHeaders"), e);
    }
    target_check(http->split, http->n_split, &http->destination, http->destination_given, at, e);
}

static void load_balancer_check(const struct load_balancer *lb, const struct path *at, struct err *e)
{
    if (!lb || !lb->ring_hash)
        return;
    struct str function = lb->ring_hash->hash_function;

    if (!str_eq(function, STR("XX_HASH")) && !str_eq(function, STR("MURMUR_HASH_2")))
        err_cause(e, AT_FIELD(AT_FIELD(at, "ringHash"), "hashFunction"), "must have a valid hash function");
}

void traffic_route_check(const void *spec, struct err *e)
{
    const struct traffic_route_spec *route = spec;
    const struct route_conf *conf = route->conf;
    const struct path *at = AT_FIELD(NULL, "conf");

    rule_selectors_a(&route->select, e);
    if (!conf) {
        err_cause(e, at, empty);
        return;
    }
    target_check(conf->split, conf->n_split, &conf->destination, conf->destination_given, at, e);
    for (size_t i = 0; i < conf->n_http; i++)
        http_check(&conf->http[i], AT_INDEX(AT_FIELD(at, "http"), i), e);
    load_balancer_check(conf->load_balancer, AT_FIELD(at, "loadBalancer"), e);
}
