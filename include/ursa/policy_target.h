/* ursa/policy_target.h -- policies with a targetRef: which of them select a proxy, and what they say together
 * (resources.md 6.6, 6.7; docs/decisions/0010).
 *
 * Two steps, both pure functions, any thread. target_select() asks whom the policies of one type mean; the
 * rules_*() merge what the selected ones say into rules, most specific first. Neither knows what a policy's
 * configuration means: it is JSON as GET shows it. Everything else that comes out lives in the arena, or is
 * borrowed from the resources that went in. */
#ifndef URSA_POLICY_TARGET_H
#define URSA_POLICY_TARGET_H

#include <jansson.h>

#include "ursa/base/err.h"
#include "ursa/resource.h"

/* Resources of one type in one mesh, sorted by name. */
struct res_list {
    size_t n;
    const struct resource *const *v;
};
const struct resource *res_list_find(struct res_list, struct str name); /* NULL when absent */

/* ---- the proxy ---- */
/* Where a proxy is called: an inbound, or a listener of the MeshGateway that runs on it. */
struct place {
    struct str address;
    uint32_t port;
    struct tags tags; /* what selectors are held against: of a listener the merged ones */
    struct tags own;  /* a listener's alone, which a targetRef of kind MeshGateway asks for */
};
struct places {
    size_t n;
    struct place *v;    /* inbounds in order, or listeners in order */
    struct str gateway; /* name of the MeshGateway; p == NULL: none */
};
/* 'gateway': the MeshGateway chosen for a builtin gateway (gateway_choose()), else NULL. */
struct places places_of(struct arena *, const struct dataplane_spec *, const struct resource *gateway);

/* ---- whom a policy means ---- */
/* A policy that selects at least one place of the proxy. */
struct selected {
    const struct resource *policy;
    const struct resource *route; /* the MeshHTTPRoute that its targetRef names; NULL with other kinds */
    const bool *places;           /* for each place: whether it is selected */
};
struct selection {
    size_t n;
    struct selected *v; /* in order of merging: later ones override earlier ones */
};
/* 'policies' are of one type with a targetRef, 'routes' the mesh's MeshHTTPRoutes. */
struct selection target_select(struct arena *, struct res_list policies, struct res_list routes,
                               const struct places *);

/* ---- what they say together ---- */
struct rule_tag {
    struct str key, value;
    bool negated; /* the key is there, but with another value */
};
struct rule {
    struct rule_tag *tags; /* by key, then value; none: everybody */
    size_t n_tags;
    json_t *conf;                    /* the merged configuration; owned by the rules */
    const struct resource **origins; /* the policies it is made of, by name */
    size_t n_origins;
};
/* Most specific first: what concerns somebody is the first rule that rules_find() gives. */
struct rules {
    size_t n;
    struct rule *v;
};
void rules_fini(struct rules *); /* drops the configurations */

/* The rules of "to" items of the selected policies, of "from" items of those that select the place, and of
 * policies that say one thing about the whole proxy. None when the type has no such items. ERR_LIMIT when the
 * subsets of the items have too many combinations, ERR_INVALID when an item's targetRef has no subset; the
 * rules are empty then. */
MUST_USE enum err_kind rules_to(struct arena *, struct selection, struct rules *out, struct err *e);
MUST_USE enum err_kind rules_from(struct arena *, struct selection, size_t place, struct rules *out,
                                  struct err *e);
MUST_USE enum err_kind rules_single(struct arena *, struct selection, struct rules *out, struct err *e);
/* The first rule that concerns who has these tags; NULL when none does. */
const struct rule *rules_find(const struct rules *, const struct tags *);

/* A policy that targets a MeshHTTPRoute says something about calls that match one of the route's rules: the
 * subset's further key, and its value for these matches. */
#define TAG_RULE_MATCHES STR("__rule-matches-hash__")
struct str rule_matches_hash(struct arena *, const json_t *matches);

#endif
