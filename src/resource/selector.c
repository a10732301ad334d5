/* selector.c -- which tag sets a selector matches, and which of two selectors is more specific
 * (resources.md 6.1). */
#include "ursa/resource.h"

bool selector_matches(const struct tags *selector, const struct tags *set)
{
    size_t k = 0;

    /* Both are sorted by key: one walk over the set. */
    for (size_t i = 0; i < selector->n; i++) {
        const struct tag *want = &selector->v[i];

        while (k < set->n && str_cmp(set->v[k].key, want->key) < 0)
            k++;
        if (k == set->n || !str_eq(set->v[k].key, want->key))
            return false;
        if (!str_eq(want->value, STR("*")) && !str_eq(want->value, set->v[k].value))
            return false;
    }
    return true;
}

struct rank selector_rank(const struct tags *selector)
{
    struct rank rank = {0};

    for (size_t i = 0; i < selector->n; i++)
        if (str_eq(selector->v[i].value, STR("*")))
            rank.n_wildcards++;
        else
            rank.n_exact++;
    return rank;
}

int rank_cmp(struct rank a, struct rank b)
{
    unsigned total_a = a.n_exact + a.n_wildcards, total_b = b.n_exact + b.n_wildcards;

    if (total_a != total_b)
        return total_a > total_b ? 1 : -1;
    return (a.n_exact > b.n_exact) - (a.n_exact < b.n_exact);
}

bool selector_matches_dataplane(const struct tags *selector, const struct dataplane_spec *dp)
{
    static const struct tags no_tags;
    const struct dp_networking *net = dp->networking;

    for (size_t i = 0; i < net->n_inbound; i++)
        if (selector_matches(selector, &net->inbound[i].tags))
            return true;
    return selector_matches(selector, net->gateway ? &net->gateway->tags : &no_tags);
}
