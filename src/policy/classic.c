/* Choosing among policies that select by tags: resources.md 6.1 to 6.5. */
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

size_t classic_match_source(const struct resource *const *policies, size_t n, struct tag_sets source,
                            struct source_match *out)
{
    size_t n_matches = 0;
    for (size_t i = 0; i < n; i++) {
        struct source_match m = {.policy = policies[i]};
        if (best_source(resource_policy(policies[i]), source, &m.rank))
            out[n_matches++] = m;
    }
    return n_matches;
}

static void offer_matched(struct best *best, const struct source_match *m, struct str service)
{
    /* One tag only: a destination with further tags never matches (6.2, step 3). */
    struct tag tag = {TAG_SERVICE, service};
    const struct tags destination = {&tag, 1};
    const struct policy_spec *spec = resource_policy(m->policy);
    for (size_t i = 0; i < spec->n_destinations; i++) {
        const struct tags *selector = &spec->destinations[i].match;
        if (selector_matches(selector, &destination))
            offer(best, m->policy, rank_add(selector_rank(selector), m->rank));
    }
}

const struct resource *classic_choose_matched(const struct source_match *matches, size_t n,
                                              struct str service)
{
    struct best best = {0};
    for (size_t i = 0; i < n; i++)
        offer_matched(&best, &matches[i], service);
    return best.policy;
}

const struct resource *classic_choose_outbound(const struct resource *const *policies, size_t n,
                                               struct tag_sets source, struct str service)
{
    struct best best = {0};
    for (size_t i = 0; i < n; i++) {
        struct source_match m = {.policy = policies[i]};
        if (best_source(resource_policy(policies[i]), source, &m.rank))
            offer_matched(&best, &m, service);
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

/* ---- all of them (6.4) ---- */

static bool leads_to(const struct policy_spec *spec, const struct tags *inbound)
{
    for (size_t i = 0; i < spec->n_destinations; i++) {
        if (selector_matches(&spec->destinations[i].match, inbound))
            return true;
    }
    return false;
}

static struct rank first_rank(const struct inbound_choice *c)
{
    const struct policy_spec *spec = resource_policy(c->policy);
    if (c->source)
        return selector_rank(c->source);
    return spec->n_sources ? selector_rank(&spec->sources[0].match) : (struct rank){0};
}

static bool goes_before(const struct inbound_choice *a, const struct inbound_choice *b)
{
    int c = rank_cmp(first_rank(a), first_rank(b));
    return c > 0 || (c == 0 && a->policy->created_ns > b->policy->created_ns);
}

static void insert(struct inbound_choices *all, struct inbound_choice one)
{
    size_t at = all->n++;
    for (; at > 0 && goes_before(&one, &all->v[at - 1]); at--)
        all->v[at] = all->v[at - 1];
    all->v[at] = one;
}

struct inbound_choices classic_choose_all_inbound(struct arena *a, const struct resource *const *policies,
                                                  size_t n, const struct tags *inbound)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most += resource_policy(policies[i])->n_sources + 1;
    struct inbound_choices all = {0, ARENA_ARRAY(a, struct inbound_choice, most)};
    for (size_t i = 0; i < n; i++) {
        const struct policy_spec *spec = resource_policy(policies[i]);
        if (!leads_to(spec, inbound))
            continue;
        /* A limit counts the calls of each of its sources apart. */
        bool apart = policies[i]->key.type == RES_RATE_LIMIT;
        for (size_t k = 0; apart && k < spec->n_sources; k++)
            insert(&all, (struct inbound_choice){policies[i], &spec->sources[k].match});
        if (!apart)
            insert(&all, (struct inbound_choice){policies[i], NULL});
    }
    return all;
}

/* ---- by one list of selectors (6.5) ---- */

const struct resource *classic_choose_proxy(const struct resource *const *policies, size_t n,
                                            struct tag_sets proxy)
{
    struct best best = {0};
    for (size_t i = 0; i < n; i++) {
        const struct selector_spec *spec = resource_selectors(policies[i]);
        if (spec->n_selectors == 0)
            offer(&best, policies[i], (struct rank){0});
        for (size_t k = 0; k < spec->n_selectors; k++) {
            const struct tags *selector = &spec->selectors[k].match;
            if (matches_any(selector, proxy))
                offer(&best, policies[i], selector_rank(selector));
        }
    }
    return best.policy;
}
