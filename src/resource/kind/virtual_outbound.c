/* virtual_outbound.c -- VirtualOutbound: host names and ports that are made of the tags of services. */
#include <stdlib.h>

#include "kind.h"
#include "template.h"
#include "ursa/base/map.h"

static const struct field parameter_fields[] = {
    F_STR("name", struct virtual_outbound_parameter, name),
    F_STR("tagKey", struct virtual_outbound_parameter, tag_key, .alias = "tag_key"),
    F_END,
};

static const struct field conf_fields[] = {
    F_STR("host", struct virtual_outbound_conf, host),
    F_STR("port", struct virtual_outbound_conf, port),
    F_LIST("parameters", struct virtual_outbound_conf, parameters, n_parameters, parameter_fields),
    F_END,
};

const struct field virtual_outbound_fields[] = {
    F_SELECTORS,
    F_SUB("conf", struct virtual_outbound_spec, conf, conf_fields),
    F_END,
};

/* ---- running the templates ---- */

static struct str tag_of(const struct virtual_outbound_parameter *parameter)
{
    return parameter->tag_key.n > 0 ? parameter->tag_key : parameter->name;
}

static int by_key(const void *a, const void *b)
{
    const struct tag *x = a, *y = b;

    return str_cmp(x->key, y->key);
}

/* The parameters that have a value, by name. 'tags' NULL: every one is 'dummy'. */
static struct tags values_of(const struct virtual_outbound_conf *conf, const struct tags *tags,
                             struct str dummy, struct arena *a)
{
    struct tags values = {.v = ARENA_ARRAY(a, struct tag, conf->n_parameters)};

    for (size_t i = 0; i < conf->n_parameters; i++) {
        struct str value = tags ? tags_get(tags, tag_of(&conf->parameters[i])) : dummy;

        if (value.p)
            values.v[values.n++] = (struct tag){.key = conf->parameters[i].name, .value = value};
    }
    qsort(values.v, values.n, sizeof(values.v[0]), by_key);
    return values;
}

static bool host_of(const struct virtual_outbound_conf *conf, const struct tags *values, struct arena *a,
                    struct str *host, struct str *reason)
{
    if (!template_run(conf->host, values, a, host, reason))
        return false;
    if (is_dns_name(*host))
        return true;
    *reason = arena_printf(
        a, "evaluation of template with parameters didn't return a valid dns name result='" STR_FMT "'",
        STR_ARG(*host));
    return false;
}

static bool port_of(const struct virtual_outbound_conf *conf, const struct tags *values, struct arena *a,
                    uint32_t *port, struct str *reason)
{
    struct str text;
    int64_t number;

    if (!template_run(conf->port, values, a, &text, reason))
        return false;
    if (!str_to_int(text, INT64_MIN, INT64_MAX, &number)) {
        *reason = arena_printf(a,
                               "evaluation of template with parameters didn't evaluate to a parsable number "
                               "result='" STR_FMT "'",
                               STR_ARG(text));
        return false;
    }
    if (number < 1 || number > 65535) {
        *reason = arena_printf(
            a, "evaluation of template returned a port outside of the range [1..65535] result='%lld'",
            (long long)number);
        return false;
    }
    *port = (uint32_t)number;
    return true;
}

bool virtual_outbound_host(const struct virtual_outbound_conf *conf, const struct tags *tags, struct arena *a,
                           struct str *host, struct str *reason)
{
    struct tags values = values_of(conf, tags, STR_NONE, a);

    return host_of(conf, &values, a, host, reason);
}

bool virtual_outbound_port(const struct virtual_outbound_conf *conf, const struct tags *tags, struct arena *a,
                           uint32_t *port, struct str *reason)
{
    struct tags values = values_of(conf, tags, STR_NONE, a);

    return port_of(conf, &values, a, port, reason);
}

static bool is_selected(const struct selector_spec *select, const struct tags *tags, struct rank *best)
{
    bool found = false;

    for (size_t i = 0; i < select->n_selectors; i++) {
        const struct tags *match = &select->selectors[i].match;
        struct rank rank = selector_rank(match);

        if (!selector_matches(match, tags) || (found && rank_cmp(rank, *best) <= 0))
            continue;
        *best = rank;
        found = true;
    }
    return found;
}

