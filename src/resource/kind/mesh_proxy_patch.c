/* mesh_proxy_patch.c -- MeshProxyPatch: changes to the Envoy configuration that the other policies make. */
#include "target.h"

/* ---- tables ---- */

static const char *const patch_ops[] = {"add", "remove", "replace", "move", "copy"};
static const struct enum_names patch_op_names = {.v = patch_ops, .n = ARRAY_LEN(patch_ops)};
static const struct field_limits patch_op_limits = {.one_of = &patch_op_names};

static const struct field json_patch_fields[] = {
    F_STR("op", struct json_patch, op, .required = true, .limits = &patch_op_limits),
    F_STR("path", struct json_patch, path, .required = true),
    F_ANY("value", struct json_patch, value, .keep_empty = true),
    F_OPT_STR("from", struct json_patch, from),
    F_END,
};

#define M struct proxy_match
static const struct field cluster_match_fields[] = {
    F_OPT_STR("origin", M, origin),
    F_OPT_STR("name", M, name),
    F_END,
};

static const struct field listener_match_fields[] = {
    F_OPT_STR("origin", M, origin),
    F_OPT_STR("name", M, name),
    F_TAGS("tags", M, tags),
    F_END,
};

static const struct field filter_match_fields[] = {
    F_OPT_STR("origin", M, origin),
    F_OPT_STR("name", M, name),
    F_OPT_STR("listenerName", M, listener_name),
    F_TAGS("listenerTags", M, tags),
    F_END,
};

static const struct field virtual_host_match_fields[] = {
    F_OPT_STR("origin", M, origin),
    F_OPT_STR("name", M, name),
    F_OPT_STR("routeConfigurationName", M, route_configuration_name),
    F_END,
};
#undef M

/* Resources and filters know different operations, under one numbering. */
static const char *const resource_operations[] = {NULL, "Add", "Remove", "Patch"};
static const struct enum_names resource_operation_names = {.v = resource_operations,
                                                           .n = ARRAY_LEN(resource_operations)};
static const char *const filter_operations[] = {NULL,       NULL,        "Remove",   "Patch",
                                                "AddFirst", "AddBefore", "AddAfter", "AddLast"};
static const struct enum_names filter_operation_names = {.v = filter_operations,
                                                         .n = ARRAY_LEN(filter_operations)};

#define CHANGE_ROWS(match_fields, operations, ...)                                                           \
    F_SUB("match", struct proxy_change, match, match_fields, __VA_ARGS__),                                   \
        F_CHOICE("operation", struct proxy_change, operation, operations, .required = true),                 \
        F_OPT_STR("value", struct proxy_change, value),                                                      \
        F_LIST("jsonPatches", struct proxy_change, json_patches, n_json_patches, json_patch_fields)

static const struct field cluster_fields[] = {
    CHANGE_ROWS(cluster_match_fields, resource_operation_names, .required = false),
    F_END,
};
static const struct field listener_fields[] = {
    CHANGE_ROWS(listener_match_fields, resource_operation_names, .required = false),
    F_END,
};
static const struct field filter_fields[] = {
    CHANGE_ROWS(filter_match_fields, filter_operation_names, .required = false),
    F_END,
};
static const struct field virtual_host_fields[] = {
    CHANGE_ROWS(virtual_host_match_fields, resource_operation_names, .required = true),
    F_END,
};

static const struct field modification_fields[] = {
    F_SUB("cluster", struct proxy_modification, cluster, cluster_fields),
    F_SUB("listener", struct proxy_modification, listener, listener_fields),
    F_SUB("networkFilter", struct proxy_modification, network_filter, filter_fields),
    F_SUB("httpFilter", struct proxy_modification, http_filter, filter_fields),
    F_SUB("virtualHost", struct proxy_modification, virtual_host, virtual_host_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_LIST("appendModifications", struct mesh_proxy_patch_conf, append_modifications, n_append_modifications,
           modification_fields, .required = true),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_proxy_patch_spec),
    F_INLINE("default", struct mesh_proxy_patch_spec, conf, conf_fields, .required = true),
    F_END,
};

const struct field mesh_proxy_patch_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

/* ---- rules ---- */

static void json_patch_check(const struct json_patch *patch, const struct path *at, struct err *e)
{
    bool moves = str_eq(patch->op, STR("move")) || str_eq(patch->op, STR("copy"));
    bool has_value = str_eq(patch->op, STR("add")) || str_eq(patch->op, STR("replace"));
    bool at_root = patch->path.n == 0 || str_eq(patch->path, STR("/"));

    if (moves && !patch->from.p)
        err_cause(e, AT_FIELD(at, "from"),
                  "\"from\" must not be empty when \"op\" is one of [\"move\", \"copy\"]");
    if (!moves && patch->from.p)
        err_cause(e, AT_FIELD(at, "from"),
                  "\"from\" is allowed only when \"op\" is one of [\"move\", \"copy\"]");
    if (has_value && !patch->value.text.p)
        err_cause(e, AT_FIELD(at, "value"),
                  "\"value\" must not be empty when \"op\" is one of [\"add\", \"replace\"]");
    if (!has_value && patch->value.text.p)
        err_cause(e, AT_FIELD(at, "value"),
                  "\"value\" is allowed only when \"op\" is one of [\"add\", \"replace\"]");
    if (at_root && str_eq(patch->op, STR("remove")))
        err_cause(e, AT_FIELD(at, "path"), "root path cannot be removed");
}

