/* matches.c -- policies that hit nobody: what they select is not there. */
#include "exam.h"
#include "tag_index.h"
#include "ursa/policy.h"

/* Whom a policy names, and how. */
enum selects {
    SELECTS_NOTHING,    /* it is none, or has a targetRef */
    SELECTS_BOTH_ENDS,  /* sources and destinations */
    SELECTS_WITH_A_LIST /* one list of selectors */
};

static enum selects selects_of(enum res_type type)
{
    static const enum selects of[RES_N] = {
        [RES_TRAFFIC_PERMISSION] = SELECTS_BOTH_ENDS,
        [RES_FAULT_INJECTION] = SELECTS_BOTH_ENDS,
        [RES_RATE_LIMIT] = SELECTS_BOTH_ENDS,
        [RES_TRAFFIC_ROUTE] = SELECTS_BOTH_ENDS,
        [RES_TRAFFIC_LOG] = SELECTS_BOTH_ENDS,
        [RES_TIMEOUT] = SELECTS_BOTH_ENDS,
        [RES_RETRY] = SELECTS_BOTH_ENDS,
        [RES_CIRCUIT_BREAKER] = SELECTS_BOTH_ENDS,
        [RES_HEALTH_CHECK] = SELECTS_BOTH_ENDS,
        [RES_PROXY_TEMPLATE] = SELECTS_WITH_A_LIST,
        [RES_TRAFFIC_TRACE] = SELECTS_WITH_A_LIST,
        [RES_VIRTUAL_OUTBOUND] = SELECTS_WITH_A_LIST,
        [RES_MESH_GATEWAY] = SELECTS_WITH_A_LIST,
        [RES_MESH_GATEWAY_ROUTE] = SELECTS_WITH_A_LIST,
    };
    return of[type];
}

struct matching {
    struct mesh_exam *mesh;
    struct tag_index there; /* the tags of inbounds, gateways and their listeners, and of what is elsewhere */
};

/* ---- what there is ---- */

static void add_dataplane(struct matching *x, struct res_list gateways, const struct dataplane_spec *dp)
{
    const struct dp_networking *net = dp->networking;
    struct arena *a = &x->mesh->scratch;

    for (size_t i = 0; i < net->n_inbound; i++)
        tag_index_add(&x->there, &net->inbound[i].tags);
    if (!net->gateway)
        return;
    tag_index_add(&x->there, &net->gateway->tags);
    struct places places = places_of(a, dp, gateway_choose(a, gateways, dp));
    for (size_t i = 0; i < places.n; i++)
        tag_index_add(&x->there, &places.v[i].tags);
}

static void add_elsewhere(struct matching *x)
{
    const struct snap *snap = x->mesh->exam->world->snap;
    struct snap_range external = snap_range(snap, RES_EXTERNAL_SERVICE, x->mesh->name);
    struct snap_range ingresses = snap_range(snap, RES_ZONE_INGRESS, STR_NONE);
    struct snap_iter it = snap_iter(&external);

    for (const struct resource *r; (r = snap_next(&it));)
        tag_index_add(&x->there, &resource_external_service(r)->tags);
    it = snap_iter(&ingresses);
    for (const struct resource *r; (r = snap_next(&it));) {
        const struct zone_ingress_spec *spec = resource_zone_ingress(r);
        for (size_t i = 0; i < spec->n_available_services; i++)
            if (str_eq(spec->available_services[i].mesh, x->mesh->name))
                tag_index_add(&x->there, &spec->available_services[i].tags);
    }
}

static struct res_list list_of(struct mesh_exam *m, enum res_type type)
{
    struct snap_range range = snap_range(m->exam->world->snap, type, m->name);
    struct snap_iter it = snap_iter(&range);
    const struct resource **v = ARENA_ARRAY(&m->scratch, const struct resource *, range.n);
    size_t n = 0;

    for (const struct resource *r; (r = snap_next(&it));)
        v[n++] = r;
    return (struct res_list){n, v};
}

static void add_all(struct matching *x)
{
    struct tag *service = ARENA_NEW(&x->mesh->scratch, struct tag);
    const struct tags pass_through = {service, 1}; /* where traffic out of the mesh goes */
    struct res_list gateways = list_of(x->mesh, RES_MESH_GATEWAY);
    struct snap_iter it = snap_iter(&x->mesh->dataplanes);

    for (const struct resource *r; (r = snap_next(&it));)
        add_dataplane(x, gateways, resource_dataplane(r));
    add_elsewhere(x);
    *service = (struct tag){TAG_SERVICE, SERVICE_PASS_THROUGH};
    tag_index_add(&x->there, &pass_through);
}

/* ---- telling ---- */

static struct str tags_text(struct arena *a, const struct tags *tags)
{
    struct str text = STR("");

    for (size_t i = 0; i < tags->n; i++)
        text = arena_printf(a, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(text), i ? "," : "",
                            STR_ARG(tags->v[i].key), STR_ARG(tags->v[i].value));
    return text.n ? text : STR("any");
}

static struct str delete_command(struct arena *a, const struct resource *r)
{
    return arena_printf(a, "ursactl delete " STR_FMT " " STR_FMT " --mesh " STR_FMT,
                        STR_ARG(res_type_info(r->key.type)->cli), STR_ARG(r->key.name), STR_ARG(r->key.mesh));
}

