/* TrafficPermission: who may call an inbound, by the identities in the client's certificate (xds.md 6.4). */
#include "policy.h"
#include "ursa/ca.h"

/* Of all the names in a client's certificate one must be this, wholly: a proxy of two services has both. */
static json_t *identity(struct str mesh, const struct tag *t)
{
    struct arena a;
    arena_init(&a);
    struct str uri = str_eq(t->key, TAG_SERVICE) ? identity_service(&a, mesh, t->value)
                                                 : identity_tag(&a, t->key, t->value);
    json_t *principal =
        envoy_pack("{s: {s: {s: s%}}}", "authenticated", "principalName", "exact", PACK_STR(uri));
    arena_fini(&a);
    return principal;
}

/* All of a selector's tags must be in the certificate; a tag with any value asks nothing. */
static json_t *principal(struct str mesh, const struct tags *source)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < source->n; i++) {
        const struct tag *t = &source->v[i];
        if (str_eq(t->value, STR("*")))
            continue;
        json_array_append_new(ids, identity(mesh, t));
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
