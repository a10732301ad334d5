/* mesh_gateway.c -- MeshGateway: where builtin gateways listen, and how they end TLS. */
#include "kind.h"
#include "ursa/base/map.h"

static const char *const protocols[] = {"NONE", "TCP", NULL, "TLS", "HTTP", "HTTPS"};
static const struct enum_names protocol_names = {"kuma.mesh.v1alpha1.MeshGateway.Listener.Protocol",
                                                 protocols, ARRAY_LEN(protocols)};
static const char *const modes[] = {"NONE", "TERMINATE", "PASSTHROUGH"};
static const struct enum_names mode_names = {"kuma.mesh.v1alpha1.MeshGateway.TLS.Mode", modes,
                                             ARRAY_LEN(modes)};

struct str gateway_protocol_name(uint32_t number)
{
    return enum_name(&protocol_names, number);
}

static const struct field tls_fields[] = {
    F_ENUM("mode", struct gateway_tls, mode, mode_names),
    F_LIST("certificates", struct gateway_tls, certificates, n_certificates, data_source_fields),
    F_SUB("options", struct gateway_tls, options, empty_fields),
    F_END,
};

static const struct field resources_fields[] = {
    F_U32("connectionLimit", struct gateway_resources, connection_limit, .alias = "connection_limit"),
    F_END,
};

static const struct field listener_fields[] = {
    F_STR("hostname", struct gateway_listener, hostname),
    F_U32("port", struct gateway_listener, port),
    F_ENUM("protocol", struct gateway_listener, protocol, protocol_names),
    F_SUB("tls", struct gateway_listener, tls, tls_fields),
    F_TAGS("tags", struct gateway_listener, tags),
    F_BOOL("crossMesh", struct gateway_listener, cross_mesh),
    F_SUB("resources", struct gateway_listener, resources, resources_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_LIST("listeners", struct gateway_conf, listeners, n_listeners, listener_fields),
    F_END,
};

const struct field mesh_gateway_fields[] = {
    F_SELECTORS,
    F_TAGS("tags", struct mesh_gateway_spec, tags),
    F_SUB("conf", struct mesh_gateway_spec, conf, conf_fields),
    F_END,
};

static const char empty[] = "cannot be empty";

/* ---- a host name ---- */

static bool is_label(struct str s)
{
    if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 'a' || s.p[i] > 'z') && (s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '-')
            return false;
    return true;
}

static bool is_domain(struct str s)
{
    struct str rest = s, label;

    while (str_next(&rest, '.', &label))
        if (!is_label(label))
            return false;
    return true;
}

static void hostname_check(struct str host, const struct path *at, struct err *e)
{
    if (host.n == 0 || str_eq(host, STR("*")))
        return;
    if (str_has_prefix(host, STR("*."))) {
        if (!is_domain(str_slice(host, 2, host.n)))
            err_cause(e, at, "invalid wildcard domain");
    } else if (!is_domain(host)) {
        err_cause(e, at, "invalid hostname");
    }
}

/* ---- one listener ---- */

static void https_check(const struct gateway_listener *l, const struct path *at, struct err *e)
{
    if (l->cross_mesh)
        err_cause(e, AT_FIELD(at, "protocol"), "protocol is not supported with crossMesh");
    else if (!l->tls)
        err_cause(e, AT_FIELD(at, "tls"), empty);
    else if (l->tls->mode == GATEWAY_TLS_PASSTHROUGH)
        err_cause(e, AT_FIELD(AT_FIELD(at, "tls"), "mode"), "mode is not supported on HTTPS listeners");
}

static void tls_check(const struct gateway_tls *tls, const struct path *at, struct err *e)
{
    const struct path *at_certificates = AT_FIELD(at, "certificates");

    if (tls->mode == GATEWAY_TLS_NONE)
        err_cause(e, AT_FIELD(at, "mode"), empty);
    else if (tls->mode == GATEWAY_TLS_TERMINATE && tls->n_certificates == 0)
        err_cause(e, at_certificates, "cannot be empty in TLS termination mode");
    else if (tls->mode == GATEWAY_TLS_TERMINATE && tls->n_certificates > 2) /* RSA and ECDSA */
        err_cause(e, at_certificates, "cannot have more than 2 certificates");
}

static const struct tag_rules own_tags = {.selector = true, .no_reserved = true};

