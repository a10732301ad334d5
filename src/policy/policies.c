/* The table of policies, and applying them in its order. */
#include "policy.h"

static const struct policy *const policies[POLICY_N] = {
#define POLICY(id, name) [POLICY_##id] = &policy_##name,
#include "ursa/policies.def"
#undef POLICY
};

const struct policy *policy_get(enum policy_id id)
{
    return policies[id];
}

void policies_apply(const struct resource *const res[POLICY_N], enum policy_target target,
                    enum protocol protocol, json_t *tree)
{
    for (size_t i = 0; i < POLICY_N; i++) {
        if (policies[i]->targets & target)
            policies[i]->apply(res[i], target, protocol, tree);
    }
}

void put_u32(json_t *tree, const char *key, struct opt_u32 v)
{
    if (v.set)
        json_object_set_new(tree, key, json_integer(v.v));
}

void put_duration(json_t *tree, const char *key, struct opt_dur d)
{
    if (d.set)
        json_object_set_new(tree, key, envoy_duration(d.ns));
}

void put_duration_or_zero(json_t *tree, const char *key, struct opt_dur d)
{
    json_object_set_new(tree, key, envoy_duration(d.set ? d.ns : 0));
}
