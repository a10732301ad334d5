/* mesh_timeout.c -- MeshTimeout: how long connections and requests may take, in both directions. */
#include "target.h"

static const struct field http_fields[] = {
    F_SPAN("requestTimeout", struct mesh_timeout_http, request_timeout),
    F_SPAN("streamIdleTimeout", struct mesh_timeout_http, stream_idle_timeout),
    F_SPAN("maxStreamDuration", struct mesh_timeout_http, max_stream_duration),
    F_SPAN("maxConnectionDuration", struct mesh_timeout_http, max_connection_duration),
    F_END,
};

static const struct field conf_fields[] = {
    F_SPAN("connectionTimeout", struct mesh_timeout_conf, connection_timeout),
    F_SPAN("idleTimeout", struct mesh_timeout_conf, idle_timeout),
    F_SUB("http", struct mesh_timeout_conf, http, http_fields),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_timeout_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_timeout_spec),
    F_LIST("to", struct mesh_timeout_spec, to, n_to, item_fields),
    F_LIST("from", struct mesh_timeout_spec, from, n_from, item_fields),
    F_END,
};

const struct field mesh_timeout_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

static void not_under_route(struct opt_dur d, const struct path *at, struct err *e)
{
    if (d.set)
        err_cause(e, at, "can't be specified when top-level TargetRef is referencing MeshHTTPRoute");
}

static void http_check(const struct mesh_timeout_http *http, const struct path *at, struct err *e)
{
    if (!http->request_timeout.set && !http->stream_idle_timeout.set && !http->max_stream_duration.set &&
        !http->max_connection_duration.set)
        err_cause(e, at, "at least one timeout in this section should be configured");
    rule_span_not_negative(http->request_timeout, AT_FIELD(at, "requestTimeout"), e);
    rule_span_not_negative(http->stream_idle_timeout, AT_FIELD(at, "streamIdleTimeout"), e);
    rule_span_not_negative(http->max_stream_duration, AT_FIELD(at, "maxStreamDuration"), e);
    rule_span_not_negative(http->max_connection_duration, AT_FIELD(at, "maxConnectionDuration"), e);
}

static void conf_check(const struct mesh_timeout_conf *conf, bool under_route, const struct path *at,
                       struct err *e)
{
    const struct path *at_connection = AT_FIELD(at, "connectionTimeout");
    const struct path *at_idle = AT_FIELD(at, "idleTimeout"), *at_http = AT_FIELD(at, "http");

    if (!conf->connection_timeout.set && !conf->idle_timeout.set && !conf->http) {
        err_cause(e, at, "at least one timeout should be configured");
        return;
    }
    if (under_route) {
        not_under_route(conf->connection_timeout, at_connection, e);
        not_under_route(conf->idle_timeout, at_idle, e);
    }
    if (under_route && conf->http) {
        not_under_route(conf->http->max_stream_duration, AT_FIELD(at_http, "maxStreamDuration"), e);
        not_under_route(conf->http->max_connection_duration, AT_FIELD(at_http, "maxConnectionDuration"), e);
    }
    rule_span_positive(conf->connection_timeout, at_connection, e);
    rule_span_not_negative(conf->idle_timeout, at_idle, e);
    if (conf->http)
        http_check(conf->http, at_http, e);
}

static void items_check(const struct mesh_timeout_item *items, size_t n, unsigned kinds, bool under_route,
                        const struct path *at, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct path *at_item = AT_INDEX(at, i);

        rule_target_ref(&items[i].target_ref, kinds, AT_FIELD(at_item, "targetRef"), e);
        conf_check(&items[i].conf, under_route, AT_FIELD(at_item, "default"), e);
    }
}

void mesh_timeout_check(const void *spec, struct err *e)
{
    const struct mesh_timeout_spec *timeout = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_from = AT_FIELD(at, "from");
    bool under_route = timeout->target_ref.kind == TARGET_MESH_HTTP_ROUTE;
    bool only_to = under_route || timeout->target_ref.kind == TARGET_MESH_GATEWAY;

    rule_target_ref(&timeout->target_ref, TARGETS_PROXIES | TARGETS(MESH_GATEWAY) | TARGETS(MESH_HTTP_ROUTE),
                    AT_FIELD(at, "targetRef"), e);
    rule_to_or_from_needed(timeout->n_to, timeout->n_from, e);
    if (!only_to)
        items_check(timeout->from, timeout->n_from, TARGETS(MESH), false, at_from, e);
    else if (timeout->n_from > 0)
        err_cause(e, at_from, "must not be defined");
    items_check(timeout->to, timeout->n_to, only_to ? TARGETS(MESH) : TARGETS(MESH) | TARGETS(MESH_SERVICE),
                under_route, AT_FIELD(at, "to"), e);
}
