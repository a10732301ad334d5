/* mesh_traffic_permission.c -- MeshTrafficPermission: who may call whom. */
#include "target.h"

static const char *const actions[] = {NULL, "Allow", "Deny", "AllowWithShadowDeny"};
static const struct enum_names action_names = {.v = actions, .n = ARRAY_LEN(actions)};

static const struct field conf_fields[] = {
    F_CHOICE("action", struct mesh_traffic_permission_conf, action, action_names),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_traffic_permission_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_traffic_permission_spec),
    F_LIST("from", struct mesh_traffic_permission_spec, from, n_from, item_fields),
    F_END,
};

const struct field mesh_traffic_permission_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

void mesh_traffic_permission_check(const void *spec, struct err *e)
{
    const struct mesh_traffic_permission_spec *permission = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_from = AT_FIELD(at, "from");

    rule_target_ref(&permission->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    rule_items_needed(permission->n_from, at_from, e);
    for (size_t i = 0; i < permission->n_from; i++) {
        const struct path *at_item = AT_INDEX(at_from, i);

        rule_target_ref(&permission->from[i].target_ref, TARGETS_PROXIES, AT_FIELD(at_item, "targetRef"), e);
        if (permission->from[i].conf.action == ACTION_NONE)
            err_cause(e, AT_FIELD(AT_FIELD(at_item, "default"), "action"), "must be defined");
    }
}
