/* mesh_load_balancing_strategy.c -- MeshLoadBalancingStrategy: which endpoint of a service gets a call. */
#include "target.h"

static const struct field hash_name_fields[] = {
    F_STR("name", struct hash_name, name, .required = true, .limits = &not_empty_text),
    F_END,
};

static const struct field hash_key_fields[] = {
    F_STR("key", struct hash_name, name, .required = true, .limits = &not_empty_text),
    F_END,
};

static const struct field cookie_fields[] = {
    F_STR("name", struct hash_cookie, name, .required = true, .limits = &not_empty_text),
    F_SPAN("ttl", struct hash_cookie, ttl),
    F_OPT_STR("path", struct hash_cookie, path),
    F_END,
};

static const struct field connection_fields[] = {
    F_OPT_BOOL("sourceIP", struct hash_connection, source_ip),
    F_END,
};

static const char *const policy_types[] = {NULL,       "Header",         "Cookie",
                                           "SourceIP", "QueryParameter", "FilterState"};
static const struct enum_names policy_type_names = {.v = policy_types, .n = ARRAY_LEN(policy_types)};

static const struct field hash_policy_fields[] = {
    F_CHOICE("type", struct hash_policy, type, policy_type_names, .required = true),
    F_OPT_BOOL("terminal", struct hash_policy, terminal),
    F_SUB("header", struct hash_policy, header, hash_name_fields),
    F_SUB("cookie", struct hash_policy, cookie, cookie_fields),
    F_SUB("connection", struct hash_policy, connection, connection_fields),
    F_SUB("queryParameter", struct hash_policy, query_parameter, hash_name_fields),
    F_SUB("filterState", struct hash_policy, filter_state, hash_key_fields),
    F_END,
};

static const struct field_limits choices = {.bounded = true, .min = 2};
static const struct field_limits ring_sizes = {.bounded = true, .min = 1, .max = 8000000};
static const struct field_limits table_sizes = {.bounded = true, .min = 1, .max = 5000011};

static const char *const hash_functions[] = {NULL, "XXHash", "MurmurHash2"};
static const struct enum_names hash_function_names = {.v = hash_functions, .n = ARRAY_LEN(hash_functions)};

static const struct field no_fields[] = {
    F_END,
};

static const struct field least_request_fields[] = {
    F_OPT_U32("choiceCount", struct balance_least_request, choice_count, .limits = &choices),
    F_END,
};

static const struct field ring_hash_fields[] = {
    F_CHOICE("hashFunction", struct balance_ring_hash, hash_function, hash_function_names),
    F_OPT_U32("minRingSize", struct balance_ring_hash, min_ring_size, .limits = &ring_sizes),
    F_OPT_U32("maxRingSize", struct balance_ring_hash, max_ring_size, .limits = &ring_sizes),
    F_LIST("hashPolicies", struct balance_ring_hash, hash_policies, n_hash_policies, hash_policy_fields,
           .keep_empty = true),
    F_END,
};

static const struct field maglev_fields[] = {
    F_OPT_U32("tableSize", struct balance_maglev, table_size, .limits = &table_sizes),
    F_LIST("hashPolicies", struct balance_maglev, hash_policies, n_hash_policies, hash_policy_fields,
           .keep_empty = true),
    F_END,
};

static const char *const balancers[] = {NULL, "RoundRobin", "LeastRequest", "RingHash", "Random", "Maglev"};
static const struct enum_names balancer_names = {.v = balancers, .n = ARRAY_LEN(balancers)};

static const struct field balance_fields[] = {
    F_CHOICE("type", struct balance, type, balancer_names, .required = true),
    F_SUB("roundRobin", struct balance, round_robin, no_fields),
    F_SUB("leastRequest", struct balance, least_request, least_request_fields),
    F_SUB("ringHash", struct balance, ring_hash, ring_hash_fields),
    F_SUB("random", struct balance, random, no_fields),
    F_SUB("maglev", struct balance, maglev, maglev_fields),
    F_END,
};

static const struct field locality_fields[] = {
    F_OPT_BOOL("disabled", struct locality_awareness, disabled),
    F_END,
};

static const struct field conf_fields[] = {
    F_SUB("localityAwareness", struct mesh_load_balancing_strategy_conf, locality_awareness, locality_fields),
    F_SUB("loadBalancer", struct mesh_load_balancing_strategy_conf, load_balancer, balance_fields),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_load_balancing_strategy_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_load_balancing_strategy_spec),
    F_LIST("to", struct mesh_load_balancing_strategy_spec, to, n_to, item_fields),
    F_END,
};

const struct field mesh_load_balancing_strategy_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

static void must_be_defined(const void *member, const char *field, const struct path *at, struct err *e)
{
    if (!member)
        err_cause(e, AT_FIELD(at, field), "must be defined");
}

static void cookie_check(const struct hash_cookie *cookie, const struct path *at, struct err *e)
{
    must_be_defined(cookie, "cookie", at, e);
    if (cookie && cookie->path.p && !str_has_prefix(cookie->path, STR("/")))
        err_cause(e, AT_FIELD(AT_FIELD(at, "cookie"), "path"), "must be an absolute path");
}

static void hash_policies_check(const struct hash_policy *policies, size_t n, const struct path *at,
                                struct err *e)
{
    const struct path *at_policies = AT_FIELD(at, "hashPolicies");

    for (size_t i = 0; i < n; i++) {
        const struct hash_policy *policy = &policies[i];
        const struct path *at_policy = AT_INDEX(at_policies, i);

        if (policy->type == HASH_HEADER)
            must_be_defined(policy->header, "header", at_policy, e);
        else if (policy->type == HASH_COOKIE)
            cookie_check(policy->cookie, at_policy, e);
        else if (policy->type == HASH_QUERY_PARAMETER)
            must_be_defined(policy->query_parameter, "queryParameter", at_policy, e);
        else if (policy->type == HASH_FILTER_STATE)
            must_be_defined(policy->filter_state, "filterState", at_policy, e);
    }
}

/* Only the algorithm that is chosen is looked at. */
static void balance_check(const struct balance *balance, const struct path *at, struct err *e)
{
    if (balance->type == BALANCE_RING_HASH && balance->ring_hash)
        hash_policies_check(balance->ring_hash->hash_policies, balance->ring_hash->n_hash_policies,
                            AT_FIELD(at, "ringHash"), e);
    if (balance->type == BALANCE_MAGLEV && balance->maglev)
        hash_policies_check(balance->maglev->hash_policies, balance->maglev->n_hash_policies,
                            AT_FIELD(at, "maglev"), e);
}

void mesh_load_balancing_strategy_check(const void *spec, struct err *e)
{
    const struct mesh_load_balancing_strategy_spec *strategy = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_to = AT_FIELD(at, "to");

    rule_target_ref(&strategy->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    rule_items_needed(strategy->n_to, at_to, e);
    for (size_t i = 0; i < strategy->n_to; i++) {
        const struct path *at_item = AT_INDEX(at_to, i);

        rule_target_ref(&strategy->to[i].target_ref, TARGETS(MESH) | TARGETS(MESH_SERVICE),
                        AT_FIELD(at_item, "targetRef"), e);
        if (strategy->to[i].conf.load_balancer)
            balance_check(strategy->to[i].conf.load_balancer,
                          AT_FIELD(AT_FIELD(at_item, "default"), "loadBalancer"), e);
    }
}
