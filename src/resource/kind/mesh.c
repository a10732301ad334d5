/* mesh.c -- Mesh: what it looks like, and the rules of mTLS, constraints and routing. Its backends' confs are
 * in mesh_backend.c, who may join it in membership.c. */
#include "kind.h"
#include "mesh_backend.h"

static const char *const ca_modes[] = {"STRICT", "PERMISSIVE"};
static const struct enum_names ca_mode_names = {"kuma.mesh.v1alpha1.CertificateAuthorityBackend.Mode",
                                                ca_modes, ARRAY_LEN(ca_modes)};

static const struct field rotation_fields[] = {
    F_STR("expiration", struct dp_cert_rotation, expiration),
    F_END,
};

static const struct field dp_cert_fields[] = {
    F_SUB("rotation", struct dp_cert, rotation, rotation_fields),
    F_DURATION("requestTimeout", struct dp_cert, request_timeout),
    F_END,
};

static const struct field root_chain_fields[] = {
    F_DURATION("requestTimeout", struct root_chain, request_timeout),
    F_END,
};

static const struct field ca_backend_fields[] = {
    F_STR("name", struct ca_backend, name),
    F_STR("type", struct ca_backend, type),
    F_SUB("dpCert", struct ca_backend, dp_cert, dp_cert_fields),
    F_FREE("conf", struct ca_backend, conf),
    F_ENUM("mode", struct ca_backend, mode, ca_mode_names),
    F_SUB("rootChain", struct ca_backend, root_chain, root_chain_fields),
    F_END,
};

static const struct field mtls_fields[] = {
    F_STR("enabledBackend", struct mesh_mtls, enabled_backend),
    F_LIST("backends", struct mesh_mtls, backends, n_backends, ca_backend_fields),
    F_END,
};

static const struct field tracing_backend_fields[] = {
    F_STR("name", struct tracing_backend, name),
    F_OPT_DOUBLE("sampling", struct tracing_backend, sampling),
    F_STR("type", struct tracing_backend, type),
    F_FREE("conf", struct tracing_backend, conf),
    F_END,
};

static const struct field tracing_fields[] = {
    F_STR("defaultBackend", struct mesh_tracing, default_backend),
    F_LIST("backends", struct mesh_tracing, backends, n_backends, tracing_backend_fields),
    F_END,
};

static const struct field logging_backend_fields[] = {
    F_STR("name", struct logging_backend, name),
    F_STR("format", struct logging_backend, format),
    F_STR("type", struct logging_backend, type),
    F_FREE("conf", struct logging_backend, conf),
    F_END,
};

static const struct field logging_fields[] = {
    F_STR("defaultBackend", struct mesh_logging, default_backend),
    F_LIST("backends", struct mesh_logging, backends, n_backends, logging_backend_fields),
    F_END,
};

const struct field metrics_backend_fields[] = {
    F_STR("name", struct metrics_backend, name),
    F_STR("type", struct metrics_backend, type),
    F_FREE("conf", struct metrics_backend, conf),
    F_END,
};

static const struct field metrics_fields[] = {
    F_STR("enabledBackend", struct mesh_metrics, enabled_backend),
    F_LIST("backends", struct mesh_metrics, backends, n_backends, metrics_backend_fields),
    F_END,
};

static const struct field outbound_fields[] = {
    F_OPT_BOOL("passthrough", struct mesh_outbound, passthrough),
    F_END,
};

static const struct field networking_fields[] = {
    F_SUB("outbound", struct mesh_networking, outbound, outbound_fields),
    F_END,
};

static const struct field routing_fields[] = {
    F_BOOL("localityAwareLoadBalancing", struct mesh_routing, locality_aware_load_balancing),
    F_BOOL("zoneEgress", struct mesh_routing, zone_egress),
    F_END,
};

static const struct field tag_rule_fields[] = {
    F_TAGS("tags", struct tag_rule, tags),
    F_END,
};

static const struct field proxy_constraints_fields[] = {
    F_LIST("requirements", struct proxy_constraints, requirements, n_requirements, tag_rule_fields),
    F_LIST("restrictions", struct proxy_constraints, restrictions, n_restrictions, tag_rule_fields),
    F_END,
};

static const struct field constraints_fields[] = {
    F_SUB("dataplaneProxy", struct mesh_constraints, dataplane_proxy, proxy_constraints_fields),
    F_END,
};

const struct field mesh_fields[] = {
    F_SUB("mtls", struct mesh_spec, mtls, mtls_fields),
    F_SUB("tracing", struct mesh_spec, tracing, tracing_fields),
    F_SUB("logging", struct mesh_spec, logging, logging_fields),
    F_SUB("metrics", struct mesh_spec, metrics, metrics_fields),
    F_SUB("networking", struct mesh_spec, networking, networking_fields),
    F_SUB("routing", struct mesh_spec, routing, routing_fields),
    F_SUB("constraints", struct mesh_spec, constraints, constraints_fields),
    F_STR_LIST("skipCreatingInitialPolicies", struct mesh_spec, skip_creating_initial_policies),
    F_END,
};