/* Those that a parameter names; 'tags' are sorted, and so is what is kept. */
static struct tags named_tags(const struct virtual_outbound_conf *conf, const struct tags *tags,
                              struct arena *a)
{
    struct tags kept = {.v = ARENA_ARRAY(a, struct tag, tags->n)};

    for (size_t i = 0; i < tags->n; i++) {
        size_t k = 0;

        while (k < conf->n_parameters && !str_eq(tag_of(&conf->parameters[k]), tags->v[i].key))
            k++;
        if (k < conf->n_parameters)
            kept.v[kept.n++] = tags->v[i];
    }
    return kept;
}

bool virtual_outbound_of(const struct virtual_outbound_spec *spec, const struct tags *tags, struct arena *a,
                         struct virtual_outbound *out)
{
    struct str reason;

    if (!is_selected(&spec->select, tags, &out->rank) ||
        !virtual_outbound_host(spec->conf, tags, a, &out->domain, &reason) ||
        !virtual_outbound_port(spec->conf, tags, a, &out->port, &reason))
        return false;
    out->tags = named_tags(spec->conf, tags, a);
    return true;
}

/* ---- rules ---- */

static const char needed[] = "has to be defined";

static bool is_alphanumeric(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 'a' || s.p[i] > 'z') && (s.p[i] < 'A' || s.p[i] > 'Z') &&
            (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    return s.n > 0;
}

static void parameter_check(const struct virtual_outbound_parameter *parameter, const struct path *at,
                            struct err *e)
{
    const struct path *at_name = AT_FIELD(at, "name");

    if (parameter->tag_key.n > 0 && !is_tag_name(parameter->tag_key))
        err_cause(e, AT_FIELD(at, "tagKey"), "must be a valid tag name");
    if (parameter->tag_key.n == 0 && !is_tag_name(parameter->name))
        err_cause(e, at_name, "must be a valid tag name if you are not setting tagKey");
    if (!is_alphanumeric(parameter->name))
        err_cause(e, at_name, "must consist of alphanumeric characters to be used as a gotemplate key");
}

static void parameters_check(const struct virtual_outbound_conf *conf, const struct path *at, struct err *e)
{
    bool has_service = false;
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < conf->n_parameters; i++) {
        struct virtual_outbound_parameter *parameter = &conf->parameters[i];

        if (map_put(&seen, parameter->name, parameter))
            err_cause(e, AT_FIELD(AT_INDEX(at, i), "name"), "name is already used");
        has_service |= str_eq(parameter->tag_key, TAG_SERVICE);
        parameter_check(parameter, AT_INDEX(at, i), e);
    }
    if (!has_service)
        err_cause(e, at, "must contain a parameter with kuma.io/service as a tagKey");
    map_fini(&seen);
}

/* The templates are tried with values that suit every sensible one. */
static void templates_check(const struct virtual_outbound_conf *conf, const struct path *at, struct err *e)
{
    static const char failed[] = "template pre evaluation failed with error='" STR_FMT "'";
    const struct path *at_host = AT_FIELD(at, "host"), *at_port = AT_FIELD(at, "port");
    struct tags words = values_of(conf, NULL, STR("dummy"), e->arena);
    struct tags numbers = values_of(conf, NULL, STR("1"), e->arena);
    struct str host, reason;
    uint32_t port;

    if (conf->host.n == 0)
        err_cause(e, at_host, "%s", needed);
    else if (!host_of(conf, &words, e->arena, &host, &reason))
        err_cause(e, at_host, failed, STR_ARG(reason));
    if (conf->port.n == 0)
        err_cause(e, at_port, "%s", needed);
    else if (!port_of(conf, &numbers, e->arena, &port, &reason))
        err_cause(e, at_port, failed, STR_ARG(reason));
}

void virtual_outbound_check(const void *spec, struct err *e)
{
    const struct virtual_outbound_spec *outbound = spec;
    const struct path *at = AT_FIELD(NULL, "conf");

    rule_selectors(&(const struct selector_rules){.at_least_one = true}, &outbound->select, e);
    if (!outbound->conf) {
        err_cause(e, at, "%s", needed);
        return;
    }
    parameters_check(outbound->conf, AT_FIELD(at, "parameters"), e);
    templates_check(outbound->conf, at, e);
}
