/* mesh_metrics.c -- metrics backends of Meshes and Dataplanes: the Prometheus conf, its rules and its
 * defaults. */
#include <string.h>

#include "kind.h"
#include "mesh_backend.h"
#include "ursa/base/json.h"

enum tls_mode { TLS_ACTIVE_MTLS_BACKEND, TLS_PROVIDED, TLS_DISABLED };
static const char *const tls_modes[] = {"activeMTLSBackend", "providedTLS", "disabled"};
static const struct enum_names tls_mode_names = {"kuma.mesh.v1alpha1.PrometheusTlsConfig.Mode", tls_modes,
                                                 ARRAY_LEN(tls_modes)};

struct aggregate_conf {
    struct str name, path, address;
    uint32_t port;
    struct opt_bool enabled;
};
static const struct field aggregate_fields[] = {
    F_STR("name", struct aggregate_conf, name),       F_U32("port", struct aggregate_conf, port),
    F_STR("path", struct aggregate_conf, path),       F_OPT_BOOL("enabled", struct aggregate_conf, enabled),
    F_STR("address", struct aggregate_conf, address), F_END,
};

struct envoy_conf {
    struct str filter_regex;
    struct opt_bool used_only;
};
static const struct field envoy_fields[] = {
    F_STR("filterRegex", struct envoy_conf, filter_regex),
    F_OPT_BOOL("usedOnly", struct envoy_conf, used_only),
    F_END,
};

struct tls_conf {
    uint32_t mode;
};
static const struct field tls_fields[] = {
    F_ENUM("mode", struct tls_conf, mode, tls_mode_names),
    F_END,
};

struct prometheus_conf {
    uint32_t port;
    struct str path;
    struct tags tags;
    struct opt_bool skip_mtls;
    struct aggregate_conf *aggregate;
    size_t n_aggregate;
    struct envoy_conf *envoy;
    struct tls_conf *tls;
};
static const struct field prometheus_fields[] = {
    F_U32("port", struct prometheus_conf, port),
    F_STR("path", struct prometheus_conf, path),
    F_TAGS("tags", struct prometheus_conf, tags),
    F_OPT_BOOL("skipMTLS", struct prometheus_conf, skip_mtls),
    F_LIST("aggregate", struct prometheus_conf, aggregate, n_aggregate, aggregate_fields),
    F_SUB("envoy", struct prometheus_conf, envoy, envoy_fields),
    F_SUB("tls", struct prometheus_conf, tls, tls_fields),
    F_END,
};

/* ---- rules ---- */

static bool is_prometheus(const struct metrics_backend *backend)
{
    return str_eq(backend->type, STR("prometheus"));
}

static void aggregate_check(const struct prometheus_conf *conf, const struct path *at, struct err *e)
{
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < conf->n_aggregate; i++)
        if (map_put(&seen, conf->aggregate[i].name, &seen))
            err_cause(e, AT_FIELD(AT_INDEX(at, i), "name"),
                      "duplicate entry: " STR_FMT ", values have to be unique",
                      STR_ARG(conf->aggregate[i].name));
    map_fini(&seen);
}

/* The first kind of fault hides the others. */
static void prometheus_check(const struct free_json *free, const struct path *at, struct err *e)
{
    struct prometheus_conf conf = {0};
    struct str reason;

    if (!conf_decode(free, prometheus_fields, &conf, at, e))
        return;
    if (conf.skip_mtls.set && conf.tls &&
        conf.tls->mode != (conf.skip_mtls.v ? TLS_DISABLED : TLS_ACTIVE_MTLS_BACKEND))
        err_cause(e, at, "skipMTLS and tls configuration cannot be defined together");
    else if (conf.envoy && !regex_check(conf.envoy->filter_regex, e->arena, &reason))
        err_cause(e, AT_FIELD(AT_FIELD(at, "envoy"), "filterRegex"),
                  "provided regexp isn't correct: " STR_FMT, STR_ARG(reason));
    else
        aggregate_check(&conf, AT_FIELD(at, "aggregate"), e);
}

void metrics_backend_check(const struct metrics_backend *backend, const struct path *at, struct err *e)
{
    if (is_prometheus(backend))
        prometheus_check(&backend->conf, AT_FIELD(at, "conf"), e);
    else
        err_cause(e, AT_FIELD(at, "type"), "unknown backend type. Available backends: \"prometheus\"");
}

void mesh_metrics_check(const struct mesh_metrics *metrics, const struct path *at, struct err *e)
{
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < metrics->n_backends; i++) {
        const struct path *at_backend = AT_INDEX(AT_FIELD(at, "backends"), i);

        backend_name_check(&seen, metrics->backends[i].name, at_backend, e);
        metrics_backend_check(&metrics->backends[i], at_backend, e);
    }
    if (metrics->enabled_backend.n > 0 && !map_find(&seen, metrics->enabled_backend))
        err_cause(e, AT_FIELD(at, "enabledBackend"), "has to be set to one of the backends in the mesh");
    map_fini(&seen);
}

/* ---- defaults ---- */

/* The conf with all defaults filled in, as canonical text; the text as it was when it cannot be read (a check
 * has said so). */
static struct str conf_with_defaults(const struct free_json *free, struct arena *a)
{
    static struct tag service = {.key = STR_INIT("kuma.io/service"), .value = STR_INIT("dataplane-metrics")};
    struct prometheus_conf conf = {0};
    struct tls_conf tls = {0};
    struct err e;

    err_init(&e, a);
    if (!conf_decode(free, prometheus_fields, &conf, NULL, &e))
        return free->text;
    if (!conf.tls) {
        tls.mode = conf.skip_mtls.v ? TLS_DISABLED : TLS_ACTIVE_MTLS_BACKEND;
        conf.tls = &tls;
    }
    if (conf.port == 0)
        conf.port = 5670;
    if (conf.path.n == 0)
        conf.path = STR("/metrics");
    if (conf.tags.n == 0)
        conf.tags = (struct tags){.v = &service, .n = 1};
    JSON_AUTO tree = fields_encode(prometheus_fields, &conf, a);
    return json_format_canonical(a, tree);
}

struct resource *mesh_apply_defaults(struct resource *r)
{
    struct mesh_spec spec = *resource_mesh(r);
    struct mesh_metrics metrics;
    struct arena a;
    bool changed = false;

    if (!spec.metrics)
        return resource_ref(r);
    arena_init(&a);
    metrics = *spec.metrics;
    metrics.backends = ARENA_ARRAY(&a, struct metrics_backend, metrics.n_backends);
    for (size_t i = 0; i < metrics.n_backends; i++) {
        struct metrics_backend *backend = &metrics.backends[i];

        *backend = spec.metrics->backends[i];
        if (!is_prometheus(backend))
            continue;
        backend->conf.text = conf_with_defaults(&backend->conf, &a);
        changed |= !str_eq(backend->conf.text, spec.metrics->backends[i].conf.text);
    }
    spec.metrics = &metrics;
    struct resource *made = changed ? resource_with_spec(r, &spec) : resource_ref(r);
    arena_fini(&a);
    return made;
}
