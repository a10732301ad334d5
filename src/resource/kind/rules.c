/* rules.c -- tags, selectors and numbers. Addresses and URLs are in address.c. */
#include "rules.h"

#include "../field.h"

static bool in_charset(struct str s, const char *extra)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
            str_chr(str_from_c(extra), c) == str_from_c(extra).n)
            return false;
    }
    return true;
}

bool is_tag_name(struct str s)
{
    return in_charset(s, ".-_:/");
}

static bool is_reserved(struct str key)
{
    return str_eq(key, TAG_SERVICE) || str_eq(key, TAG_PROTOCOL) || str_eq(key, TAG_ZONE) ||
           str_eq(key, STR("kuma.io/external-service-name"));
}

static void check_tag(const struct tag_rules *rules, const struct tag *tag, const struct path *at,
                      struct err *e)
{
    const struct path *at_key = AT_KEY(at, tag->key);

    if (tag->key.n == 0)
        err_cause(e, at, "tag name must be non-empty");
    if (!is_tag_name(tag->key))
        err_cause(e, at_key,
                  "tag name must consist of alphanumeric characters, dots, dashes, slashes and underscores");
    if (rules->only_service && !str_eq(tag->key, TAG_SERVICE))
        err_cause(e, at_key, "tag " STR_FMT " is not allowed", STR_ARG(str_quote(e->arena, tag->key)));
    if (rules->no_reserved && is_reserved(tag->key))
        err_cause(e, at_key, "tag name must not be " STR_FMT, STR_ARG(str_quote(e->arena, tag->key)));
    if (tag->value.n == 0)
        err_cause(e, at_key, "tag value must be non-empty");
    if (rules->selector && !in_charset(tag->value, ".-_:/") && !str_eq(tag->value, STR("*")))
        err_cause(e, at_key,
                  "tag value must consist of alphanumeric characters, dots, dashes, slashes and underscores "
                  "or be \"*\"");
    if (!rules->selector && !in_charset(tag->value, ".-_:"))
        err_cause(e, at_key,
                  "tag value must consist of alphanumeric characters, dots, dashes and underscores");
}

void rule_tags(const struct tag_rules *rules, const struct tags *tags, const struct path *at, struct err *e)
{
    bool has_service = tags_get(tags, TAG_SERVICE).p;

    if (rules->at_least_one && tags->n == 0)
        err_cause(e, at, "must have at least one tag");
    if (rules->only_service && (tags->n != 1 || !has_service))
        err_cause(e, at, "must consist of exactly one tag \"kuma.io/service\"");
    if (rules->map_check)
        rules->map_check(tags, at, e);
    for (size_t i = 0; i < tags->n; i++)
        check_tag(rules, &tags->v[i], at, e);
    if (rules->needs_service && !has_service)
        err_cause(e, at, "mandatory tag \"kuma.io/service\" is missing");
}

static void check_selectors(const struct tag_rules *rules, const struct selector *v, size_t n,
                            const struct path *at, struct err *e)
{
    if (n == 0)
        err_cause(e, at, "must have at least one element");
    for (size_t i = 0; i < n; i++)
        rule_tags(rules, &v[i].match, AT_FIELD(AT_INDEX(at, i), "match"), e);
}

static void http_protocol_check(const struct tags *tags, const struct path *at, struct err *e)
{
    struct str protocol = tags_get(tags, TAG_PROTOCOL);

    if (!protocol.p)
        err_cause(e, at, "protocol must be specified");
    else if (!str_eq(protocol, STR("http")) && !str_eq(protocol, STR("http2")) &&
             !str_eq(protocol, STR("grpc")))
        err_cause(e, AT_KEY(at, TAG_PROTOCOL), "must be one of the [http, http2, grpc]");
}

static const struct tag_rules any_tags = {.selector = true, .at_least_one = true};
static const struct tag_rules with_service = {.selector = true, .at_least_one = true, .needs_service = true};
static const struct tag_rules service_only = {.selector = true, .needs_service = true, .only_service = true};
static const struct tag_rules http_only = {
    .selector = true, .at_least_one = true, .map_check = http_protocol_check};

