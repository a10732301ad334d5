/* proxy_template.c -- ProxyTemplate: Envoy resources and changes to them, in Envoy's own words. */
#include "kind.h"

static const struct field raw_resource_fields[] = {
    F_STR("name", struct raw_resource, name),
    F_STR("version", struct raw_resource, version),
    F_STR("resource", struct raw_resource, resource),
    F_END,
};

#define F_MATCH_ORIGIN_AND_NAME                                                                              \
    F_STR("origin", struct modification_match, origin), F_STR("name", struct modification_match, name)

static const struct field cluster_match_fields[] = {
    F_MATCH_ORIGIN_AND_NAME,
    F_END,
};

static const struct field listener_match_fields[] = {
    F_MATCH_ORIGIN_AND_NAME,
    F_TAGS("tags", struct modification_match, tags),
    F_END,
};

static const struct field filter_match_fields[] = {
    F_MATCH_ORIGIN_AND_NAME,
    F_STR("listenerName", struct modification_match, listener_name),
    F_TAGS("listenerTags", struct modification_match, tags),
    F_END,
};

static const struct field virtual_host_match_fields[] = {
    F_MATCH_ORIGIN_AND_NAME,
    F_STR("routeConfigurationName", struct modification_match, route_configuration_name),
    F_END,
};

#define MODIFICATION_FIELDS(match_fields)                                                                    \
    {                                                                                                        \
        F_SUB("match", struct modification, match, match_fields),                                            \
            F_STR("operation", struct modification, operation), F_STR("value", struct modification, value),  \
            F_END                                                                                            \
    }
static const struct field cluster_fields[] = MODIFICATION_FIELDS(cluster_match_fields);
static const struct field listener_fields[] = MODIFICATION_FIELDS(listener_match_fields);
static const struct field filter_fields[] = MODIFICATION_FIELDS(filter_match_fields);
static const struct field virtual_host_fields[] = MODIFICATION_FIELDS(virtual_host_match_fields);

static const struct field modification_of_fields[] = {
    F_SUB("cluster", struct modification_of, cluster, cluster_fields, .oneof = 1),
    F_SUB("listener", struct modification_of, listener, listener_fields, .oneof = 1),
    F_SUB("networkFilter", struct modification_of, network_filter, filter_fields, .oneof = 1),
    F_SUB("httpFilter", struct modification_of, http_filter, filter_fields, .oneof = 1),
    F_SUB("virtualHost", struct modification_of, virtual_host, virtual_host_fields, .oneof = 1),
    F_END,
};

static const struct field conf_fields[] = {
    F_STR_LIST("imports", struct proxy_template_conf, imports),
    F_LIST("resources", struct proxy_template_conf, resources, n_resources, raw_resource_fields),
    F_LIST("modifications", struct proxy_template_conf, modifications, n_modifications,
           modification_of_fields),
    F_END,
};

const struct field proxy_template_fields[] = {
    F_SELECTORS,
    F_SUB("conf", struct proxy_template_spec, conf, conf_fields),
    F_END,
};

/* ---- imports and resources ---- */

static const char empty[] = "cannot be empty";

static void import_check(struct str profile, const struct path *at, struct err *e)
{
    static const char *const known[] = {"default-proxy", "egress-proxy", "gateway-proxy", "ingress-proxy"};

    if (profile.n == 0) {
        err_cause(e, at, empty);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(profile, str_from_c(known[i])))
            return;
    err_cause(
        e, at,
        "profile not found. Available profiles: default-proxy,egress-proxy,gateway-proxy,ingress-proxy");
}

static void raw_resource_check(const struct raw_resource *raw, const struct path *at, struct err *e)
{
    const struct path *at_resource = AT_FIELD(at, "resource");

    if (raw->name.n == 0)
        err_cause(e, AT_FIELD(at, "name"), empty);
    if (raw->version.n == 0)
        err_cause(e, AT_FIELD(at, "version"), empty);
    if (raw->resource.n == 0)
        err_cause(e, at_resource, empty);
    else
        rule_native(NATIVE_RESOURCE, raw->resource, true, at_resource, e);
}

/* ---- modifications ---- */

