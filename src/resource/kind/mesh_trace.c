/* mesh_trace.c -- MeshTrace: which calls are traced, and where their spans go. */
#include "target.h"

static const char *const api_versions[] = {"httpJson", "httpProto"};
static const struct enum_names api_version_names = {.v = api_versions, .n = ARRAY_LEN(api_versions)};
static const struct field_limits api_version_limits = {.one_of = &api_version_names};

static const struct field zipkin_fields[] = {
    F_STR("url", struct trace_zipkin, url, .required = true),
    F_OPT_BOOL("traceId128bit", struct trace_zipkin, trace_id_128bit),
    F_OPT_STR("apiVersion", struct trace_zipkin, api_version, .limits = &api_version_limits),
    F_OPT_BOOL("sharedSpanContext", struct trace_zipkin, shared_span_context),
    F_END,
};

static const struct field datadog_fields[] = {
    F_STR("url", struct trace_datadog, url, .required = true),
    F_OPT_BOOL("splitService", struct trace_datadog, split_service),
    F_END,
};

static const struct field otel_fields[] = {
    F_STR("endpoint", struct trace_otel, endpoint, .required = true, .limits = &not_empty_text),
    F_END,
};

static const char *const backend_types[] = {NULL, "Zipkin", "Datadog", "OpenTelemetry"};
static const struct enum_names backend_type_names = {.v = backend_types, .n = ARRAY_LEN(backend_types)};

static const struct field backend_fields[] = {
    F_CHOICE("type", struct trace_backend, type, backend_type_names, .required = true),
    F_SUB("zipkin", struct trace_backend, zipkin, zipkin_fields),
    F_SUB("datadog", struct trace_backend, datadog, datadog_fields),
    F_SUB("openTelemetry", struct trace_backend, open_telemetry, otel_fields),
    F_END,
};

static const struct field sampling_fields[] = {
    F_INT_OR_STR("overall", struct trace_sampling, overall),
    F_INT_OR_STR("client", struct trace_sampling, client),
    F_INT_OR_STR("random", struct trace_sampling, random),
    F_END,
};

static const struct field header_tag_fields[] = {
    F_STR("name", struct trace_header_tag, name, .required = true),
    F_OPT_STR("default", struct trace_header_tag, default_value),
    F_END,
};

static const struct field tag_fields[] = {
    F_STR("name", struct trace_tag, name, .required = true),
    F_OPT_STR("literal", struct trace_tag, literal),
    F_SUB("header", struct trace_tag, header, header_tag_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_LIST("backends", struct mesh_trace_conf, backends, n_backends, backend_fields, .keep_empty = true),
    F_SUB("sampling", struct mesh_trace_conf, sampling, sampling_fields),
    F_LIST("tags", struct mesh_trace_conf, tags, n_tags, tag_fields, .keep_empty = true),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_trace_spec),
    F_INLINE("default", struct mesh_trace_spec, conf, conf_fields),
    F_END,
};

const struct field mesh_trace_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

/* http://host:port and nothing else. */
static void datadog_url_check(struct str text, const struct path *at, struct err *e)
{
    struct request_uri url;
    uint64_t port;

    if (!request_uri_split(text, &url)) {
        err_cause(e, at, "must be a valid url");
        return;
    }
    if (!str_eq_nocase(url.scheme, STR("http")))
        err_cause(e, at, "scheme must be http");
    if (url.port.n == 0)
        err_cause(e, at, "port must be defined");
    else if (!str_to_uint(url.port, UINT16_MAX, &port) || port == 0)
        err_cause(e, at, "port must be a valid (1-65535)");
    if (url.opaque.n > 0)
        err_cause(e, at, "opaque must not be defined");
    if (url.user.p)
        err_cause(e, at, "user must not be defined");
    if (url.path.n > 0)
        err_cause(e, at, "path must not be defined");
    if (url.query.n > 0)
        err_cause(e, at, "query must not be defined");
}

static void zipkin_url_check(struct str url, const struct path *at, struct err *e)
{
    if (url.n == 0)
        err_cause(e, at, "must not be empty");
    else if (!is_url(url))
        err_cause(e, at, "must be a valid url");
}

static void backend_check(const struct trace_backend *backend, const struct path *at, struct err *e)
{
    const struct path *at_datadog = AT_FIELD(at, "datadog"), *at_zipkin = AT_FIELD(at, "zipkin");

    if (backend->type == TRACE_DATADOG && !backend->datadog)
        err_cause(e, at_datadog, "must be defined");
    else if (backend->type == TRACE_DATADOG)
        datadog_url_check(backend->datadog->url, AT_FIELD(at_datadog, "url"), e);
    else if (backend->type == TRACE_ZIPKIN && !backend->zipkin)
        err_cause(e, at_zipkin, "must be defined");
    else if (backend->type == TRACE_ZIPKIN)
        zipkin_url_check(backend->zipkin->url, AT_FIELD(at_zipkin, "url"), e);
    else if (!backend->open_telemetry)
        err_cause(e, AT_FIELD(at, "openTelemetry"), "must be defined");
}

static void tag_check(const struct trace_tag *tag, const struct path *at, struct err *e)
{
    if (tag->name.n == 0)
        err_cause(e, AT_FIELD(at, "name"), "must not be empty");
    if ((tag->header != NULL) == (tag->literal.p != NULL))
        err_cause(e, at, "tag must have only one type defined: header, literal");
}

static void share_check(const struct int_or_str *share, const struct path *at, struct err *e)
{
    if (share->set)
        rule_percentage_texts(share, "string is not a number", "must be between 0 and 100", at, e);
}

void mesh_trace_check(const void *spec, struct err *e)
{
    const struct mesh_trace_spec *trace = spec;
    const struct mesh_trace_conf *conf = &trace->conf;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_conf = AT_FIELD(at, "default");
    const struct path *at_backends = AT_FIELD(at_conf, "backends"), *at_tags = AT_FIELD(at_conf, "tags");
    const struct path *at_sampling = AT_FIELD(at_conf, "sampling");

    rule_target_ref(&trace->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    if (!conf->backends)
        err_cause(e, at_backends, "must be defined");
    if (conf->n_backends == 1)
        backend_check(&conf->backends[0], AT_INDEX(at_backends, 0), e);
    else if (conf->n_backends > 1)
        err_cause(e, at_backends, "must have zero or one backend defined");
    for (size_t i = 0; i < conf->n_tags; i++)
        tag_check(&conf->tags[i], AT_INDEX(at_tags, i), e);
    if (!conf->sampling)
        return;
    share_check(&conf->sampling->client, AT_FIELD(at_sampling, "client"), e);
    share_check(&conf->sampling->random, AT_FIELD(at_sampling, "random"), e);
    share_check(&conf->sampling->overall, AT_FIELD(at_sampling, "overall"), e);
}
