/* target.c -- which policies with a targetRef select a proxy, and in which order they are merged
 * (resources.md 6.6, M1 to M4). */
#include "ursa/policy.h"

const struct resource *res_list_find(struct res_list list, struct str name)
{
    size_t from = 0, to = list.n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = str_cmp(name, list.v[mid]->key.name);
        if (order == 0)
            return list.v[mid];
        if (order < 0)
            to = mid;
        else
            from = mid + 1;
    }
    return NULL;
}

/* ---- the proxy ---- */

static struct places inbound_places(struct arena *a, const struct dp_networking *net)
{
    struct places p = {net->n_inbound, ARENA_ARRAY(a, struct place, net->n_inbound), STR_NONE};

    for (size_t i = 0; i < p.n; i++)
        p.v[i] = (struct place){.address = inbound_address(net, &net->inbound[i]),
                                .port = net->inbound[i].port,
                                .tags = net->inbound[i].tags};
    return p;
}

struct places places_of(struct arena *a, const struct dataplane_spec *dp, const struct resource *gateway)
{
    const struct dp_networking *net = dp->networking;

    if (!gateway || !net->gateway)
        return inbound_places(a, net);
    const struct gateway_conf *conf = resource_mesh_gateway(gateway)->conf;
    struct places p = {.n = conf ? conf->n_listeners : 0, .gateway = gateway->key.name};
    p.v = ARENA_ARRAY(a, struct place, p.n);
    for (size_t i = 0; i < p.n; i++)
        p.v[i] = (struct place){.address = net->address,
                                .port = conf->listeners[i].port,
                                .tags = gateway_listener_tags(a, dp, gateway, i),
                                .own = conf->listeners[i].tags};
    return p;
}

/* ---- whom a policy means ---- */

static struct tags with_service(struct arena *a, const struct target_ref *ref)
{
    struct tag service = {TAG_SERVICE, ref->name};
    const struct tags one = {&service, 1};

    return tags_merged(a, &ref->tags, &one);
}

/* Marks the places that a reference other than to a route selects; false when there is none. */
static bool mark(struct arena *a, const struct target_ref *ref, const struct places *places, bool *marks)
{
    bool is_gateway = ref->kind == TARGET_MESH_GATEWAY, found = false;
    struct tags selector = {0};

    if (ref->kind == TARGET_MESH_SERVICE || ref->kind == TARGET_MESH_SERVICE_SUBSET)
        selector = with_service(a, ref);
    else if (ref->kind == TARGET_MESH_SUBSET || is_gateway)
        selector = ref->tags;
    else if (ref->kind != TARGET_MESH)
        return false; /* nothing, and a route that points to a route */
    if (is_gateway && (!places->gateway.p || !str_eq(places->gateway, ref->name)))
        return false;
    for (size_t i = 0; i < places->n; i++) {
        marks[i] = selector_matches(&selector, is_gateway ? &places->v[i].own : &places->v[i].tags);
        found |= marks[i];
    }
    return found;
}

static bool select_one(struct arena *a, const struct resource *policy, struct res_list routes,
                       const struct places *places, struct selected *out)
{
    const struct target_ref *ref = resource_target_ref(policy);
    bool *marks = ARENA_ARRAY(a, bool, places->n);

    *out = (struct selected){.policy = policy, .places = marks};
    if (ref->kind == TARGET_MESH_HTTP_ROUTE) {
        out->route = res_list_find(routes, ref->name);
        if (!out->route)
            return false;
        ref = resource_target_ref(out->route);
    }
    return mark(a, ref, places, marks);
}

struct selection target_select(struct arena *a, struct res_list policies, struct res_list routes,
                               const struct places *places)
{
    struct selection all = {0, ARENA_ARRAY(a, struct selected, policies.n)};

    /* By kind, then name: the list is sorted by name, and few policies make insertion cheap. */
    for (size_t i = 0; i < policies.n; i++) {
        uint32_t kind = resource_target_ref(policies.v[i])->kind;
        struct selected one;
        size_t at = all.n;
        if (!select_one(a, policies.v[i], routes, places, &one))
            continue;
        for (; at > 0 && resource_target_ref(all.v[at - 1].policy)->kind > kind; at--)
            all.v[at] = all.v[at - 1];
        all.v[at] = one;
        all.n++;
    }
    return all;
}