static void add_remove_or_patch(struct str message, const struct modification *m, const struct path *at,
                                struct err *e)
{
    const struct path *at_value = AT_FIELD(at, "value");

    if (str_eq(m->operation, STR("add")))
        rule_native(message, m->value, true, at_value, e);
    else if (str_eq(m->operation, STR("patch")))
        rule_native(message, m->value, false, at_value, e);
    else if (!str_eq(m->operation, STR("remove")))
        err_cause(e, AT_FIELD(at, "operation"),
                  "invalid operation. Available operations: \"add\", \"patch\", \"remove\"");
}

/* Clusters and listeners are added beside all others. */
static void resource_check(struct str message, const struct modification *m, const struct path *at,
                           struct err *e)
{
    if (str_eq(m->operation, STR("add")) && m->match)
        err_cause(e, AT_FIELD(at, "match"), "cannot be defined");
    add_remove_or_patch(message, m, at, e);
}

/* Virtual hosts are added to the route configurations that match. */
static void virtual_host_check(const struct modification *m, const struct path *at, struct err *e)
{
    if (str_eq(m->operation, STR("add")) && m->match && m->match->name.n > 0)
        err_cause(e, AT_FIELD(AT_FIELD(at, "match"), "name"), "cannot be defined");
    add_remove_or_patch(NATIVE_VIRTUAL_HOST, m, at, e);
}

static void filter_check(struct str message, const struct modification *m, const struct path *at,
                         struct err *e)
{
    static const struct {
        const char *operation;
        bool has_value, is_whole;
        const char *needs_name; /* the reason when it has none */
    } operations[] = {
        {"addFirst", true, true, NULL},
        {"addLast", true, true, NULL},
        {"addBefore", true, true,
         "cannot be empty. You need to pick a filter before which this one will be added"},
        {"addAfter", true, true,
         "cannot be empty. You need to pick a filter after which this one will be added"},
        {"patch", true, false, "cannot be empty"},
        {"remove", false, false, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (!str_eq(m->operation, str_from_c(operations[i].operation)))
            continue;
        if (operations[i].needs_name && (!m->match || m->match->name.n == 0))
            err_cause(e, AT_FIELD(AT_FIELD(at, "match"), "name"), "%s", operations[i].needs_name);
        if (operations[i].has_value)
            rule_native(message, m->value, operations[i].is_whole, AT_FIELD(at, "value"), e);
        return;
    }
    err_cause(e, AT_FIELD(at, "operation"),
              "invalid operation. Available operations: \"addFirst\", \"addLast\", \"addBefore\", "
              "\"addAfter\", \"patch\", \"remove\"");
}

static void modification_check(const struct modification_of *m, const struct path *at, struct err *e)
{
    if (m->cluster)
        resource_check(NATIVE_CLUSTER, m->cluster, AT_FIELD(at, "cluster"), e);
    if (m->listener)
        resource_check(NATIVE_LISTENER, m->listener, AT_FIELD(at, "listener"), e);
    if (m->network_filter)
        filter_check(NATIVE_NETWORK_FILTER, m->network_filter, AT_FIELD(at, "networkFilter"), e);
    if (m->http_filter)
        filter_check(NATIVE_HTTP_FILTER, m->http_filter, AT_FIELD(at, "httpFilter"), e);
    if (m->virtual_host)
        virtual_host_check(m->virtual_host, AT_FIELD(at, "virtualHost"), e);
}

void proxy_template_check(const void *spec, struct err *e)
{
    const struct proxy_template_spec *template = spec;
    const struct proxy_template_conf *conf = template->conf;
    const struct path *at = AT_FIELD(NULL, "conf");

    rule_selectors(&(const struct selector_rules){.needs_service = true}, &template->select, e);
    if (!conf)
        return;
    for (size_t i = 0; i < conf->imports.n; i++)
        import_check(conf->imports.v[i], AT_INDEX(AT_FIELD(at, "imports"), i), e);
    for (size_t i = 0; i < conf->n_resources; i++)
        raw_resource_check(&conf->resources[i], AT_INDEX(AT_FIELD(at, "resources"), i), e);
    for (size_t i = 0; i < conf->n_modifications; i++)
        modification_check(&conf->modifications[i], AT_INDEX(AT_FIELD(at, "modifications"), i), e);
}
