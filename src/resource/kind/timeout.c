/* timeout.c -- Timeout: limits of connections, requests and streams. */
#include "kind.h"

static const struct field tcp_fields[] = {
    F_DURATION("idleTimeout", struct timeout_tcp, idle_timeout, .alias = "idle_timeout"),
    F_END,
};

static const struct field http_fields[] = {
    F_DURATION("requestTimeout", struct timeout_http, request_timeout, .alias = "request_timeout"),
    F_DURATION("idleTimeout", struct timeout_http, idle_timeout, .alias = "idle_timeout"),
    F_DURATION("streamIdleTimeout", struct timeout_http, stream_idle_timeout, .alias = "stream_idle_timeout"),
    F_DURATION("maxStreamDuration", struct timeout_http, max_stream_duration, .alias = "max_stream_duration"),
    F_END,
};

static const struct field grpc_fields[] = {
    F_DURATION("streamIdleTimeout", struct timeout_grpc, stream_idle_timeout, .alias = "stream_idle_timeout"),
    F_DURATION("maxStreamDuration", struct timeout_grpc, max_stream_duration, .alias = "max_stream_duration"),
    F_END,
};

static const struct field conf_fields[] = {
    F_DURATION("connectTimeout", struct timeout_conf, connect_timeout, .alias = "connect_timeout"),
    F_SUB("tcp", struct timeout_conf, tcp, tcp_fields),
    F_SUB("http", struct timeout_conf, http, http_fields),
    F_SUB("grpc", struct timeout_conf, grpc, grpc_fields),
    F_END,
};

const struct field timeout_fields[] = {
    F_POLICY_SELECTORS,
    F_SUB("conf", struct timeout_spec, conf, conf_fields),
    F_END,
};

static const char none_given[] = "at least one timeout in section has to be defined";
static const char not_zero[] = "has to be greater than 0 when defined";

static void tcp_check(const struct timeout_tcp *tcp, const struct path *at, struct err *e)
{
    if (!tcp->idle_timeout.set)
        err_cause(e, at, "%s", none_given);
    rule_duration_not_zero(tcp->idle_timeout, "has to be greater than 0", AT_FIELD(at, "idleTimeout"), e);
}

static void http_check(const struct timeout_http *http, const struct path *at, struct err *e)
{
    /* COMPAT: the other two are not checked. */
    if (!http->request_timeout.set && !http->idle_timeout.set)
        err_cause(e, at, "%s", none_given);
    rule_duration_not_zero(http->request_timeout, not_zero, AT_FIELD(at, "requestTimeout"), e);
    rule_duration_not_zero(http->idle_timeout, not_zero, AT_FIELD(at, "idleTimeout"), e);
}

static void grpc_check(const struct timeout_grpc *grpc, const struct path *at, struct err *e)
{
    if (!grpc->stream_idle_timeout.set && !grpc->max_stream_duration.set)
        err_cause(e, at, "%s", none_given);
    rule_duration_not_zero(grpc->stream_idle_timeout, not_zero, AT_FIELD(at, "streamIdleTimeout"), e);
    rule_duration_not_zero(grpc->max_stream_duration, not_zero, AT_FIELD(at, "maxStreamDuration"), e);
}

void timeout_check(const void *spec, struct err *e)
{
    const struct timeout_spec *timeout = spec;
    const struct timeout_conf *conf = timeout->conf;
    const struct path *at = AT_FIELD(NULL, "conf");

    rule_selectors_a(&timeout->select, e);
    if (!conf) {
        err_cause(e, at, "has to be defined");
        return;
    }
    if (conf->tcp)
        tcp_check(conf->tcp, AT_FIELD(at, "tcp"), e);
    if (conf->http)
        http_check(conf->http, AT_FIELD(at, "http"), e);
    if (conf->grpc)
        grpc_check(conf->grpc, AT_FIELD(at, "grpc"), e);
}