static void tell(struct matching *x, const struct resource *policy, struct str what)
{
    struct mesh_exam *m = x->mesh;
    struct arena *a = m->exam->arena;
    struct finding *f = mesh_add(m, FOUND_POLICY_MATCHES_NOTHING, FINDING_WARNING);

    if (!f)
        return;
    f->resource = resource_title(a, policy);
    f->text = arena_printf(a, STR_FMT ": it has no effect", STR_ARG(what));
    f->remedy = arena_printf(a,
                             "correct what it selects ('ursactl get dataplanes --mesh " STR_FMT
                             "' shows what tags there are), or '" STR_FMT "'",
                             STR_ARG(m->name), STR_ARG(delete_command(a, policy)));
}

/* ---- selectors ---- */

static bool any_matches(struct tag_index *index, const struct selector *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tag_index_matches(index, &v[i].match))
            return true;
    return n == 0;
}

/* What is said of selectors of which none matches; the first stands for all. */
static struct str nobody_has(struct matching *x, const char *whose, const struct selector *v, size_t n)
{
    struct arena *a = x->mesh->exam->arena;

    return arena_printf(a, "nothing in the mesh has the tags of its %s (" STR_FMT "%s)", whose,
                        STR_ARG(tags_text(a, &v->match)), n > 1 ? ", ..." : "");
}

static void check_both_ends(struct matching *x, const struct resource *policy)
{
    const struct policy_spec *p = resource_policy(policy);

    if (!any_matches(&x->there, p->sources, p->n_sources))
        tell(x, policy, nobody_has(x, "sources", p->sources, p->n_sources));
    else if (!any_matches(&x->there, p->destinations, p->n_destinations))
        tell(x, policy, nobody_has(x, "destinations", p->destinations, p->n_destinations));
}

static void check_list(struct matching *x, const struct resource *policy)
{
    const struct selector_spec *p = resource_selectors(policy);

    if (!any_matches(&x->there, p->selectors, p->n_selectors))
        tell(x, policy, nobody_has(x, "selectors", p->selectors, p->n_selectors));
}

/* ---- a targetRef ---- */

static bool target_is_there(struct matching *x, const struct target_ref *ref)
{
    struct mesh_exam *m = x->mesh;
    const struct snap *snap = m->exam->world->snap;
    struct tag service = {TAG_SERVICE, ref->name};
    const struct tags one = {&service, 1};
    struct tags selector;

    switch ((enum target_kind)ref->kind) {
    case TARGET_MESH_GATEWAY:
        return snap_find(snap, RES_MESH_GATEWAY, m->name, ref->name) != NULL;
    case TARGET_MESH_HTTP_ROUTE:
        return snap_find(snap, RES_MESH_HTTP_ROUTE, m->name, ref->name) != NULL;
    case TARGET_MESH_SUBSET:
        return tag_index_matches(&x->there, &ref->tags);
    case TARGET_MESH_SERVICE:
    case TARGET_MESH_SERVICE_SUBSET:
        selector = tags_merged(&m->scratch, &ref->tags, &one);
        return tag_index_matches(&x->there, &selector);
    case TARGET_MESH:
    case TARGET_NONE:
        return true;
    }
    return true;
}

static void check_target(struct matching *x, const struct resource *policy)
{
    static const char *const kinds[] = {
        [TARGET_NONE] = "",
        [TARGET_MESH] = "Mesh",
        [TARGET_MESH_SUBSET] = "MeshSubset",
        [TARGET_MESH_GATEWAY] = "MeshGateway",
        [TARGET_MESH_SERVICE] = "MeshService",
        [TARGET_MESH_SERVICE_SUBSET] = "MeshServiceSubset",
        [TARGET_MESH_HTTP_ROUTE] = "MeshHTTPRoute",
    };
    const struct target_ref *ref = resource_target_ref(policy);
    struct arena *a = x->mesh->exam->arena;

    if (target_is_there(x, ref))
        return;
    tell(x, policy,
         arena_printf(a, "its targetRef, %s%s" STR_FMT "%s" STR_FMT ", points to nothing in the mesh",
                      kinds[ref->kind], ref->name.n ? " " : "", STR_ARG(ref->name),
                      ref->tags.n ? " with " : "",
                      STR_ARG(ref->tags.n ? tags_text(a, &ref->tags) : STR(""))));
}

/* ---- all ---- */

static void check_type(struct matching *x, enum res_type type)
{
    struct snap_range range = snap_range(x->mesh->exam->world->snap, type, x->mesh->name);
    struct snap_iter it = snap_iter(&range);
    enum selects selects = selects_of(type);

    for (const struct resource *r; (r = snap_next(&it));) {
        if (selects == SELECTS_BOTH_ENDS)
            check_both_ends(x, r);
        else if (selects == SELECTS_WITH_A_LIST)
            check_list(x, r);
        else if (res_type_info(type)->traits & RES_TARGET_REF)
            check_target(x, r);
    }
}

/* A mesh without proxies is one that is being made: nothing is said about its policies. */
void check_matches(struct mesh_exam *m)
{
    struct matching x = {.mesh = m};

    if (m->dataplanes.n == 0)
        return;
    tag_index_init(&x.there, &m->scratch);
    add_all(&x);
    for (enum res_type t = 0; t < RES_N; t++)
        if (res_type_info(t)->scope == SCOPE_MESH)
            check_type(&x, t);
    tag_index_fini(&x.there);
}
