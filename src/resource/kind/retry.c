/* retry.c -- Retry: when and how often a failed call is made again. */
#include <stdlib.h>

#include "kind.h"
#include "ursa/base/buf.h"

static const char *const methods[] = {"NONE",    "CONNECT", "DELETE", "GET", "HEAD",
                                      "OPTIONS", "PATCH",   "POST",   "PUT", "TRACE"};
const struct enum_names http_method_names = {"kuma.mesh.v1alpha1.HttpMethod", methods, ARRAY_LEN(methods)};
enum { METHOD_NONE = 0 };

static const char *const http_conditions[] = {
    "all_5xx",
    "gateway_error",
    "reset",
    "connect_failure",
    "envoy_ratelimited",
    "retriable_4xx",
    "refused_stream",
    "retriable_status_codes",
    "retriable_headers",
    "http3_post_connect_failure",
};
static const struct enum_names http_on_names = {"kuma.mesh.v1alpha1.HttpRetryOn", http_conditions,
                                                ARRAY_LEN(http_conditions)};
enum { HTTP_ON_RETRIABLE_STATUS_CODES = 7 };

static const char *const grpc_conditions[] = {"cancelled", "deadline_exceeded", "internal",
                                              "resource_exhausted", "unavailable"};
static const struct enum_names grpc_on_names = {"kuma.mesh.v1alpha1.Retry.Conf.Grpc.RetryOn", grpc_conditions,
                                                ARRAY_LEN(grpc_conditions)};

struct str retry_method_name(uint32_t number)
{
    return enum_name(&http_method_names, number);
}

struct str retry_http_on_name(uint32_t number)
{
    return enum_name(&http_on_names, number);
}

struct str retry_grpc_on_name(uint32_t number)
{
    return enum_name(&grpc_on_names, number);
}

static const struct field back_off_fields[] = {
    F_DURATION("baseInterval", struct back_off, base_interval, .alias = "base_interval"),
    F_DURATION("maxInterval", struct back_off, max_interval, .alias = "max_interval"),
    F_END,
};

static const struct field http_fields[] = {
    F_OPT_U32("numRetries", struct retry_http, num_retries, .alias = "num_retries"),
    F_DURATION("perTryTimeout", struct retry_http, per_try_timeout, .alias = "per_try_timeout"),
    F_SUB("backOff", struct retry_http, back_off, back_off_fields, .alias = "back_off"),
    F_U32_LIST("retriableStatusCodes", struct retry_http, retriable_status_codes,
               .alias = "retriable_status_codes"),
    F_ENUM_LIST("retriableMethods", struct retry_http, retriable_methods, http_method_names,
                .alias = "retriable_methods"),
    F_ENUM_LIST("retryOn", struct retry_http, retry_on, http_on_names, .alias = "retry_on"),
    F_END,
};

static const struct field tcp_fields[] = {
    F_U32("maxConnectAttempts", struct retry_tcp, max_connect_attempts, .alias = "max_connect_attempts"),
    F_END,
};

static const struct field grpc_fields[] = {
    F_ENUM_LIST("retryOn", struct retry_grpc, retry_on, grpc_on_names, .alias = "retry_on"),
    F_OPT_U32("numRetries", struct retry_grpc, num_retries, .alias = "num_retries"),
    F_DURATION("perTryTimeout", struct retry_grpc, per_try_timeout, .alias = "per_try_timeout"),
    F_SUB("backOff", struct retry_grpc, back_off, back_off_fields, .alias = "back_off"),
    F_END,
};

static const struct field conf_fields[] = {
    F_SUB("http", struct retry_conf, http, http_fields),
    F_SUB("tcp", struct retry_conf, tcp, tcp_fields),
    F_SUB("grpc", struct retry_conf, grpc, grpc_fields),
    F_END,
};

const struct field retry_fields[] = {
    F_POLICY_SELECTORS,
    F_SUB("conf", struct retry_spec, conf, conf_fields),
    F_END,
};

static const char not_zero[] = "has to be greater than 0 when defined";

static void back_off_check(const struct back_off *back_off, const struct path *at, struct err *e)
{
    const struct path *at_base = AT_FIELD(at, "baseInterval");

    if (!back_off)
        return;
    if (!back_off->base_interval.set)
        err_cause(e, at_base, "has to be defined");
    else if (back_off->base_interval.ns == 0)
        err_cause(e, at_base, "has to be greater than 0");
    else
        rule_duration_not_zero(back_off->max_interval, not_zero, AT_FIELD(at, "maxInterval"), e);
}

