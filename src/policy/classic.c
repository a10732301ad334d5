/* Choosing among source/destination policies: resources.md 6.1 to 6.3. */
#include "ursa/policy.h"

/* The best so far: a higher rank wins, an equal one when it was created later; else the first by name stays.
 */
struct best {
    const struct resource *policy;
    struct rank rank;
};

static void offer(struct best *best, const struct resource *policy, struct rank rank)
{
    if (best->policy) {
        int c = rank_cmp(rank, best->rank);
        if (c < 0 || (c == 0 && policy->created_ns <= best->policy->created_ns))
            return;
    }
    *best = (struct best){policy, rank};
}

static struct rank rank_add(struct rank a, struct rank b)
{
    return (struct rank){a.n_exact + b.n_exact, a.n_wildcards + b.n_wildcards};
}

struct tag_sets dataplane_tag_sets(struct arena *a, const struct dataplane_spec *dp)
{
    const struct dp_networking *net = dp->networking;
    struct tags *v = ARENA_ARRAY(a, struct tags, net->n_inbound + 1);
    for (size_t i = 0; i < net->n_inbound; i++)
        v[i] = net->inbound[i].tags;
    if (net->gateway)
        v[net->n_inbound] = net->gateway->tags;
    return (struct tag_sets){net->n_inbound + 1, v};
}

static bool matches_any(const struct tags *selector, struct tag_sets sets)
{
    for (size_t i = 0; i < sets.n; i++) {
        if (selector_matches(selector, &sets.v[i]))
            return true;
    }
    return false;
}

static bool best_source(const struct policy_spec *spec, struct tag_sets source, struct rank *best)
{
    bool found = false;
    for (size_t i = 0; i < spec->n_sources; i++) {
        const struct tags *selector = &spec->sources[i].match;
        if (!matches_any(selector, source))
            continue;
        struct rank rank = selector_rank(selector);
        if (!found || rank_cmp(rank, *best) > 0)
            *best = rank;
        found = true;
    }
    return found;
}

const struct resource *classic_choose_outbound(const struct resource *const *policies, size_t n,
                                               struct tag_sets source, struct str service)
{
    /* One tag only: a destination with further tags never matches (6.2, step 3). */
    struct tag tag = {TAG_SERVICE, service};
    const struct tags destination = {&tag, 1};
    struct best best = {0};
    for (size_t i = 0; i < n; i++) {
        const struct policy_spec *spec = resource_policy(policies[i]);
        struct rank from;
        if (!best_source(spec, source, &from))
            continue;
        for (size_t k = 0; k < spec->n_destinations; k++) {
            const struct tags *selector = &spec->destinations[k].match;
            if (selector_matches(selector, &destination))
                offer(&best, policies[i], rank_add(selector_rank(selector), from));
        }
    }
    return best.policy;
}

const struct resource *classic_choose_inbound(const struct resource *const *policies, size_t n,
                                              const struct tags *inbound)
{
    struct best best = {0};
    for (size_t i = 0; i < n; i++) {
        const struct policy_spec *spec = resource_policy(policies[i]);
        for (size_t k = 0; k < spec->n_destinations; k++) {
            const struct tags *selector = &spec->destinations[k].match;
            if (selector_matches(selector, inbound))
                offer(&best, policies[i], selector_rank(selector));
        }
    }
    return best.policy;
}
