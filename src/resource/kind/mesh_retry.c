/* mesh_retry.c -- MeshRetry: when and how often a failed call is made again. */
#include "target.h"

static const struct field tcp_fields[] = {
    F_OPT_U32("maxConnectAttempt", struct mesh_retry_tcp, max_connect_attempt),
    F_END,
};

static const struct field back_off_fields[] = {
    F_SPAN("baseInterval", struct retry_back_off, base_interval),
    F_SPAN("maxInterval", struct retry_back_off, max_interval),
    F_END,
};

static const char *const reset_formats[] = {NULL, "Seconds", "UnixTimestamp"};
static const struct enum_names reset_format_names = {.v = reset_formats, .n = ARRAY_LEN(reset_formats)};

static const struct field reset_header_fields[] = {
    F_STR("name", struct reset_header, name, .required = true, .limits = &header_name_limits),
    F_CHOICE("format", struct reset_header, format, reset_format_names, .required = true),
    F_END,
};

static const struct field limited_fields[] = {
    F_LIST("resetHeaders", struct rate_limited_back_off, reset_headers, n_reset_headers, reset_header_fields,
           .keep_empty = true),
    F_SPAN("maxInterval", struct rate_limited_back_off, max_interval),
    F_END,
};

static const struct field predicate_fields[] = {
    F_STR("predicate", struct host_predicate, predicate, .required = true),
    F_TAGS("tags", struct host_predicate, tags, .given = offsetof(struct host_predicate, tags_given)),
    F_I32("updateFrequency", struct host_predicate, update_frequency),
    F_END,
};

static const struct field_limits int64_limits = {.format = "int64"};

#define T struct mesh_retry_http
static const struct field http_fields[] = {
    F_OPT_U32("numRetries", T, num_retries),
    F_SPAN("perTryTimeout", T, per_try_timeout),
    F_SUB("backOff", T, back_off, back_off_fields),
    F_SUB("rateLimitedBackOff", T, rate_limited_back_off, limited_fields),
    F_STR_LIST("retryOn", T, retry_on, .keep_empty = true),
    F_LIST("retriableResponseHeaders", T, retriable_response_headers, n_retriable_response_headers,
           header_match_fields, .keep_empty = true),
    F_LIST("retriableRequestHeaders", T, retriable_request_headers, n_retriable_request_headers,
           header_match_fields, .keep_empty = true),
    F_LIST("hostSelection", T, host_selection, n_host_selection, predicate_fields, .keep_empty = true),
    F_OPT_I64("hostSelectionMaxAttempts", T, host_selection_max_attempts, .limits = &int64_limits),
    F_END,
};
#undef T

static const struct field grpc_fields[] = {
    F_OPT_U32("numRetries", struct mesh_retry_grpc, num_retries),
    F_SPAN("perTryTimeout", struct mesh_retry_grpc, per_try_timeout),
    F_SUB("backOff", struct mesh_retry_grpc, back_off, back_off_fields),
    F_SUB("rateLimitedBackOff", struct mesh_retry_grpc, rate_limited_back_off, limited_fields),
    F_STR_LIST("retryOn", struct mesh_retry_grpc, retry_on, .keep_empty = true),
    F_END,
};

static const struct field conf_fields[] = {
    F_SUB("tcp", struct mesh_retry_conf, tcp, tcp_fields),
    F_SUB("http", struct mesh_retry_conf, http, http_fields),
    F_SUB("grpc", struct mesh_retry_conf, grpc, grpc_fields),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_retry_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_retry_spec),
    F_LIST("to", struct mesh_retry_spec, to, n_to, item_fields),
    F_END,
};

const struct field mesh_retry_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

/* ---- rules ---- */

static const char *const http_conditions[] = {"5xx",
                                              "GatewayError",
                                              "Reset",
                                              "Retriable4xx",
                                              "ConnectFailure",
                                              "EnvoyRatelimited",
                                              "RefusedStream",
                                              "Http3PostConnectFailure",
                                              "HttpMethodConnect",
                                              "HttpMethodDelete",
                                              "HttpMethodGet",
                                              "HttpMethodHead",
                                              "HttpMethodOptions",
                                              "HttpMethodPatch",
                                              "HttpMethodPost",
                                              "HttpMethodPut",
                                              "HttpMethodTrace"};
static const struct enum_names http_condition_names = {.v = http_conditions, .n = ARRAY_LEN(http_conditions)};

static const char *const grpc_conditions[] = {"Canceled", "DeadlineExceeded", "Internal", "ResourceExhausted",
                                              "Unavailable"};
static const struct enum_names grpc_condition_names = {.v = grpc_conditions, .n = ARRAY_LEN(grpc_conditions)};

static bool is_named_status(struct str s)
{
    uint64_t status;

    if (str_has_prefix(s, STR("+")))
        s = str_slice(s, 1, s.n);
    return str_to_uint(s, UINT16_MAX, &status) && is_http_status((uint32_t)status);
}

static void retry_on_check(const struct str_list *list, const struct enum_names *names, bool status_codes,
                           const struct path *at, struct err *e)
{
    uint32_t ignored;

    for (size_t i = 0; i < list->n; i++)
        if (!enum_number(names, list->v[i], &ignored) && !(status_codes && is_named_status(list->v[i])))
            err_cause(e, AT_INDEX(at, i), "unknown item '" STR_FMT "'", STR_ARG(list->v[i]));
}

