/* external_service.c -- ExternalService: a service outside of every mesh, under a name of this mesh. */
#include "kind.h"

static const struct field tls_fields[] = {
    F_BOOL("enabled", struct external_service_tls, enabled),
    F_SUB("caCert", struct external_service_tls, ca_cert, data_source_fields, .alias = "ca_cert"),
    F_SUB("clientCert", struct external_service_tls, client_cert, data_source_fields, .alias = "client_cert"),
    F_SUB("clientKey", struct external_service_tls, client_key, data_source_fields, .alias = "client_key"),
    F_OPT_BOOL("allowRenegotiation", struct external_service_tls, allow_renegotiation),
    F_OPT_STR("serverName", struct external_service_tls, server_name, .alias = "server_name"),
    F_END,
};

static const struct field networking_fields[] = {
    F_STR("address", struct external_service_networking, address),
    F_SUB("tls", struct external_service_networking, tls, tls_fields),
    F_BOOL("disableHostDNSEntry", struct external_service_networking, disable_host_dns_entry),
    F_END,
};

const struct field external_service_fields[] = {
    F_SUB("networking", struct external_service_spec, networking, networking_fields),
    F_TAGS("tags", struct external_service_spec, tags),
    F_END,
};

static void address_check(struct str address, const struct path *at, struct err *e)
{
    struct str host, port;
    uint64_t number = 0;

    if (address.n == 0) {
        err_cause(e, at, "address can't be empty");
        return;
    }
    /* COMPAT: of an address that cannot be split, the empty parts are at fault, too. */
    if (!host_port_split(address, &host, &port))
        err_cause(e, at, "unable to parse address");
    if (!is_ip(host) && !is_dns_name(host))
        err_cause(e, at, "address has to be a valid IP address or a domain name");
    if (!str_to_uint(port, UINT32_MAX, &number))
        err_cause(e, at, "unable to parse port in address");
    rule_port((uint32_t)number, at, e);
}

static void tls_check(const struct external_service_tls *tls, const struct path *at, struct err *e)
{
    if (tls->server_name.p && tls->server_name.n == 0)
        err_cause(e, AT_FIELD(at, "serverName"), "cannot be empty");
    rule_data_source(tls->ca_cert, AT_FIELD(at, "caCert"), e);
    rule_data_source(tls->client_cert, AT_FIELD(at, "clientCert"), e);
    rule_data_source(tls->client_key, AT_FIELD(at, "clientKey"), e);
}

void external_service_check(const void *spec, struct err *e)
{
    static const struct tag_rules service_tags = {.needs_service = true, .map_check = rule_protocol_tag};
    const struct external_service_spec *service = spec;
    const struct path *at = AT_FIELD(NULL, "networking");

    if (service->networking)
        address_check(service->networking->address, AT_FIELD(at, "address"), e);
    else
        err_cause(e, at, "should have networking");
    if (service->networking && service->networking->tls)
        tls_check(service->networking->tls, AT_FIELD(at, "tls"), e);
    rule_tags(&service_tags, &service->tags, AT_FIELD(NULL, "tags"), e);
}
