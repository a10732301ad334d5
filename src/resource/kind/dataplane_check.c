/* dataplane_check.c -- the rules of Dataplane (resources.md 2.2), in the order in which the reference reports
 * their faults. */
#include "kind.h"

#define IP_ERROR "address has to be valid IP address"

/* ---- admin port ---- */

static struct str first_given(struct str a, struct str b)
{
    return a.n > 0 ? a : b;
}

static void admin_check(const struct dp_networking *net, const struct path *at, struct err *e)
{
    const struct path *at_port = AT_FIELD(AT_FIELD(at, "admin"), "port");
    uint32_t port = net->admin->port;
    bool meets_inbound = false, meets_outbound = false;

    for (size_t i = 0; i < net->n_inbound; i++) {
        const struct dp_inbound *in = &net->inbound[i];
        struct str address = first_given(in->address, net->address);

        meets_inbound |= port == in->port && meets_loopback(address);
        meets_inbound |= port == (in->service_port ? in->service_port : in->port) &&
                         meets_loopback(first_given(in->service_address, address));
    }
    for (size_t i = 0; i < net->n_outbound; i++)
        meets_outbound |= port == net->outbound[i].port &&
                          meets_loopback(first_given(net->outbound[i].address, STR("127.0.0.1")));
    if (meets_inbound)
        err_cause(e, at_port, "must differ from inbound");
    if (meets_outbound)
        err_cause(e, at_port, "must differ from outbound");
}

/* ---- tags ---- */

static void gateway_protocol_check(const struct tags *tags, const struct path *at, struct err *e)
{
    struct str protocol = tags_get(tags, TAG_PROTOCOL);

    if (protocol.p && !str_eq(protocol, STR("tcp")))
        err_cause(e, AT_KEY(at, TAG_PROTOCOL),
                  "other values than tcp are not allowed, provided value \"" STR_FMT "\"", STR_ARG(protocol));
}

static const struct tag_rules inbound_tags = {.map_check = rule_protocol_tag};
static const struct tag_rules outbound_tags = {.needs_service = true};
static const struct tag_rules gateway_tags = {.needs_service = true, .map_check = gateway_protocol_check};

/* ---- networking ---- */

static void service_probe_check(const struct service_probe *probe, const struct path *at, struct err *e)
{
    static const char positive[] = "must have a positive value";

    rule_duration_not_zero(probe->interval, positive, AT_FIELD(at, "interval"), e);
    rule_duration_not_zero(probe->timeout, positive, AT_FIELD(at, "timeout"), e);
    rule_u32_not_zero(probe->unhealthy_threshold, positive, AT_FIELD(at, "unhealthyThreshold"), e);
    rule_u32_not_zero(probe->healthy_threshold, positive, AT_FIELD(at, "healthyThreshold"), e);
}

/* The application may not listen where the proxy does. */
static void same_place_check(const struct dp_inbound *in, struct str address, const struct path *at,
                             struct err *e)
{
    if (str_eq(in->service_address, address) && (in->service_port == 0 || in->service_port == in->port))
        err_cause(e, AT_FIELD(at, "serviceAddress"),
                  "serviceAddress and servicePort has to differ from address and port");
}

static void inbound_check(const struct dp_inbound *in, struct str dp_address, const struct path *at,
                          struct err *e)
{
    const struct path *at_tags = AT_FIELD(at, "tags");

    rule_port(in->port, AT_FIELD(at, "port"), e);
    if (in->service_port != 0)
        rule_port(in->service_port, AT_FIELD(at, "servicePort"), e);
    if (in->service_address.n > 0) {
        if (!is_ip(in->service_address))
            err_cause(e, AT_FIELD(at, "serviceAddress"), "serviceAddress has to be valid IP address");
        same_place_check(in, dp_address, at, e);
    }
    if (in->address.n > 0) {
        if (!is_ip(in->address))
            err_cause(e, AT_FIELD(at, "address"), IP_ERROR);
        same_place_check(in, in->address, at, e);
    }
    rule_tags(&inbound_tags, &in->tags, at_tags, e);
    if (in->service_probe)
        service_probe_check(in->service_probe, AT_FIELD(at, "serviceProbe"), e);
    if (!tags_get(&in->tags, TAG_SERVICE).p)
        err_cause(e, AT_KEY(at_tags, TAG_SERVICE), "tag has to exist");
}

