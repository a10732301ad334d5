/* fault_injection.c -- FaultInjection: delays, errors and slow answers that a proxy makes up. */
#include "kind.h"

static const struct field delay_fields[] = {
    F_OPT_DOUBLE("percentage", struct fault_delay, percentage),
    F_DURATION("value", struct fault_delay, value),
    F_END,
};

static const struct field abort_fields[] = {
    F_OPT_DOUBLE("percentage", struct fault_abort, percentage),
    F_OPT_U32("httpStatus", struct fault_abort, http_status),
    F_END,
};

static const struct field bandwidth_fields[] = {
    F_OPT_DOUBLE("percentage", struct fault_bandwidth, percentage),
    F_OPT_STR("limit", struct fault_bandwidth, limit),
    F_END,
};

static const struct field conf_fields[] = {
    F_SUB("delay", struct fault_injection_conf, delay, delay_fields),
    F_SUB("abort", struct fault_injection_conf, abort, abort_fields),
    F_SUB("responseBandwidth", struct fault_injection_conf, response_bandwidth, bandwidth_fields,
          .alias = "response_bandwidth"),
    F_END,
};

const struct field fault_injection_fields[] = {
    F_POLICY_SELECTORS,
    F_SUB("conf", struct fault_injection_spec, conf, conf_fields),
    F_END,
};

static const char empty[] = "cannot be empty";

/* COMPAT: "gbps" and the like, anywhere in the text; the number before it is not looked at. */
static bool has_unit(struct str limit)
{
    static const char *const units[] = {"kbps", "mbps", "gbps"};

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_find(limit, str_from_c(units[i])) < limit.n)
            return true;
    return false;
}

static void delay_check(const struct fault_delay *delay, const struct path *at, struct err *e)
{
    rule_percentage(delay->percentage, AT_FIELD(at, "percentage"), e);
    if (!delay->value.set)
        err_cause(e, AT_FIELD(at, "value"), empty);
}

static void abort_check(const struct fault_abort *abort, const struct path *at, struct err *e)
{
    const struct path *at_status = AT_FIELD(at, "httpStatus");

    rule_percentage(abort->percentage, AT_FIELD(at, "percentage"), e);
    if (!abort->http_status.set)
        err_cause(e, at_status, empty);
    else if (!is_http_status(abort->http_status.v))
        err_cause(e, at_status, "http status code is incorrect");
}

static void bandwidth_check(const struct fault_bandwidth *bandwidth, const struct path *at, struct err *e)
{
    const struct path *at_limit = AT_FIELD(at, "limit");

    rule_percentage(bandwidth->percentage, AT_FIELD(at, "percentage"), e);
    if (!bandwidth->limit.p)
        err_cause(e, at_limit, empty);
    else if (!has_unit(bandwidth->limit))
        err_cause(e, at_limit, "has to be in kbps/mbps/gbps units");
}

void fault_injection_check(const void *spec, struct err *e)
{
    static const struct fault_injection_conf absent;
    const struct fault_injection_spec *injection = spec;
    const struct fault_injection_conf *conf = injection->conf ? injection->conf : &absent;
    const struct fault_delay *delay = conf->delay;
    const struct fault_abort *abort = conf->abort;
    const struct fault_bandwidth *bandwidth = conf->response_bandwidth;
    const struct path *at = AT_FIELD(NULL, "conf");

    /* An empty object is as good as none. */
    bool has_delay = delay && (delay->percentage.set || delay->value.set);
    bool has_abort = abort && (abort->percentage.set || abort->http_status.set);
    bool has_bandwidth = bandwidth && (bandwidth->percentage.set || bandwidth->limit.p);

    rule_selectors_c(&injection->select, e);
    if (!has_delay && !has_abort && !has_bandwidth)
        err_cause(e, at, "must have at least one of the faults configured");
    if (has_delay)
        delay_check(delay, AT_FIELD(at, "delay"), e);
    if (has_abort)
        abort_check(abort, AT_FIELD(at, "abort"), e);
    if (has_bandwidth)
        bandwidth_check(bandwidth, AT_FIELD(at, "responseBandwidth"), e);
}