/* 'name': of the change in its modification; 'message': of the value. */
static void patch_check(const struct proxy_change *change, const char *name, struct str message,
                        const struct path *at, struct err *e)
{
    const struct path *at_patches = AT_FIELD(at, "jsonPatches");

    if (change->value.p && change->n_json_patches > 0) {
        err_cause(e, at, "%s must have only one type defined: value, jsonPatches", name);
        return;
    }
    if (change->value.p)
        rule_native(message, change->value, false, AT_FIELD(at, "value"), e);
    else if (change->n_json_patches == 0)
        err_cause(e, at, "%s must have exactly one defined: value, jsonPatches", name);
    for (size_t i = 0; i < change->n_json_patches; i++)
        json_patch_check(&change->json_patches[i], AT_INDEX(at_patches, i), e);
}

static void value_needed(const struct proxy_change *change, struct str message, const struct path *at,
                         struct err *e)
{
    const struct path *at_value = AT_FIELD(at, "value");

    if (change->value.p)
        rule_native(message, change->value, true, at_value, e);
    else
        err_cause(e, at_value, "must be defined");
}

static void name_needed(const struct proxy_change *change, const char *text, const struct path *at,
                        struct err *e)
{
    if (!change->match || !change->match->name.p)
        err_cause(e, AT_FIELD(AT_FIELD(at, "match"), "name"), "%s", text);
}

static void no_value(const struct proxy_change *change, const struct path *at, struct err *e)
{
    if (change->value.p)
        err_cause(e, AT_FIELD(at, "value"), "must not be defined");
}

/* Of a cluster, a listener or a virtual host. */
static void resource_check(const struct proxy_change *change, const char *name, struct str message,
                           const struct path *at_modification, struct err *e)
{
    const struct path *at = AT_FIELD(at_modification, name), *at_match = AT_FIELD(at, "match");
    bool is_virtual_host = str_eq(message, NATIVE_VIRTUAL_HOST);

    if (change->operation == MODIFY_ADD) {
        if (!is_virtual_host && change->match)
            err_cause(e, at_match, "must not be defined");
        if (is_virtual_host && change->match && change->match->name.p)
            err_cause(e, AT_FIELD(at_match, "name"), "must not be defined");
        value_needed(change, message, at, e);
    } else if (change->operation == MODIFY_PATCH) {
        patch_check(change, name, message, at, e);
    } else {
        no_value(change, at, e);
    }
}

static void filter_check(const struct proxy_change *change, const char *name, struct str message,
                         const struct path *at_modification, struct err *e)
{
    const struct path *at = AT_FIELD(at_modification, name);

    switch (change->operation) {
    case MODIFY_PATCH:
        name_needed(change, "must be defined", at, e);
        patch_check(change, name, message, at, e);
        break;
    case MODIFY_REMOVE:
        no_value(change, at, e);
        break;
    case MODIFY_ADD_BEFORE:
        name_needed(change, "must be defined. You need to pick a filter before which this one will be added",
                    at, e);
        value_needed(change, message, at, e);
        break;
    case MODIFY_ADD_AFTER:
        name_needed(change, "must be defined. You need to pick a filter after which this one will be added",
                    at, e);
        value_needed(change, message, at, e);
        break;
    default: /* first or last */
        value_needed(change, message, at, e);
        break;
    }
}

/* COMPAT: of several in one modification only the first is looked at. */
static void modification_check(const struct proxy_modification *m, const struct path *at, struct err *e)
{
    if (m->cluster)
        resource_check(m->cluster, "cluster", NATIVE_CLUSTER, at, e);
    else if (m->listener)
        resource_check(m->listener, "listener", NATIVE_LISTENER, at, e);
    else if (m->virtual_host)
        resource_check(m->virtual_host, "virtualHost", NATIVE_VIRTUAL_HOST, at, e);
    else if (m->network_filter)
        filter_check(m->network_filter, "networkFilter", NATIVE_NETWORK_FILTER, at, e);
    else if (m->http_filter)
        filter_check(m->http_filter, "httpFilter", NATIVE_HTTP_FILTER, at, e);
    else
        err_cause(e, at, "at least one modification has to be defined");
}

void mesh_proxy_patch_check(const void *spec, struct err *e)
{
    const struct mesh_proxy_patch_spec *patch = spec;
    const struct path *at = AT_FIELD(NULL, "spec");
    const struct path *at_list = AT_FIELD(AT_FIELD(at, "default"), "appendModifications");

    rule_target_ref(&patch->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    for (size_t i = 0; i < patch->conf.n_append_modifications; i++)
        modification_check(&patch->conf.append_modifications[i], AT_INDEX(at_list, i), e);
    if (patch->conf.n_append_modifications == 0)
        err_cause(e, at_list, "must not be empty");
}
