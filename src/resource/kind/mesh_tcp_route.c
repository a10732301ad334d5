/* mesh_tcp_route.c -- MeshTCPRoute: connections spread over destinations. */
#include "target.h"

static const struct field_limits one_or_more = {.min_items = 1}, at_most_one = {.max_items = 1};

static const struct field conf_fields[] = {
    F_LIST("backendRefs", struct tcp_rule_conf, backend_refs, n_backend_refs, backend_ref_fields,
           .required = true, .limits = &one_or_more),
    F_END,
};

static const struct field rule_fields[] = {
    F_INLINE("default", struct tcp_rule, conf, conf_fields, .required = true),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_REF(struct mesh_tcp_route_item),
    F_LIST("rules", struct mesh_tcp_route_item, rules, n_rules, rule_fields, .limits = &at_most_one),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_tcp_route_spec),
    F_LIST("to", struct mesh_tcp_route_spec, to, n_to, item_fields, .limits = &one_or_more),
    F_END,
};

const struct field mesh_tcp_route_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

static void item_check(const struct mesh_tcp_route_item *item, const struct path *at, struct err *e)
{
    const struct path *at_rules = AT_FIELD(at, "rules");

    rule_target_ref(&item->target_ref, TARGETS(MESH_SERVICE), AT_FIELD(at, "targetRef"), e);
    for (size_t i = 0; i < item->n_rules; i++)
        rule_backend_refs(item->rules[i].conf.backend_refs, item->rules[i].conf.n_backend_refs,
                          AT_FIELD(AT_FIELD(AT_INDEX(at_rules, i), "default"), "backendRefs"), e);
}

void mesh_tcp_route_check(const void *spec, struct err *e)
{
    const struct mesh_tcp_route_spec *route = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_to = AT_FIELD(at, "to");

    rule_target_ref(&route->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    for (size_t i = 0; i < route->n_to; i++)
        item_check(&route->to[i], AT_INDEX(at_to, i), e);
}