static void http_check(const struct retry_http *http, const struct path *at, struct err *e)
{
    if (!http->num_retries.set && !http->per_try_timeout.set && !http->back_off &&
        http->retriable_status_codes.n == 0 && http->retriable_methods.n == 0 && http->retry_on.n == 0)
        err_cause(e, at, "field cannot be empty");
    rule_u32_not_zero(http->num_retries, not_zero, AT_FIELD(at, "numRetries"), e);
    rule_duration_not_zero(http->per_try_timeout, not_zero, AT_FIELD(at, "perTryTimeout"), e);
    back_off_check(http->back_off, AT_FIELD(at, "backOff"), e);
    for (size_t i = 0; i < http->retriable_methods.n; i++)
        if (http->retriable_methods.v[i] == METHOD_NONE)
            err_cause(e, AT_INDEX(AT_FIELD(at, "retriableMethods"), i), "field cannot be empty");
    for (size_t i = 0; i < http->retry_on.n; i++)
        if (http->retry_on.v[i] == HTTP_ON_RETRIABLE_STATUS_CODES && http->retriable_status_codes.n == 0)
            err_cause(e, AT_INDEX(AT_FIELD(at, "retryOn"), i),
                      "retriableStatusCodes cannot be empty when this option is specified");
}

struct occurrence {
    uint32_t value;
    size_t index;
};

static int by_value(const void *a, const void *b)
{
    const struct occurrence *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int by_text(const void *a, const void *b)
{
    const struct str *x = a, *y = b;

    return str_cmp(*x, *y);
}

/* repeated value "x" at indexes [0, 2] */
static struct str repetition(const struct occurrence *v, size_t n, struct arena *a)
{
    struct str name = enum_name(&grpc_on_names, v[0].value), text;
    struct buf b;

    if (!name.p)
        name = arena_printf(a, "%d", (int)v[0].value);
    buf_init(&b, BUF_MAX_RESOURCE);
    buf_printf(&b, "repeated value \"" STR_FMT "\" at indexes [", STR_ARG(name));
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%zu", i ? ", " : "", v[i].index);
    buf_add_byte(&b, ']');
    text = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

/* One fault a value, sorted by text. */
static void repetitions_check(const struct u32_list *list, const struct path *at, struct err *e)
{
    struct occurrence *v = ARENA_ARRAY(e->arena, struct occurrence, list->n);
    struct str *texts = ARENA_ARRAY(e->arena, struct str, list->n);
    size_t n_texts = 0;

    for (size_t i = 0; i < list->n; i++)
        v[i] = (struct occurrence){.value = list->v[i], .index = i};
    qsort(v, list->n, sizeof(v[0]), by_value);
    for (size_t i = 0, end; i < list->n; i = end) {
        for (end = i + 1; end < list->n && v[end].value == v[i].value; end++)
            ;
        if (end - i > 1)
            texts[n_texts++] = repetition(v + i, end - i, e->arena);
    }
    qsort(texts, n_texts, sizeof(texts[0]), by_text);
    for (size_t i = 0; i < n_texts; i++)
        err_cause(e, at, STR_FMT, STR_ARG(texts[i]));
}

static void grpc_check(const struct retry_grpc *grpc, const struct path *at, struct err *e)
{
    if (!grpc->num_retries.set && !grpc->per_try_timeout.set && !grpc->back_off && grpc->retry_on.n == 0)
        err_cause(e, at, "field cannot be empty");
    repetitions_check(&grpc->retry_on, AT_FIELD(at, "retryOn"), e);
    rule_u32_not_zero(grpc->num_retries, not_zero, AT_FIELD(at, "numRetries"), e);
    rule_duration_not_zero(grpc->per_try_timeout, not_zero, AT_FIELD(at, "perTryTimeout"), e);
    back_off_check(grpc->back_off, AT_FIELD(at, "backOff"), e);
}

void retry_check(const void *spec, struct err *e)
{
    const struct retry_spec *retry = spec;
    const struct retry_conf *conf = retry->conf;
    const struct path *at = AT_FIELD(NULL, "conf");

    rule_selectors_a(&retry->select, e);
    if (!conf) {
        err_cause(e, at, "has to be defined");
        return;
    }
    if (!conf->http && !conf->grpc && !conf->tcp)
        err_cause(e, at, "missing protocol [grpc|http|tcp] configuration");
    if (conf->http)
        http_check(conf->http, AT_FIELD(at, "http"), e);
    if (conf->grpc)
        grpc_check(conf->grpc, AT_FIELD(at, "grpc"), e);
    if (conf->tcp && conf->tcp->max_connect_attempts == 0)
        err_cause(e, AT_FIELD(AT_FIELD(at, "tcp"), "maxConnectAttempts"), "has to be greater than 0");
}
