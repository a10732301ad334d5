/* traffic_permission.c -- TrafficPermission: who may call whom. */
#include "kind.h"

const struct field selector_fields[] = {
    F_TAGS("match", struct selector, match),
    F_END,
};

const struct field traffic_permission_fields[] = {
    F_POLICY_SELECTORS,
    F_END,
};

void traffic_permission_check(const void *spec, struct err *e)
{
    rule_selectors_b(spec, e);
}
