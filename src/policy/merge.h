/* merge.h -- what merging items into rules (merge.c) asks of merging configurations (conf.c). */
#ifndef URSA_POLICY_MERGE_H
#define URSA_POLICY_MERGE_H

#include "ursa/base/vec.h"
#include "ursa/policy_target.h"

/* What one policy says about one subset. */
struct item {
    const struct resource *policy;
    struct tags subset; /* empty: everybody */
    json_t *conf;       /* owned */
};
struct items VEC(struct item);

/* The configuration of an item of a policy's JSON, in the form in which it is merged. The caller owns it. */
json_t *item_conf(enum res_type, const json_t *item);
/* The items' configurations, later over earlier (resources.md 6.7); n > 0. The caller owns it. */
json_t *items_merge(const struct item *const *items, size_t n);

#endif