static void back_off_check(const struct retry_back_off *back_off, const struct path *at, struct err *e)
{
    if (back_off && !back_off->base_interval.set && !back_off->max_interval.set)
        err_cause(e, at, "must not be empty");
}

static void limited_check(const struct rate_limited_back_off *limited, const struct path *at, struct err *e)
{
    if (!limited)
        return;
    if (limited->max_interval.set && limited->max_interval.ns <= 0)
        err_cause(e, AT_FIELD(at, "maxInterval"), "must be defined and greater than zero");
    if (!limited->reset_headers)
        err_cause(e, AT_FIELD(at, "resetHeaders"), "must be defined");
}

static void predicates_check(const struct host_predicate *predicates, size_t n, const struct path *at,
                             struct err *e)
{
    bool priorities_seen = false;

    for (size_t i = 0; i < n; i++) {
        const struct host_predicate *p = &predicates[i];
        const struct path *at_predicate = AT_INDEX(at, i), *at_type = AT_FIELD(at_predicate, "predicate");

        if (str_eq(p->predicate, STR("OmitHostsWithTags"))) {
            if (!p->tags_given)
                err_cause(e, AT_FIELD(at_predicate, "tags"), "must be defined");
        } else if (str_eq(p->predicate, STR("OmitPreviousPriorities"))) {
            if (priorities_seen)
                err_cause(e, at_type, STR_FMT " must only be specified once", STR_ARG(p->predicate));
            if (p->update_frequency <= 0)
                err_cause(e, AT_FIELD(at_predicate, "updateFrequency"),
                          "must be defined and greater than zero");
            priorities_seen = true;
        } else if (!str_eq(p->predicate, STR("OmitPreviousHosts"))) {
            err_cause(e, at_type, "unknown predicate type '" STR_FMT "'", STR_ARG(p->predicate));
        }
    }
}

static void http_check(const struct mesh_retry_http *http, const struct path *at, struct err *e)
{
    if (!http->num_retries.set && !http->per_try_timeout.set && !http->back_off && !http->retry_on.v &&
        !http->retriable_request_headers && !http->retriable_response_headers &&
        !http->rate_limited_back_off && !http->host_selection)
        err_cause(e, at, "must not be empty");
    back_off_check(http->back_off, AT_FIELD(at, "backOff"), e);
    limited_check(http->rate_limited_back_off, AT_FIELD(at, "rateLimitedBackOff"), e);
    retry_on_check(&http->retry_on, &http_condition_names, true, AT_FIELD(at, "retryOn"), e);
    predicates_check(http->host_selection, http->n_host_selection, AT_FIELD(at, "hostSelection"), e);
}

static void grpc_check(const struct mesh_retry_grpc *grpc, const struct path *at, struct err *e)
{
    if (!grpc->num_retries.set && !grpc->per_try_timeout.set && !grpc->back_off && !grpc->retry_on.v &&
        !grpc->rate_limited_back_off)
        err_cause(e, at, "must not be empty");
    back_off_check(grpc->back_off, AT_FIELD(at, "backOff"), e);
    limited_check(grpc->rate_limited_back_off, AT_FIELD(at, "rateLimitedBackOff"), e);
    retry_on_check(&grpc->retry_on, &grpc_condition_names, false, AT_FIELD(at, "retryOn"), e);
}

static void conf_check(const struct mesh_retry_conf *conf, const struct path *at, struct err *e)
{
    if (!conf->tcp && !conf->http && !conf->grpc)
        err_cause(e, at, "at least one of the 'tcp', 'http', 'grpc' must be specified");
    if (conf->tcp && !conf->tcp->max_connect_attempt.set)
        err_cause(e, AT_FIELD(at, "tcp"), "must not be empty");
    if (conf->http)
        http_check(conf->http, AT_FIELD(at, "http"), e);
    if (conf->grpc)
        grpc_check(conf->grpc, AT_FIELD(at, "grpc"), e);
}

void mesh_retry_check(const void *spec, struct err *e)
{
    const struct mesh_retry_spec *retry = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_to = AT_FIELD(at, "to");
    bool on_gateway = retry->target_ref.kind == TARGET_MESH_GATEWAY;

    rule_target_ref(&retry->target_ref, TARGETS_PROXIES | TARGETS(MESH_GATEWAY), AT_FIELD(at, "targetRef"),
                    e);
    rule_items_needed(retry->n_to, at_to, e);
    for (size_t i = 0; i < retry->n_to; i++) {
        const struct path *at_item = AT_INDEX(at_to, i);

        rule_target_ref(&retry->to[i].target_ref,
                        on_gateway ? TARGETS(MESH) : TARGETS(MESH) | TARGETS(MESH_SERVICE),
                        AT_FIELD(at_item, "targetRef"), e);
        /* COMPAT: the reference's paths have a "conf" that is not in the document. */
        conf_check(&retry->to[i].conf, AT_FIELD(AT_FIELD(at_item, "default"), "conf"), e);
    }
}
