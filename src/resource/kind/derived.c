/* derived.c -- MeshInsight and ServiceInsight: never stored, so there is nothing to read; ursa/insight.h
 * builds them as JSON. */
#include "kind.h"

const struct field derived_fields[] = {
    F_END,
};

void derived_check(const void *spec, struct err *e)
{
    (void)spec;
    (void)e;
}