/* ---- rules ---- */

static void mtls_check(const struct mesh_spec *mesh, const struct path *at, struct err *e)
{
    const struct mesh_mtls *mtls = mesh->mtls;
    const struct path *at_backends = AT_FIELD(at, "backends");
    struct map seen;

    if (mtls->n_backends > 2) /* the one to change to, beside the one that is in use */
        err_cause(e, at_backends, "cannot have more than 2 backends");
    map_init(&seen);
    for (size_t i = 0; i < mtls->n_backends; i++)
        backend_name_check(&seen, mtls->backends[i].name, AT_INDEX(at_backends, i), e);
    map_fini(&seen);
    if (mtls->enabled_backend.n > 0 && !mesh_enabled_backend(mesh))
        err_cause(e, AT_FIELD(at, "enabledBackend"), "has to be set to one of the backends in the mesh");
    for (size_t i = 0; i < mtls->n_backends; i++) {
        const struct dp_cert *cert = mtls->backends[i].dp_cert;
        int64_t ns;

        if (cert && !(cert->rotation && ca_duration_parse(cert->rotation->expiration, &ns)))
            /* COMPAT: spelt like this, and without the backend's index. */
            err_cause(e, AT_FIELD(AT_FIELD(AT_FIELD(at, "dpcert"), "rotation"), "expiration"),
                      "has to be a valid format");
    }
}

static void tag_rules_check(const struct tag_rule *rules, size_t n, const struct path *at, struct err *e)
{
    static const struct tag_rules constraint = {.selector = true, .at_least_one = true};

    for (size_t i = 0; i < n; i++)
        rule_tags(&constraint, &rules[i].tags, AT_FIELD(AT_INDEX(at, i), "tags"), e);
}

static void constraints_check(const struct mesh_constraints *constraints, struct err *e)
{
    const struct proxy_constraints *proxy = constraints->dataplane_proxy;
    const struct path *at = AT_FIELD(AT_FIELD(NULL, "constraints"), "dataplaneProxy");

    if (!proxy)
        return;
    tag_rules_check(proxy->requirements, proxy->n_requirements, AT_FIELD(at, "requirements"), e);
    tag_rules_check(proxy->restrictions, proxy->n_restrictions, AT_FIELD(at, "restrictions"), e);
}

void mesh_check(const void *spec, struct err *e)
{
    const struct mesh_spec *mesh = spec;

    if (mesh->mtls)
        mtls_check(mesh, AT_FIELD(NULL, "mtls"), e);
    if (mesh->logging)
        mesh_logging_check(mesh->logging, AT_FIELD(NULL, "logging"), e);
    if (mesh->tracing)
        mesh_tracing_check(mesh->tracing, AT_FIELD(NULL, "tracing"), e);
    if (mesh->metrics)
        mesh_metrics_check(mesh->metrics, AT_FIELD(NULL, "metrics"), e);
    if (mesh->constraints)
        constraints_check(mesh->constraints, e);
    if (mesh->routing && mesh->routing->zone_egress && (!mesh->mtls || mesh->mtls->enabled_backend.n == 0))
        err_cause(e, AT_FIELD(NULL, "mtls"), "has to be set when zoneEgress enabled");
}

/* ---- for others ---- */

const struct ca_backend *mesh_enabled_backend(const struct mesh_spec *mesh)
{
    const struct mesh_mtls *mtls = mesh->mtls;

    if (!mtls || mtls->enabled_backend.n == 0)
        return NULL;
    for (size_t i = 0; i < mtls->n_backends; i++)
        if (str_eq(mtls->backends[i].name, mtls->enabled_backend))
            return &mtls->backends[i];
    return NULL;
}

bool ca_duration_parse(struct str s, int64_t *ns)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {
        {"y", INT64_C(365) * 24 * 3600 * 1000},
        {"w", INT64_C(7) * 24 * 3600 * 1000},
        {"d", INT64_C(24) * 3600 * 1000},
        {"h", 3600 * 1000},
        {"m", 60 * 1000},
        {"s", 1000},
        {"ms", 1},
    };
    size_t n_digits = 0;
    int64_t number;

    if (str_eq(s, STR("0"))) {
        *ns = 0;
        return true;
    }
    while (n_digits < s.n && s.p[n_digits] >= '0' && s.p[n_digits] <= '9')
        n_digits++;
    struct str unit = str_slice(s, n_digits, s.n);

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_eq(unit, str_from_c(units[i].unit))) {
            int64_t unit_ns = units[i].ms * 1000000;

            if (!str_to_int(str_slice(s, 0, n_digits), 0, INT64_MAX / unit_ns, &number))
                return false;
            *ns = number * unit_ns;
            return true;
        }
    return false;
}