static void outbound_check(const struct dp_outbound *out, const struct path *at, struct err *e)
{
    rule_port(out->port, AT_FIELD(at, "port"), e);
    if (out->address.n > 0 && !is_ip(out->address))
        err_cause(e, AT_FIELD(at, "address"), IP_ERROR);
    rule_tags(&outbound_tags, &out->tags, AT_FIELD(at, "tags"), e);
}

static void networking_check(const struct dp_networking *net, const struct path *at, struct err *e)
{
    rule_address(net->address, AT_FIELD(at, "address"), e);
    for (size_t i = 0; i < net->n_inbound; i++)
        inbound_check(&net->inbound[i], net->address, AT_INDEX(AT_FIELD(at, "inbound"), i), e);
    for (size_t i = 0; i < net->n_outbound; i++)
        outbound_check(&net->outbound[i], AT_INDEX(AT_FIELD(at, "outbound"), i), e);
}

static void gateway_check(const struct dp_gateway *gateway, const struct path *at, struct err *e)
{
    rule_tags(&gateway_tags, &gateway->tags, AT_FIELD(AT_FIELD(at, "gateway"), "tags"), e);
}

/* ---- probes ---- */

static void url_path_check(struct str path, const struct path *at, struct err *e)
{
    if (!is_request_uri(path, NULL))
        err_cause(e, at, "should be a valid URL Path");
}

static void probes_check(const struct dp_probes *probes, struct err *e)
{
    const struct path *at = AT_FIELD(NULL, "probes");

    if (!probes)
        return;
    rule_port(probes->port, AT_FIELD(at, "port"), e);
    for (size_t i = 0; i < probes->n_endpoints; i++) {
        const struct path *at_endpoint = AT_INDEX(AT_FIELD(at, "endpoints"), i);

        rule_port(probes->endpoints[i].inbound_port, AT_FIELD(at_endpoint, "inboundPort"), e);
        url_path_check(probes->endpoints[i].inbound_path, AT_FIELD(at_endpoint, "inboundPath"), e);
        url_path_check(probes->endpoints[i].path, AT_FIELD(at_endpoint, "path"), e);
    }
}

/* ---- the three kinds of proxies ---- */

static void delegated_check(const struct dataplane_spec *dp, const struct path *at, struct err *e)
{
    if (dp->networking->n_inbound > 0)
        err_cause(e, AT_FIELD(at, "inbound"), "inbound cannot be defined for delegated gateways");
    gateway_check(dp->networking->gateway, at, e);
    networking_check(dp->networking, at, e);
    probes_check(dp->probes, e);
}

static void builtin_check(const struct dataplane_spec *dp, const struct path *at, struct err *e)
{
    if (dp->networking->n_inbound > 0)
        err_cause(e, AT_FIELD(at, "inbound"), "inbound cannot be defined for builtin gateways");
    if (dp->networking->n_outbound > 0)
        err_cause(e, AT_FIELD(at, "outbound"), "outbound cannot be defined for builtin gateways");
    if (dp->probes) /* COMPAT: the field is probes, not networking.probes */
        err_cause(e, AT_FIELD(at, "probes"), "probes cannot be defined for builtin gateways");
    gateway_check(dp->networking->gateway, at, e);
    networking_check(dp->networking, at, e);
}

static void sidecar_check(const struct dataplane_spec *dp, const struct path *at, struct err *e)
{
    if (dp->networking->n_inbound == 0)
        err_cause(e, at, "has to contain at least one inbound interface or gateway");
    networking_check(dp->networking, at, e);
    probes_check(dp->probes, e);
    if (dp->metrics)
        metrics_backend_check(dp->metrics, AT_FIELD(NULL, "metrics"), e);
}

void dataplane_check(const void *spec, struct err *e)
{
    const struct dataplane_spec *dp = spec;
    const struct dp_networking *net = dp->networking;
    const struct path *at = AT_FIELD(NULL, "networking");

    if (!net) {
        err_cause(e, at, "must be defined");
        return;
    }
    if (net->admin)
        admin_check(net, at, e);
    if (net->gateway && net->gateway->type == GATEWAY_DELEGATED)
        delegated_check(dp, at, e);
    else if (net->gateway && net->gateway->type == GATEWAY_BUILTIN)
        builtin_check(dp, at, e);
    else
        sidecar_check(dp, at, e);
}
