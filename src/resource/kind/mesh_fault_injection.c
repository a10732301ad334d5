/* mesh_fault_injection.c -- MeshFaultInjection: calls that fail, wait or crawl on purpose. */
#include <string.h>

#include "target.h"

static const struct field abort_fields[] = {
    F_OPT_I32("httpStatus", struct injected_abort, http_status, .required = true),
    F_INT_OR_STR("percentage", struct injected_abort, percentage, .required = true),
    F_END,
};

static const struct field delay_fields[] = {
    F_SPAN("value", struct injected_delay, value, .required = true),
    F_INT_OR_STR("percentage", struct injected_delay, percentage, .required = true),
    F_END,
};

static const struct field bandwidth_fields[] = {
    F_STR("limit", struct injected_bandwidth, limit, .required = true),
    F_INT_OR_STR("percentage", struct injected_bandwidth, percentage, .required = true),
    F_END,
};

static const struct field fault_fields[] = {
    F_SUB("abort", struct injected_fault, abort, abort_fields),
    F_SUB("delay", struct injected_fault, delay, delay_fields),
    F_SUB("responseBandwidth", struct injected_fault, response_bandwidth, bandwidth_fields),
    F_END,
};

static const struct field conf_fields[] = {
    F_LIST("http", struct mesh_fault_injection_conf, http, n_http, fault_fields, .keep_empty = true),
    F_END,
};

static const struct field item_fields[] = {
    F_TARGET_ITEM(struct mesh_fault_injection_item, conf_fields),
    F_END,
};

static const struct field spec_fields[] = {
    F_TARGET_REF(struct mesh_fault_injection_spec),
    F_LIST("from", struct mesh_fault_injection_spec, from, n_from, item_fields),
    F_END,
};

const struct field mesh_fault_injection_fields[] = {
    F_SPEC(spec_fields),
    F_END,
};

static void limit_check(struct str limit, const struct path *at, struct err *e)
{
    if (limit.n == 0)
        err_cause(e, at, "must be defined");
    /* COMPAT: the unit may stand anywhere in the text, even without a number. */
    else if (str_find(limit, STR("gbps")) == limit.n && str_find(limit, STR("mbps")) == limit.n &&
             str_find(limit, STR("kbps")) == limit.n)
        err_cause(e, at, "has to be in kbps/mbps/gbps units");
}

/* COMPAT: in the reference's paths the index stands behind the fault's name. */
static void fault_check(const struct injected_fault *fault, size_t i, const struct path *at, struct err *e)
{
    const struct path *at_abort = AT_INDEX(AT_FIELD(at, "abort"), i);
    const struct path *at_delay = AT_INDEX(AT_FIELD(at, "delay"), i);
    const struct path *at_bandwidth = AT_INDEX(AT_FIELD(at, "responseBandwidth"), i);

    if (fault->abort) {
        rule_status_code(fault->abort->http_status.v, AT_FIELD(at_abort, "httpStatus"), e);
        rule_number_percentage(&fault->abort->percentage, AT_FIELD(at_abort, "percentage"), e);
    }
    if (fault->delay) {
        rule_span_not_negative(fault->delay->value, AT_FIELD(at_delay, "value"), e);
        rule_number_percentage(&fault->delay->percentage, AT_FIELD(at_delay, "percentage"), e);
    }
    if (fault->response_bandwidth) {
        limit_check(fault->response_bandwidth->limit, AT_FIELD(at_bandwidth, "responseBandwidth"), e);
        rule_number_percentage(&fault->response_bandwidth->percentage, AT_FIELD(at_bandwidth, "percentage"),
                               e);
    }
}

void mesh_fault_injection_check(const void *spec, struct err *e)
{
    const struct mesh_fault_injection_spec *injection = spec;
    const struct path *at = AT_FIELD(NULL, "spec"), *at_from = AT_FIELD(at, "from");

    rule_target_ref(&injection->target_ref, TARGETS_PROXIES, AT_FIELD(at, "targetRef"), e);
    for (size_t i = 0; i < injection->n_from; i++) {
        const struct mesh_fault_injection_item *item = &injection->from[i];
        const struct path *at_item = AT_INDEX(at_from, i);
        const struct path *at_http = AT_FIELD(AT_FIELD(at_item, "default"), "http");

        rule_target_ref(&item->target_ref, TARGETS_PROXIES, AT_FIELD(at_item, "targetRef"), e);
        for (size_t k = 0; k < item->conf.n_http; k++)
            fault_check(&item->conf.http[k], k, at_http, e);
    }
}
