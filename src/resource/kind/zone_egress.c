/* zone_egress.c -- ZoneEgress: the proxy through which calls leave the zone. */
#include "kind.h"

static const struct field networking_fields[] = {
    F_STR("address", struct zone_egress_networking, address),
    F_U32("port", struct zone_egress_networking, port),
    F_SUB("admin", struct zone_egress_networking, admin, admin_fields),
    F_END,
};

const struct field zone_egress_fields[] = {
    F_STR("zone", struct zone_egress_spec, zone),
    F_SUB("networking", struct zone_egress_spec, networking, networking_fields),
    F_END,
};

void zone_egress_check(const void *spec, struct err *e)
{
    static const struct zone_egress_networking absent;
    const struct zone_egress_spec *egress = spec;
    const struct zone_egress_networking *net = egress->networking ? egress->networking : &absent;
    const struct path *at = AT_FIELD(NULL, "networking");

    if (net->admin && net->admin->port == net->port && meets_loopback(net->address))
        err_cause(e, AT_FIELD(AT_FIELD(at, "admin"), "port"), "must differ from port");
    /* COMPAT: the faults of the address are one level deeper than it. */
    if (net->address.n > 0)
        rule_address(net->address, AT_FIELD(AT_FIELD(at, "address"), "address"), e);
    rule_port(net->port, AT_FIELD(at, "port"), e);
}
