/* mesh_access_log.c -- MeshAccessLog: where calls are written down, and how. */
#include "target.h"
#include "ursa/base/json.h"

static const struct field log_field_fields[] = {
    F_STR("key", struct log_field, key),
    F_STR("value", struct log_field, value),
    F_END,
};

static const char *const formats[] = {NULL, "Plain", "Json"};
static const struct enum_names format_names = {.v = formats, .n = ARRAY_LEN(formats)};

static const struct field format_fields[] = {
    F_CHOICE("type", struct log_format, type, format_names, .required = true),
    F_OPT_STR("plain", struct log_format, plain),
    F_LIST("json", struct log_format, json, n_json, log_field_fields, .keep_empty = true),
    F_OPT_BOOL("omitEmptyValues", struct log_format, omit_empty_values),
    F_END,
};

static const struct field tcp_fields[] = {
    F_SUB("format", struct log_tcp, format, format_fields),
    F_STR("address", struct log_tcp, address, .required = true),
    F_END,
};

static const struct field file_fields[] = {
    F_SUB("format", struct log_file, format, format_fields),
    F_STR("path", struct log_file, path, .required = true),
    F_END,
};

static const struct field otel_fields[] = {
    F_LIST("attributes", struct log_otel, attributes, n_attributes, log_field_fields),
    F_ANY("body", struct log_otel, body),
    F_STR("endpoint", struct log_otel, endpoint, .required = true, .limits = &not_empty_text),
    F_END,
};

static const char *const backend_types[] = {NULL, "Tcp", "File", "OpenTelemetry"};
static const struct enum_names backend_type_names = {.v = backend_types, .n = ARRAY_LEN(backend_types)};

static const struct field backend_fields[] = {
    F_CHOICE("type", struct log_backend, type, backend_type_names, .required = true),
    F_SUB("tcp", struct log_backend, tcp, tcp_fields),
    F_SUB("file", struct log_backend, file, file_fields),
    F_SUB("openTelemetry", struct log_backend, open_telemetry, otel_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_LIST("backends", struct mesh_access_log_conf, backends, n_backends, backend_fields, .keep_empty = true),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_access_log_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_access_log_spec),
    F_LIST("to", struct mesh_access_log_spec, to, n_to, item_fields),
    F_LIST("from", struct mesh_access_log_spec, from, n_from, item_fields),
    F_END,
};

const struct field mesh_access_log_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

/* Put between quotes as they are, do key and value make a JSON object? */
static bool is_json_pair(const struct log_field *field, struct arena *a)
{
    struct str text =
        arena_printf(a, "{\"" STR_FMT "\": \"" STR_FMT "\"}", STR_ARG(field->key), STR_ARG(field->value));
    json_t *ignored = NULL;
    struct err fault;

    err_init(&fault, a);
    bool is_one = json_parse(text, &ignored, &fault) == ERR_NONE;
    json_decref(ignored);
    return is_one;
}

static void json_format_check(const struct log_format *format, const struct path *at, struct err *e)
{
    if (!format->json)
        err_cause(e, at, "must be defined");
    else if (format->n_json == 0)
        err_cause(e, at, "must not be empty");
    for (size_t i = 0; i < format->n_json; i++) {
        const struct log_field *field = &format->json[i];
        const struct path *at_field = AT_INDEX(at, i);

        if (field->key.n == 0)
            err_cause(e, AT_FIELD(at_field, "key"), "key cannot be empty");
        if (field->value.n == 0)
            err_cause(e, AT_FIELD(at_field, "value"), "value cannot be empty");
        if (!is_json_pair(field, e->arena))
            err_cause(e, at_field, "is not a valid JSON object");
    }
}

static void format_check(const struct log_format *format, const struct path *at, struct err *e)
{
    const struct path *at_plain = AT_FIELD(at, "plain");

    if (!format)
        return;
    if (format->type == LOG_FORMAT_JSON)
        json_format_check(format, AT_FIELD(at, "json"), e);
    else if (!format->plain.p)
        err_cause(e, at_plain, "must be defined");
    else if (format->plain.n == 0)
        err_cause(e, at_plain, "must not be empty");
}

static void file_check(const struct log_file *file, const struct path *at, struct err *e)
{
    format_check(file->format, AT_FIELD(at, "format"), e);
    if (!is_file_path(file->path))
        err_cause(e, AT_FIELD(at, "path"), "file backend requires a valid path");
}

static void tcp_check(const struct log_tcp *tcp, const struct path *at, struct err *e)
{
    format_check(tcp->format, AT_FIELD(at, "format"), e);
    if (!is_url(tcp->address))
        err_cause(e, AT_FIELD(at, "address"), "tcp backend requires valid address");
}

static void backend_check(const struct log_backend *backend, const struct path *at, struct err *e)
{
    const struct path *at_file = AT_FIELD(at, "file"), *at_tcp = AT_FIELD(at, "tcp");

    if (backend->type == LOG_BACKEND_FILE && !backend->file)
        err_cause(e, at_file, "must be defined");
    else if (backend->type == LOG_BACKEND_FILE)
        file_check(backend->file, at_file, e);
    else if (backend->type == LOG_BACKEND_TCP && !backend->tcp)
        err_cause(e, at_tcp, "must be defined");
    else if (backend->type == LOG_BACKEND_TCP)
        tcp_check(backend->tcp, at_tcp, e);
    else if (!backend->open_telemetry)
        err_cause(e, AT_FIELD(at, "openTelemetry"), "must be defined");
}

static void items_check(const struct mesh_access_log_item *items, size_t n, unsigned kinds,
                        const struct path *at, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct mesh_access_log_conf *conf = &items[i].conf;
        const struct path *at_item = AT_INDEX(at, i);
        const struct path *at_backends = AT_FIELD(AT_FIELD(at_item, "default"), "backends");

        rule_target_ref(&items[i].target_ref, kinds, AT_FIELD(at_item, "targetRef"), e);
        if (!conf->backends)
            err_cause(e, at_backends, "must be defined");
        for (size_t k = 0; k < conf->n_backends; k++)
            backend_check(&conf->backends[k], AT_INDEX(at_backends, k), e);
    }
}

void mesh_access_log_check(const void *spec, struct err *e)
{
    const struct mesh_access_log_spec *log = spec;
    const struct path *at = AT_FIELD(NULL, "spec");

    rule_target_ref(&log->target_ref, TARGETS_PROXIES | TARGETS(MESH_GATEWAY), AT_FIELD(at, "targetRef"), e);
    rule_to_or_from_needed(log->n_to, log->n_from, e);
    items_check(log->to, log->n_to, TARGETS(MESH) | TARGETS(MESH_SERVICE), AT_FIELD(at, "to"), e);
    items_check(log->from, log->n_from, TARGETS(MESH), AT_FIELD(at, "from"), e);
}
