/* native.c -- values in Envoy's own words: this room keeps them as text and has them judged by one who knows
 * Envoy's messages. */
#include "rules.h"

static resource_native_check *native_check;

void resource_set_native_check(resource_native_check *check)
{
    native_check = check;
}

void rule_native(struct str message, struct str text, bool whole, const struct path *at, struct err *e)
{
    struct str reason;

    if (native_check && !native_check(message, text, whole, e->arena, &reason))
        err_cause(e, at, "native Envoy resource is not valid: " STR_FMT, STR_ARG(reason));
}
