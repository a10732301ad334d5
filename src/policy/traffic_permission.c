/* TrafficPermission: who may call an inbound, by the identities in the client's certificate (xds.md 6.4). */
#include "policy.h"

/* Only exact matchers: nothing in a name needs escaping. */
static json_t *identity(const char *scheme, struct str authority, struct str path)
{
    struct arena a = {0};
    arena_init(&a);
    json_t *uri = json_from_str(
        arena_printf(&a, "%s://" STR_FMT "/" STR_FMT, scheme, STR_ARG(authority), STR_ARG(path)));
    arena_fini(&a);
    return envoy_pack("{s: {s: {s: o}}}", "authenticated", "principalName", "exact", uri);
}

/* All of a selector's tags must be in the certificate; a tag with any value asks nothing. */
static json_t *principal(struct str mesh, const struct tags *source)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < source->n; i++) {
        const struct tag *t = &source->v[i];
        if (str_eq(t->value, STR("*")))
            continue;
        bool is_service = str_eq(t->key, TAG_SERVICE);
        json_array_append_new(ids, is_service ? identity("spiffe", mesh, t->value)
                                              : identity("kuma", t->key, t->value));
    }
    json_t *p = NULL;
    if (json_array_size(ids) == 0)
        p = envoy_pack("{s: b}", "any", 1);
    else if (json_array_size(ids) == 1)
        p = json_incref(json_array_get(ids, 0));
    else
        p = envoy_pack("{s: {s: O}}", "andIds", "ids", ids);
    json_decref(ids);
    return p;
}

/* Without a permission the rules stay empty, which denies everybody. */
static void apply(const struct resource *res, enum policy_target target, enum protocol protocol, json_t *rbac)
{
    (void)target;
    (void)protocol;
    if (!res)
        return;
    const struct policy_spec *spec = resource_policy(res);
    json_t *principals = json_array();
    for (size_t i = 0; i < spec->n_sources; i++)
        json_array_append_new(principals, principal(res->key.mesh, &spec->sources[i].match));
    json_t *policies = json_object();
    envoy_set_str(policies, res->key.name,
                  envoy_pack("{s: [{s: b}], s: o}", "permissions", "any", 1, "principals", principals));
    json_object_set_new(rbac, "policies", policies);
}

const struct policy policy_traffic_permission = {
    .type = RES_TRAFFIC_PERMISSION,
    .scope = POLICY_PER_INBOUND,
    .targets = TARGET_INBOUND_RBAC,
    .apply = apply,
};
