/* zone_ingress.c -- ZoneIngress: the proxy through which other zones reach the services of this one. */
#include "kind.h"

static const struct field networking_fields[] = {
    F_STR("address", struct zone_ingress_networking, address),
    F_STR("advertisedAddress", struct zone_ingress_networking, advertised_address),
    F_U32("port", struct zone_ingress_networking, port),
    F_U32("advertisedPort", struct zone_ingress_networking, advertised_port),
    F_SUB("admin", struct zone_ingress_networking, admin, admin_fields),
    F_END,
};

static const struct field available_service_fields[] = {
    F_TAGS("tags", struct available_service, tags),
    F_U32("instances", struct available_service, instances),
    F_STR("mesh", struct available_service, mesh),
    F_BOOL("externalService", struct available_service, external_service),
    F_END,
};

const struct field zone_ingress_fields[] = {
    F_STR("zone", struct zone_ingress_spec, zone),
    F_SUB("networking", struct zone_ingress_spec, networking, networking_fields),
    F_LIST("availableServices", struct zone_ingress_spec, available_services, n_available_services,
           available_service_fields),
    F_END,
};

static void admin_check(const struct zone_ingress_networking *net, const struct path *at, struct err *e)
{
    uint32_t port = net->admin->port;

    if ((port == net->port && meets_loopback(net->address)) ||
        (port == net->advertised_port && meets_loopback(net->advertised_address)))
        err_cause(e, AT_FIELD(AT_FIELD(at, "admin"), "port"), "must differ from port");
}

static void networking_check(const struct zone_ingress_networking *net, const struct path *at, struct err *e)
{
    const struct path *at_address = AT_FIELD(at, "address");
    const struct path *at_advertised = AT_FIELD(at, "advertisedAddress");
    const struct path *at_advertised_port = AT_FIELD(at, "advertisedPort");

    if (net->admin)
        admin_check(net, at, e);
    if (net->advertised_address.n == 0 && net->advertised_port != 0)
        err_cause(e, at_advertised, "has to be defined with advertisedPort");
    if (net->advertised_port == 0 && net->advertised_address.n > 0)
        err_cause(e, at_advertised_port, "has to be defined with advertisedAddress");
    /* COMPAT: the faults of an address are one level deeper than it. */
    if (net->address.n > 0)
        rule_address(net->address, AT_FIELD(at_address, "address"), e);
    if (net->advertised_address.n > 0)
        rule_address(net->advertised_address, AT_FIELD(at_advertised, "address"), e);
    rule_port(net->port, AT_FIELD(at, "port"), e);
    if (net->advertised_port != 0)
        rule_port(net->advertised_port, at_advertised_port, e);
}

void zone_ingress_check(const void *spec, struct err *e)
{
    static const struct zone_ingress_networking absent;
    static const struct tag_rules service_tags = {.needs_service = true};
    const struct zone_ingress_spec *ingress = spec;

    networking_check(ingress->networking ? ingress->networking : &absent, AT_FIELD(NULL, "networking"), e);
    for (size_t i = 0; i < ingress->n_available_services; i++) /* COMPAT: the field ends in an s */
        rule_tags(&service_tags, &ingress->available_services[i].tags,
                  AT_FIELD(AT_INDEX(AT_FIELD(NULL, "availableService"), i), "tags"), e);
}
