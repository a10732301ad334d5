/* matched.c -- the policies of a mesh that hit a proxy, and at what (rest-api.md 6). */
#include "ursa/policy_matched.h"

#include <stdlib.h>

#include "ursa/base/vec.h"

#define LOCALHOST STR("127.0.0.1")

void mesh_policies_read(struct arena *a, const struct snap *snap, struct str mesh, struct mesh_policies *out)
{
    for (enum res_type t = 0; t < RES_N; t++) {
        out->of[t] = (struct res_list){0};
        if (!(res_type_info(t)->traits & RES_POLICY))
            continue;
        struct snap_range range = snap_range(snap, t, mesh);
        struct snap_iter it = snap_iter(&range);
        const struct resource **v = ARENA_ARRAY(a, const struct resource *, range.n);
        size_t n = 0;
        for (const struct resource *r; (r = snap_next(&it));)
            v[n++] = r;
        out->of[t] = (struct res_list){n, v};
    }
}

struct selection mesh_policies_select(struct arena *a, const struct mesh_policies *policies,
                                      enum res_type type, const struct places *places)
{
    return target_select(a, policies->of[type], policies->of[RES_MESH_HTTP_ROUTE], places);
}

/* ---- collecting ---- */

struct collector {
    struct arena *arena;
    const struct mesh_policies *policies;
    const struct dp_networking *net;
    struct tag_sets source;
    enum res_type only;
    struct VEC(struct attachment) found;
};

static bool wants(const struct collector *c, enum res_type type)
{
    return c->only == RES_N || c->only == type;
}

static void attach(struct collector *c, enum attachment_kind kind, struct str name, struct str service,
                   const struct resource *policy)
{
    if (policy)
        VEC_PUSH(&c->found, ((struct attachment){kind, name, service, policy, c->found.n}));
}

/* Types that are chosen in the same way. */
static const enum res_type per_inbound[] = {RES_FAULT_INJECTION, RES_RATE_LIMIT};
static const enum res_type per_outbound[] = {RES_TIMEOUT, RES_TRAFFIC_ROUTE};
static const enum res_type per_service[] = {RES_CIRCUIT_BREAKER, RES_HEALTH_CHECK, RES_RETRY};
static const enum res_type per_proxy[] = {RES_PROXY_TEMPLATE, RES_TRAFFIC_TRACE};

static bool wants_any(const struct collector *c, const enum res_type *types, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (wants(c, types[i]))
            return true;
    }
    return false;
}

static const struct resource *choose_outbound(const struct collector *c, enum res_type type,
                                              struct str service)
{
    const struct res_list *list = &c->policies->of[type];

    return classic_choose_outbound(list->v, list->n, c->source, service);
}

static void collect_proxy(struct collector *c, const struct dataplane_spec *dp)
{
    struct places places = places_of(c->arena, dp, NULL);

    for (size_t i = 0; i < ARRAY_LEN(per_proxy); i++) {
        const struct res_list *list = &c->policies->of[per_proxy[i]];
        if (wants(c, per_proxy[i]))
            attach(c, ATTACHED_TO_DATAPLANE, STR_NONE, STR_NONE,
                   classic_choose_proxy(list->v, list->n, c->source));
    }
    for (enum res_type t = 0; t < RES_N; t++) {
        if (!(res_type_info(t)->traits & RES_TARGET_REF) || !wants(c, t))
            continue;
        struct selection s = mesh_policies_select(c->arena, c->policies, t, &places);
        for (size_t i = 0; i < s.n; i++)
            attach(c, ATTACHED_TO_DATAPLANE, STR_NONE, STR_NONE, s.v[i].policy);
    }
}

static void collect_all_of_inbound(struct collector *c, enum res_type type, const struct dp_inbound *in,
                                   struct str name, struct str service)
{
    const struct res_list *list = &c->policies->of[type];
    struct inbound_choices all = classic_choose_all_inbound(c->arena, list->v, list->n, &in->tags);

    for (size_t i = 0; i < all.n; i++) {
        size_t k = 0; /* a policy is shown once, however many of its sources count */
        while (k < i && all.v[k].policy != all.v[i].policy)
            k++;
        if (k == i)
            attach(c, ATTACHED_TO_INBOUND, name, service, all.v[i].policy);
    }
}

