/* rate_limit.c -- RateLimit: how many requests of whom a proxy lets through. */
#include "kind.h"

static const struct field header_fields[] = {
    F_STR("key", struct rate_limit_header, key),
    F_STR("value", struct rate_limit_header, value),
    F_OPT_BOOL("append", struct rate_limit_header, append),
    F_END,
};

static const struct field on_rate_limit_fields[] = {
    F_OPT_U32("status", struct on_rate_limit, status),
    F_LIST("headers", struct on_rate_limit, headers, n_headers, header_fields),
    F_END,
};

static const struct field http_fields[] = {
    F_U32("requests", struct rate_limit_http, requests),
    F_DURATION("interval", struct rate_limit_http, interval),
    F_SUB("onRateLimit", struct rate_limit_http, on_rate_limit, on_rate_limit_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_SUB("http", struct rate_limit_conf, http, http_fields),
    F_END,
};

const struct field rate_limit_fields[] = {
    F_POLICY_SELECTORS,
    F_SUB("conf", struct rate_limit_spec, conf, conf_fields),
    F_END,
};

static void headers_check(const struct on_rate_limit *on, const struct path *at, struct err *e)
{
    for (size_t i = 0; i < on->n_headers; i++) {
        /* COMPAT: the field is a list and ends in an s. */
        struct str index = arena_printf(e->arena, "%zu", i);
        const struct path *at_header = AT_KEY(AT_FIELD(at, "header"), index);

        if (on->headers[i].key.n == 0)
            err_cause(e, at_header, "key must be set");
        if (on->headers[i].value.n == 0)
            err_cause(e, at_header, "value must be set");
    }
}

void rate_limit_check(const void *spec, struct err *e)
{
    const struct rate_limit_spec *limit = spec;
    const struct rate_limit_http *http = limit->conf ? limit->conf->http : NULL;
    const struct path *at = AT_FIELD(NULL, "conf"), *at_http = AT_FIELD(at, "http");

    rule_selectors_b(&limit->select, e);
    if (!limit->conf)
        err_cause(e, at, "must have conf");
    if (!http)
        return;
    if (http->requests == 0)
        err_cause(e, AT_FIELD(at_http, "requests"), "requests must be set");
    if (!http->interval.set)
        err_cause(e, AT_FIELD(at_http, "interval"), "interval must be set");
    if (http->on_rate_limit)
        headers_check(http->on_rate_limit, AT_FIELD(at_http, "onRateLimit"), e);
}
