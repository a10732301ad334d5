/* traffic_log.c -- TrafficLog: which backend of the Mesh gets the access logs of whose calls. */
#include "kind.h"

const struct field traffic_log_fields[] = {
    F_POLICY_SELECTORS,
    F_SUB("conf", struct traffic_log_spec, conf, backend_conf_fields),
    F_END,
};

void traffic_log_check(const void *spec, struct err *e)
{
    rule_selectors_a(spec, e); /* whether there is such a backend is seen when it is used */
}