static void listener_check(const struct gateway_listener *l, const struct path *at, struct err *e)
{
    const struct path *at_tls = AT_FIELD(at, "tls");

    hostname_check(l->hostname, AT_FIELD(at, "hostname"), e);
    rule_port(l->port, AT_FIELD(at, "port"), e);
    if (l->protocol == GATEWAY_NO_PROTOCOL)
        err_cause(e, AT_FIELD(at, "protocol"), empty);
    if (l->protocol == GATEWAY_HTTPS)
        https_check(l, at, e);
    if (l->tls && !l->cross_mesh)
        tls_check(l->tls, at_tls, e);
    if (l->tls && l->cross_mesh && (l->tls->mode != GATEWAY_TLS_NONE || l->tls->n_certificates > 0))
        err_cause(e, at_tls, "must be empty with crossMesh");
    rule_tags(&own_tags, &l->tags, AT_FIELD(at, "tags"), e);
}

/* ---- listeners beside each other: those on one port become one of Envoy's ---- */

/* What the listeners on one port have in common. */
struct port {
    uint32_t protocol, limit; /* the first one's, and the first that is not 0 */
    bool protocols_differ, limits_differ;
};

static struct str host_of(const struct gateway_listener *l)
{
    return l->hostname.n > 0 ? l->hostname : STR("*");
}

static uint32_t limit_of(const struct gateway_listener *l)
{
    return l->resources ? l->resources->connection_limit : 0;
}

static struct str port_key(const struct gateway_listener *l)
{
    return str_from(&l->port, sizeof(l->port));
}

static struct str host_key(const struct gateway_listener *l, struct arena *a)
{
    return arena_printf(a, "%u " STR_FMT, l->port, STR_ARG(host_of(l)));
}

static void port_add(struct map *ports, const struct gateway_listener *l, struct arena *a)
{
    struct port *port = map_find(ports, port_key(l));
    uint32_t limit = limit_of(l);

    if (!port) {
        port = ARENA_NEW(a, struct port);
        port->protocol = l->protocol;
        map_put(ports, port_key(l), port);
    }
    port->protocols_differ |= l->protocol != port->protocol;
    port->limits_differ |= limit != 0 && port->limit != 0 && limit != port->limit;
    if (port->limit == 0)
        port->limit = limit;
}

static void rivals_check(const struct gateway_listener *v, size_t n, const struct path *at, struct err *e)
{
    static char once, twice;
    struct map ports, hosts;

    map_init(&ports);
    map_init(&hosts);
    for (size_t i = 0; i < n; i++) {
        struct str key = host_key(&v[i], e->arena);

        port_add(&ports, &v[i], e->arena);
        map_put(&hosts, key, map_find(&hosts, key) ? &twice : &once);
    }
    for (size_t i = 0; i < n; i++)
        if (((struct port *)map_find(&ports, port_key(&v[i])))->protocols_differ)
            err_cause(e, AT_INDEX(at, i), "protocol conflicts with other listeners on this port");
    for (size_t i = 0; i < n; i++)
        if (map_find(&hosts, host_key(&v[i], e->arena)) == &twice)
            err_cause(e, AT_INDEX(at, i), "multiple listeners for hostname on this port");
    for (size_t i = 0; i < n; i++)
        if (limit_of(&v[i]) != 0 && ((struct port *)map_find(&ports, port_key(&v[i])))->limits_differ)
            err_cause(e, AT_FIELD(AT_FIELD(AT_INDEX(at, i), "resources"), "connectionLimit"),
                      "conflicting values for this port");
    map_fini(&hosts);
    map_fini(&ports);
}

static bool is_cross_mesh(const struct gateway_conf *conf)
{
    for (size_t i = 0; conf && i < conf->n_listeners; i++)
        if (conf->listeners[i].cross_mesh)
            return true;
    return false;
}

void mesh_gateway_check(const void *spec, struct err *e)
{
    const struct mesh_gateway_spec *gateway = spec;
    const struct gateway_conf *conf = gateway->conf;
    const struct path *at = AT_FIELD(NULL, "conf"), *at_listeners = AT_FIELD(at, "listeners");
    struct selector_rules rules = {
        .at_least_one = true, .at_most_one = is_cross_mesh(conf), .needs_service = true};

    rule_selectors(&rules, &gateway->select, e);
    rule_tags(&own_tags, &gateway->tags, AT_FIELD(NULL, "tags"), e);
    if (!conf) {
        err_cause(e, at, empty);
        return;
    }
    if (conf->n_listeners == 0)
        err_cause(e, at_listeners, empty);
    for (size_t i = 0; i < conf->n_listeners; i++)
        listener_check(&conf->listeners[i], AT_INDEX(at_listeners, i), e);
    rivals_check(conf->listeners, conf->n_listeners, at_listeners, e);
}
