/* membership.c -- which Dataplanes a Mesh lets in: Mesh.constraints (resources.md 2.2, Membership). */
#include "kind.h"
#include "ursa/base/buf.h"

/* Every tag of the rule is there with the same value; "*" is any value but the empty one. */
static bool matches(const struct tags *rule, const struct tags *set)
{
    for (size_t i = 0; i < rule->n; i++) {
        struct str value = tags_get(set, rule->v[i].key);
        bool any = str_eq(rule->v[i].value, STR("*")) && value.n > 0;

        if (!any && !str_eq(rule->v[i].value, value))
            return false;
    }
    return true;
}

static const struct tags *first_match(const struct tag_rule *rules, size_t n, const struct tags *set)
{
    for (size_t i = 0; i < n; i++)
        if (matches(&rules[i].tags, set))
            return &rules[i].tags;
    return NULL;
}

/* "k=v k=v", quoted. */
static struct str tags_text(const struct tags *tags, struct arena *a)
{
    struct buf text;

    buf_init(&text, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < tags->n; i++)
        buf_printf(&text, "%s" STR_FMT "=" STR_FMT, i ? " " : "", STR_ARG(tags->v[i].key),
                   STR_ARG(tags->v[i].value));
    struct str quoted = str_quote(a, buf_str(&text));
    buf_fini(&text);
    return quoted;
}

/* False when the tag set may not be in the mesh: a cause says why. */
static bool may_join(const struct proxy_constraints *rules, struct str mesh, const struct tags *set,
                     const struct path *at, struct err *e)
{
    struct arena *a = e->arena;

    if (rules->n_requirements > 0 && !first_match(rules->requirements, rules->n_requirements, set)) {
        err_cause(e, at,
                  "dataplane cannot be a member of mesh " STR_FMT " because its tags " STR_FMT
                  " does not fulfill any requirements defined on the Mesh",
                  STR_ARG(str_quote(a, mesh)), STR_ARG(tags_text(set, a)));
        return false;
    }
    const struct tags *denied = first_match(rules->restrictions, rules->n_restrictions, set);

    if (denied)
        err_cause(e, at,
                  "dataplane cannot be a member of mesh " STR_FMT " because its tags " STR_FMT
                  " matches restricted tags " STR_FMT " defined on the Mesh",
                  STR_ARG(str_quote(a, mesh)), STR_ARG(tags_text(set, a)), STR_ARG(tags_text(denied, a)));
    return !denied;
}

enum err_kind mesh_check_membership(const struct mesh_spec *spec, struct str mesh,
                                    const struct dataplane_spec *dp, struct err *e)
{
    const struct proxy_constraints *rules = spec->constraints ? spec->constraints->dataplane_proxy : NULL;
    const struct dp_networking *net = dp->networking;
    const struct path *at = AT_FIELD(NULL, "networking");

    if (!rules)
        return ERR_NONE;
    /* The first tag set that may not join is the answer. */
    for (size_t i = 0; i < net->n_inbound; i++)
        if (!may_join(rules, mesh, &net->inbound[i].tags,
                      AT_FIELD(AT_INDEX(AT_FIELD(at, "inbound"), i), "tags"), e))
            return e->kind;
    if (net->gateway &&
        !may_join(rules, mesh, &net->gateway->tags, AT_FIELD(AT_FIELD(at, "gateway"), "tags"), e))
        return e->kind;
    return ERR_NONE;
}
