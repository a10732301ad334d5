/* traffic_trace.c -- TrafficTrace: which backend of the Mesh gets the traces of which Dataplanes. */
#include "kind.h"

const struct field traffic_trace_fields[] = {
    F_SELECTORS,
    F_SUB("conf", struct traffic_trace_spec, conf, backend_conf_fields),
    F_END,
};

void traffic_trace_check(const void *spec, struct err *e)
{
    rule_selectors(&(const struct selector_rules){.at_least_one = true}, spec, e);
}
