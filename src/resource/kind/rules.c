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

static void check_tag(const struct tag_rules *rules, const struct tag *tag, const struct path *at,
                      struct err *e)
{
    const struct path *at_key = AT_KEY(at, tag->key);

    if (tag->key.n == 0)
        err_cause(e, at, "tag name must be non-empty");
    if (!in_charset(tag->key, ".-_:/"))
        err_cause(e, at_key,
                  "tag name must consist of alphanumeric characters, dots, dashes, slashes and underscores");
    if (rules->only_service && !str_eq(tag->key, TAG_SERVICE))
        err_cause(e, at_key, "tag " STR_FMT " is not allowed", STR_ARG(str_quote(e->arena, tag->key)));
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

static const struct tag_rules any_tags = {.selector = true, .at_least_one = true};
static const struct tag_rules with_service = {.selector = true, .at_least_one = true, .needs_service = true};
static const struct tag_rules service_only = {.selector = true, .needs_service = true, .only_service = true};

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

void rule_destination(const struct tags *tags, const struct path *at, struct err *e)
{
    rule_tags(&with_service, tags, at, e);
}

void rule_port(uint32_t port, const struct path *at, struct err *e)
{
    if (port < 1 || port > 65535)
        err_cause(e, at, "port must be in the range [1, 65535]");
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