static void collect_inbound(struct collector *c, const struct dp_inbound *in)
{
    const struct res_list *permissions = &c->policies->of[RES_TRAFFIC_PERMISSION];
    struct str address = inbound_address(c->net, in), service = tags_get(&in->tags, TAG_SERVICE);
    struct str name =
        arena_printf(c->arena, STR_FMT ":%u:%u", STR_ARG(address), in->port, inbound_workload_port(in));

    if (wants(c, RES_TRAFFIC_PERMISSION))
        attach(c, ATTACHED_TO_INBOUND, name, service,
               classic_choose_inbound(permissions->v, permissions->n, &in->tags));
    for (size_t i = 0; i < ARRAY_LEN(per_inbound); i++) {
        if (wants(c, per_inbound[i]))
            collect_all_of_inbound(c, per_inbound[i], in, name, service);
    }
}

struct names VEC(struct str);

/* The service goes to 'services', and where its route leads to 'reached'. */
static void collect_outbound(struct collector *c, const struct dp_outbound *out, struct names *services,
                             struct names *reached)
{
    struct str service = tags_get(&out->tags, TAG_SERVICE);
    struct str address = out->address.n ? out->address : LOCALHOST;
    struct str name = arena_printf(c->arena, STR_FMT ":%u", STR_ARG(address), out->port);
    struct str_list to = {&service, 1};

    for (size_t i = 0; i < ARRAY_LEN(per_outbound); i++) {
        if (wants(c, per_outbound[i]))
            attach(c, ATTACHED_TO_OUTBOUND, name, service, choose_outbound(c, per_outbound[i], service));
    }
    VEC_PUSH(services, service);
    if (!wants_any(c, per_service, ARRAY_LEN(per_service)))
        return;
    const struct resource *route = choose_outbound(c, RES_TRAFFIC_ROUTE, service);
    if (route)
        to = traffic_route_services(resource_traffic_route(route), &out->tags, c->arena);
    for (size_t i = 0; i < to.n; i++)
        VEC_PUSH(reached, to.v[i]);
}

static void sort_distinct(struct names *names)
{
    size_t kept = 0;

    if (names->n > 0)
        qsort(names->v, names->n, sizeof(names->v[0]), str_order);
    for (size_t i = 0; i < names->n; i++) {
        if (kept == 0 || !str_eq(names->v[i], names->v[kept - 1]))
            names->v[kept++] = names->v[i];
    }
    names->n = kept;
}

static void collect_services(struct collector *c, enum res_type type, const struct names *services)
{
    for (size_t i = 0; wants(c, type) && i < services->n; i++)
        attach(c, ATTACHED_TO_SERVICE, services->v[i], services->v[i],
               choose_outbound(c, type, services->v[i]));
}

static void collect_outbounds(struct collector *c)
{
    struct names services = {0}, reached = {0};

    if (!wants_any(c, per_outbound, ARRAY_LEN(per_outbound)) &&
        !wants_any(c, per_service, ARRAY_LEN(per_service)) && !wants(c, RES_TRAFFIC_LOG))
        return;
    for (size_t i = 0; i < c->net->n_outbound; i++)
        collect_outbound(c, &c->net->outbound[i], &services, &reached);
    VEC_PUSH(&services, SERVICE_PASS_THROUGH);
    sort_distinct(&services);
    sort_distinct(&reached);
    for (size_t i = 0; i < ARRAY_LEN(per_service); i++)
        collect_services(c, per_service[i], &reached);
    collect_services(c, RES_TRAFFIC_LOG, &services);
    VEC_FINI(&services);
    VEC_FINI(&reached);
}

/* ---- order ---- */

static struct str type_name(const struct resource *r)
{
    return res_type_info(r->key.type)->name;
}

static int attachment_order(const void *a, const void *b)
{
    const struct attachment *x = a, *y = b;
    int order = (int)x->kind - (int)y->kind;

    order = order ? order : str_cmp(x->name, y->name);
    order = order ? order : str_cmp(x->service, y->service);
    order = order ? order : str_cmp(type_name(x->policy), type_name(y->policy));
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

struct attachments matched_policies(struct arena *a, const struct mesh_policies *policies,
                                    const struct dataplane_spec *dp, enum res_type only)
{
    struct collector c = {.arena = a,
                          .policies = policies,
                          .net = dp->networking,
                          .source = dataplane_tag_sets(a, dp),
                          .only = only};

    collect_proxy(&c, dp);
    for (size_t i = 0; i < c.net->n_inbound; i++)
        collect_inbound(&c, &c.net->inbound[i]);
    collect_outbounds(&c);
    struct attachments all = {c.found.n, ARENA_ARRAY(a, struct attachment, c.found.n)};
    for (size_t i = 0; i < all.n; i++)
        all.v[i] = c.found.v[i];
    VEC_FINI(&c.found);
    if (all.n > 0)
        qsort(all.v, all.n, sizeof(all.v[0]), attachment_order);
    return all;
}