void rule_selectors_a(const struct policy_spec *spec, struct err *e)
{
    check_selectors(&with_service, spec->sources, spec->n_sources, AT_FIELD(NULL, "sources"), e);
    check_selectors(&service_only, spec->destinations, spec->n_destinations, AT_FIELD(NULL, "destinations"),
                    e);
}

void rule_selectors_b(const struct policy_spec *spec, struct err *e)
{
    check_selectors(&any_tags, spec->sources, spec->n_sources, AT_FIELD(NULL, "sources"), e);
    check_selectors(&any_tags, spec->destinations, spec->n_destinations, AT_FIELD(NULL, "destinations"), e);
}

void rule_selectors_c(const struct policy_spec *spec, struct err *e)
{
    check_selectors(&any_tags, spec->sources, spec->n_sources, AT_FIELD(NULL, "sources"), e);
    check_selectors(&http_only, spec->destinations, spec->n_destinations, AT_FIELD(NULL, "destinations"), e);
}

void rule_selectors(const struct selector_rules *rules, const struct selector_spec *spec, struct err *e)
{
    const struct path *at = AT_FIELD(NULL, "selectors");

    if (rules->at_least_one && spec->n_selectors == 0)
        err_cause(e, at, "must have at least one element");
    for (size_t i = 0; i < spec->n_selectors; i++) {
        rule_tags(rules->needs_service ? &with_service : &any_tags, &spec->selectors[i].match,
                  AT_FIELD(AT_INDEX(at, i), "match"), e);
        if (rules->at_most_one && i > 0)
            err_cause(e, AT_INDEX(at, i), "there can be at most one selector");
    }
}

void rule_destination(const struct tags *tags, const struct path *at, struct err *e)
{
    rule_tags(&with_service, tags, at, e);
}

void rule_port(uint32_t port, const struct path *at, struct err *e)
{
    if (port < 1 || port > 65535)
        err_cause(e, at, "port must be in the range [1, 65535]");
}

void rule_address(struct str address, const struct path *at, struct err *e)
{
    if (address.n == 0) {
        err_cause(e, at, "address can't be empty");
        return;
    }
    if (str_eq(address, STR("0.0.0.0")) || str_eq(address, STR("::")))
        err_cause(e, at, "must not be 0.0.0.0 or ::");
    if (!is_ip(address) && !is_dns_name(address))
        err_cause(e, at, "address has to be valid IP address or domain name");
}

void rule_protocol_tag(const struct tags *tags, const struct path *at, struct err *e)
{
    static const char *const known[] = {"grpc", "http", "http2", "kafka", "tcp"};
    struct str protocol = tags_get(tags, TAG_PROTOCOL);

    if (!protocol.p)
        return;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq_nocase(protocol, str_from_c(known[i])))
            return;
    err_cause(e, AT_KEY(at, TAG_PROTOCOL),
              "tag \"kuma.io/protocol\" has an invalid value " STR_FMT
              ". Allowed values: grpc, http, http2, kafka, tcp",
              STR_ARG(str_quote(e->arena, protocol)));
}

void rule_percentage(struct opt_double percentage, const struct path *at, struct err *e)
{
    if (!percentage.set)
        err_cause(e, at, "cannot be empty");
    else if (percentage.v < 0 || percentage.v > 100)
        err_cause(e, at, "has to be in [0.0 - 100.0] range");
}

bool is_http_status(uint32_t status)
{
    static const struct {
        uint16_t first, last;
    } known[] = {{100, 103}, {200, 208}, {226, 226}, {300, 305}, {307, 308}, {400, 418},
                 {421, 426}, {428, 429}, {431, 431}, {451, 451}, {500, 508}, {510, 511}};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (status >= known[i].first && status <= known[i].last)
            return true;
    return false;
}

void rule_duration_not_zero(struct opt_dur d, const char *text, const struct path *at, struct err *e)
{
    if (d.set && d.ns == 0)
        err_cause(e, at, "%s", text);
}

void rule_u32_not_zero(struct opt_u32 n, const char *text, const struct path *at, struct err *e)
{
    if (n.set && n.v == 0)
        err_cause(e, at, "%s", text);
}
