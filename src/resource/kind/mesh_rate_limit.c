/* mesh_rate_limit.c -- MeshRateLimit: how often a proxy may be called. */
#include "target.h"
#include "ursa/base/clock.h"

static const struct field rate_fields[] = {
    F_U32("num", struct limit_rate, num, .required = true),
    F_SPAN("interval", struct limit_rate, interval, .required = true),
    F_END,
};

static const struct field response_fields[] = {
    F_OPT_U32("status", struct limit_response, status),
    F_SUB("headers", struct limit_response, headers, header_modifier_fields),
    F_END,
};

static const struct field http_fields[] = {
    F_OPT_BOOL("disabled", struct local_http_limit, disabled),
    F_SUB("requestRate", struct local_http_limit, request_rate, rate_fields),
    F_SUB("onRateLimit", struct local_http_limit, on_rate_limit, response_fields),
    F_END,
};

static const struct field tcp_fields[] = {
    F_OPT_BOOL("disabled", struct local_tcp_limit, disabled),
    F_SUB("connectionRate", struct local_tcp_limit, connection_rate, rate_fields),
    F_END,
};

static const struct field local_fields[] = {
    F_SUB("http", struct local_limit, http, http_fields),
    F_SUB("tcp", struct local_limit, tcp, tcp_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_SUB("local", struct mesh_rate_limit_conf, local, local_fields),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_rate_limit_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_rate_limit_spec),
    F_LIST("from", struct mesh_rate_limit_spec, from, n_from, item_fields),
    F_END,
};

const struct field mesh_rate_limit_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

static void rate_check(const struct limit_rate *rate, const struct path *at, struct err *e)
{
    if (rate->num == 0)
        err_cause(e, AT_FIELD(at, "num"), "must be greater than 0");
    if (rate->interval.ns <= 50 * NS_PER_MS)
        err_cause(e, AT_FIELD(at, "interval"), "must be greater than: 50ms");
}

static void http_check(const struct local_http_limit *http, const struct path *at, struct err *e)
{
    if (!http->disabled.set && !http->request_rate && !http->on_rate_limit)
        err_cause(e, at, "must have at least one defined: disabled, requestRate, onRateLimit");
    if (http->request_rate)
        rate_check(http->request_rate, AT_FIELD(at, "requestRate"), e);
    if (http->on_rate_limit)
        rule_u32_positive(http->on_rate_limit->status, AT_FIELD(AT_FIELD(at, "onRateLimit"), "status"), e);
}

static void tcp_check(const struct local_tcp_limit *tcp, const struct path *at, struct err *e)
{
    if (!tcp->disabled.set && !tcp->connection_rate)
        err_cause(e, at, "must have at least one defined: disabled, connectionRate");
    if (tcp->connection_rate)
        rate_check(tcp->connection_rate, AT_FIELD(at, "connectionRate"), e);
}

static void local_check(const struct local_limit *local, const struct path *at, struct err *e)
{
    if (!local) {
        err_cause(e, at, "must be defined");
        return;
    }
    if (!local->tcp && !local->http)
        err_cause(e, at, "must have at least one defined: tcp, http");
    if (local->http)
        http_check(local->http, AT_FIELD(at, "http"), e);
    if (local->tcp)
        tcp_check(local->tcp, AT_FIELD(at, "tcp"), e);
}

void mesh_rate_limit_check(const void *spec, struct err *e)
{
    const struct mesh_rate_limit_spec *limit = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_from = AT_FIELD(at, "from");

    rule_items_needed(limit->n_from, at_from, e);
    rule_target_ref(&limit->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    for (size_t i = 0; i < limit->n_from; i++) {
        const struct path *at_item = AT_INDEX(at_from, i);

        rule_target_ref(&limit->from[i].target_ref, TARGETS(MESH), AT_FIELD(at_item, "targetRef"), e);
        local_check(limit->from[i].conf.local, AT_FIELD(AT_FIELD(at_item, "default"), "local"), e);
    }
}
