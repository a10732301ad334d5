/* mesh_backend.c -- the rules of a Mesh's logging and tracing backends. Metrics are in mesh_metrics.c. */
#include "mesh_backend.h"

#include "kind.h"
#include "ursa/base/json.h"

static const char empty[] = "cannot be empty";

void backend_name_check(struct map *seen, struct str name, const struct path *at_backend, struct err *e)
{
    if (map_put(seen, name, seen))
        err_cause(e, AT_FIELD(at_backend, "name"), STR_FMT " name is already used for another backend",
                  STR_ARG(str_quote(e->arena, name)));
}

bool conf_decode(const struct free_json *conf, const struct field *fields, void *out, const struct path *at,
                 struct err *e)
{
    struct err fault;
    json_t *parsed = NULL;

    if (!conf->text.p)
        return true;
    err_init(&fault, e->arena);
    if (json_parse(conf->text, &parsed, &fault) == ERR_NONE &&
        fields_decode(fields, parsed, NULL, e->arena, out, &fault) != ERR_NONE)
        err_cause(e, at, "could not parse config: " STR_FMT, STR_ARG(fault.text));
    json_decref(parsed);
    return fault.kind == ERR_NONE;
}

/* ---- logging ---- */

struct file_conf {
    struct str path;
};
static const struct field file_conf_fields[] = {
    F_STR("path", struct file_conf, path),
    F_END,
};

struct tcp_conf {
    struct str address;
};
static const struct field tcp_conf_fields[] = {
    F_STR("address", struct tcp_conf, address),
    F_END,
};

static void file_conf_check(const struct free_json *free, const struct path *at, struct err *e)
{
    struct file_conf conf = {0};

    if (conf_decode(free, file_conf_fields, &conf, at, e) && conf.path.n == 0)
        err_cause(e, AT_FIELD(at, "path"), empty);
}

static void tcp_conf_check(const struct free_json *free, const struct path *at, struct err *e)
{
    struct tcp_conf conf = {0};

    if (!conf_decode(free, tcp_conf_fields, &conf, at, e))
        return;
    if (conf.address.n == 0)
        err_cause(e, AT_FIELD(at, "address"), empty);
    else if (!is_host_port(conf.address))
        err_cause(e, AT_FIELD(at, "address"), "has to be in format of HOST:PORT");
}

static void logging_backend_check(const struct logging_backend *backend, const struct path *at, struct err *e)
{
    /* COMPAT: faults of 'conf' are reported at 'config', here and in tracing. */
    const struct path *at_conf = AT_FIELD(at, "config");
    struct str reason;

    if (backend->name.n == 0)
        err_cause(e, AT_FIELD(at, "name"), empty);
    if (!log_format_check(backend->format, e->arena, &reason))
        err_cause(e, AT_FIELD(at, "format"), STR_FMT, STR_ARG(reason));
    if (str_eq(backend->type, STR("file")))
        file_conf_check(&backend->conf, at_conf, e);
    else if (str_eq(backend->type, STR("tcp")))
        tcp_conf_check(&backend->conf, at_conf, e);
    else
        err_cause(e, AT_FIELD(at, "type"), "unknown backend type. Available backends: \"tcp\", \"file\"");
}

void mesh_logging_check(const struct mesh_logging *logging, const struct path *at, struct err *e)
{
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < logging->n_backends; i++) {
        const struct path *at_backend = AT_INDEX(AT_FIELD(at, "backends"), i);

        logging_backend_check(&logging->backends[i], at_backend, e);
        backend_name_check(&seen, logging->backends[i].name, at_backend, e);
    }
    if (logging->default_backend.n > 0 && !map_find(&seen, logging->default_backend))
        err_cause(e, AT_FIELD(at, "defaultBackend"), "has to be set to one of the logging backend in mesh");
    map_fini(&seen);
}

/* ---- tracing ---- */

struct zipkin_conf {
    struct str url, api_version;
    bool trace_id_128bit;
    struct opt_bool shared_span_context;
};
static const struct field zipkin_conf_fields[] = {
    F_STR("url", struct zipkin_conf, url),
    F_BOOL("traceId128bit", struct zipkin_conf, trace_id_128bit),
    F_STR("apiVersion", struct zipkin_conf, api_version),
    F_OPT_BOOL("sharedSpanContext", struct zipkin_conf, shared_span_context),
    F_END,
};

struct datadog_conf {
    struct str address;
    uint32_t port;
    bool split_service;
};
static const struct field datadog_conf_fields[] = {
    F_STR("address", struct datadog_conf, address),
    F_U32("port", struct datadog_conf, port),
    F_BOOL("splitService", struct datadog_conf, split_service),
    F_END,
};

static bool is_zipkin_version(struct str s)
{
    return s.n == 0 || str_eq(s, STR("httpJsonV1")) || str_eq(s, STR("httpJson")) ||
           str_eq(s, STR("httpProto"));
}

static void zipkin_conf_check(const struct free_json *free, const struct path *at, struct err *e)
{
    const struct path *at_url = AT_FIELD(at, "url");
    struct zipkin_conf conf = {0};
    struct str port;

    if (!conf_decode(free, zipkin_conf_fields, &conf, at, e))
        return;
    if (!is_zipkin_version(conf.api_version))
        err_cause(e, AT_FIELD(at, "apiVersion"),
                  "has invalid value. Allowed values: httpJsonV1, httpJson, httpProto");
    if (conf.url.n == 0)
        err_cause(e, at_url, empty);
    else if (!is_request_uri(conf.url, &port))
        err_cause(e, at_url, "invalid URL");
    else if (port.n == 0)
        err_cause(e, at_url, "port has to be explicitly specified");
}

static void datadog_conf_check(const struct free_json *free, const struct path *at, struct err *e)
{
    struct datadog_conf conf = {0};

    if (!conf_decode(free, datadog_conf_fields, &conf, at, e))
        return;
    if (conf.address.n == 0)
        err_cause(e, AT_FIELD(at, "address"), empty);
    rule_port(conf.port, AT_FIELD(at, "port"), e);
}

static void tracing_backend_check(const struct tracing_backend *backend, const struct path *at, struct err *e)
{
    const struct path *at_conf = AT_FIELD(at, "config");

    if (backend->name.n == 0)
        err_cause(e, AT_FIELD(at, "name"), empty);
    if (backend->sampling.v < 0 || backend->sampling.v > 100)
        err_cause(e, AT_FIELD(at, "sampling"), "has to be in [0.0 - 100.0] range");
    if (str_eq(backend->type, STR("zipkin")))
        zipkin_conf_check(&backend->conf, at_conf, e);
    else if (str_eq(backend->type, STR("datadog")))
        datadog_conf_check(&backend->conf, at_conf, e);
    else
        err_cause(e, AT_FIELD(at, "type"),
                  "unknown backend type. Available backends: \"zipkin\", \"datadog\"");
}

void mesh_tracing_check(const struct mesh_tracing *tracing, const struct path *at, struct err *e)
{
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < tracing->n_backends; i++) {
        const struct path *at_backend = AT_INDEX(AT_FIELD(at, "backends"), i);

        tracing_backend_check(&tracing->backends[i], at_backend, e);
        backend_name_check(&seen, tracing->backends[i].name, at_backend, e);
    }
    if (tracing->default_backend.n > 0 && !map_find(&seen, tracing->default_backend))
        err_cause(e, AT_FIELD(at, "defaultBackend"), "has to be set to one of the tracing backend in mesh");
    map_fini(&seen);
}
