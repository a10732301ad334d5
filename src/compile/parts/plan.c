/* The plan: where outbounds lead.
 *
 * It chooses routes and policies, names the clusters, and names the resources as calls; nothing is built
 * here. Its arguments are the outbounds and which policies select the source, so that all sources under the
 * same policies share it. Only what says who calls is left to the outbound part. */
#include "../functions.h"
#include "ursa/base/hash.h"
#include "ursa/base/map.h"

struct outbound {
    struct str address, service;
    uint32_t port;
    struct tags tags;
    struct str policy[POLICY_N]; /* chosen names */
    enum protocol protocol;
    size_t n_clusters;
    struct cluster *clusters;
    size_t n_reached;
    struct str *reached; /* services that the route names, weight 0 included */
};
struct cluster {
    struct str name, service;
    struct tags tags;
    uint32_t weight;
};
struct work {
    struct memo_ctx *ctx;
    struct arena *arena;
    struct call *matched[POLICY_N]; /* NULL: chosen for inbounds */
    bool redirected;                /* the source is transparent */
    size_t n;
    struct outbound *v;
    /* Names of clusters. COMPAT: a destination with more tags than its service is numbered over the whole
     * proxy, equal ones share the first's name, and the number is used up all the same. */
    struct map cluster_names; /* tags as bytes -> struct cluster with the name */
    unsigned counter;
};

static const struct vips *ask_vips(struct work *w, struct key_reader *r)
{
    struct str_list reachable = key_get_strs(r, w->arena);
    key_strs(memo_call(w->ctx, FN_VIPS), &reachable);
    return memo_get(w->ctx);
}

static void add_outbound(struct work *w, struct str address, uint32_t port, struct tags tags)
{
    w->v[w->n++] = (struct outbound){
        .address = address, .port = port, .tags = tags, .service = tags_get(&tags, TAG_SERVICE)};
}

static void read_outbounds(struct work *w, struct key_reader *r)
{
    w->redirected = key_get_u32(r);
    const struct vips *vips = w->redirected ? ask_vips(w, r) : NULL;
    size_t n_vips = vips ? vips->outbounds.n : 0, n_own = key_get_u32(r);
    w->v = ARENA_ARRAY(w->arena, struct outbound, n_vips + n_own);
    for (size_t i = 0; i < n_vips; i++) {
        const struct vip_outbound *o = &vips->outbounds.v[i];
        add_outbound(w, o->address, o->port, o->tags);
    }
    for (size_t i = 0; i < n_own; i++) {
        struct str address = key_get_str(r);
        uint32_t port = key_get_u32(r);
        add_outbound(w, address, port, key_get_tags(r, w->arena));
    }
}

/* The calls among the arguments: the outbounds, then what is matched of each kind. */
static void read_arguments(struct work *w)
{
    struct key_reader r = key_read(call_args(memo_call_at(w->ctx, 0)));
    size_t at = 1;
    for (unsigned id = 0; id < POLICY_N; id++) {
        if (policy_get(id)->scope != POLICY_PER_INBOUND)
            w->matched[id] = memo_call_at(w->ctx, at++);
    }
    read_outbounds(w, &r);
}

/* ---- choosing ---- */
/* Sorted services as an argument of choosing. */
static struct call *name_services(struct work *w, const struct str *services, size_t n)
{
    struct buf *k = memo_call(w->ctx, FN_TEXT);
    key_u32(k, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        key_str(k, services[i]);
    return memo_name(w->ctx);
}

/* The policy of each of the services. */
static const struct name_list *choose(struct work *w, enum policy_id id, const struct call *services)
{
    struct buf *k = memo_call(w->ctx, FN_CHOOSE_OUTBOUND);
    memo_add_call(w->ctx, w->matched[id]);
    memo_add_call(w->ctx, services);
    key_u32(k, id);
    return memo_get(w->ctx);
}

static struct str chosen_for(const struct name_list *chosen, const struct str *services, struct str service)
{
    const struct str *at =
        chosen->n ? bsearch(&service, services, chosen->n, sizeof service, str_order) : NULL;
    return at ? chosen->v[at - services] : STR("");
}

static void choose_per_outbound(struct work *w)
{
    struct str *services = ARENA_ARRAY(w->arena, struct str, w->n);
    for (size_t i = 0; i < w->n; i++)
        services[i] = w->v[i].service;
    const struct call *named = name_services(w, services, str_sort_distinct(services, w->n));
    for (unsigned id = 0; id < POLICY_N; id++) {
        if (policy_get(id)->scope != POLICY_PER_OUTBOUND)
            continue;
        const struct name_list *chosen = choose(w, id, named);
        for (size_t i = 0; i < w->n; i++)
            w->v[i].policy[id] = chosen_for(chosen, services, w->v[i].service);
    }
}

/* What the chosen routes lead to, and which policies that brings: for clusters by their service, for the
 * outbound by its own. */
struct reached {
    size_t n;
    struct str *services;
    const struct name_list *chosen[POLICY_N]; /* NULL: not chosen per destination */
};

static void choose_per_destination(struct work *w, struct reached *r)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->v[i].n_reached;
    r->services = ARENA_ARRAY(w->arena, struct str, n);
    for (size_t i = 0; i < w->n; i++) {
        for (size_t k = 0; k < w->v[i].n_reached; k++)
            r->services[r->n++] = w->v[i].reached[k];
    }
    r->n = str_sort_distinct(r->services, r->n);
    const struct call *named = name_services(w, r->services, r->n);
    for (unsigned id = 0; id < POLICY_N; id++) {
        if (policy_get(id)->scope != POLICY_PER_DESTINATION)
            continue;
        r->chosen[id] = choose(w, id, named);
        for (size_t i = 0; i < w->n; i++)
            w->v[i].policy[id] = chosen_for(r->chosen[id], r->services, w->v[i].service);
    }
}

/* ---- clusters ---- */
static struct str name_cluster(struct work *w, struct cluster *c)
{
    struct str name = c->service;
    if (c->tags.n > 1)
        name = arena_printf(w->arena, STR_FMT "-_%u_", STR_ARG(c->service), w->counter++);
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    key_tags(&b, &c->tags);
    const struct cluster *same = map_find(&w->cluster_names, buf_str(&b));
    if (!same)
        map_put(&w->cluster_names, arena_str(w->arena, buf_str(&b)), c);
    buf_fini(&b);
    return same ? same->name : name;
}

static void follow_route(struct work *w, struct outbound *o)
{
    const struct resource *route = ask_policy(w->ctx, RES_TRAFFIC_ROUTE, o->policy[POLICY_TRAFFIC_ROUTE]);
    if (!route) {
        o->n_reached = 1;
        o->reached = &o->service;
        return;
    }
    struct destination *to = NULL;
    size_t n = traffic_route_destinations(resource_traffic_route(route), &o->tags, w->arena, &to);
    o->clusters = ARENA_ARRAY(w->arena, struct cluster, n);
    o->reached = ARENA_ARRAY(w->arena, struct str, n);
    o->protocol = PROTOCOL_NONE;
    for (size_t i = 0; i < n; i++) {
        struct str service = tags_get(&to[i].tags, TAG_SERVICE);
        if (!service.p)
            continue;
        o->reached[o->n_reached++] = service;
        struct cluster *c = ARENA_NEW(w->arena, struct cluster);
        *c = (struct cluster){.service = service, .tags = to[i].tags, .weight = to[i].weight};
        c->name = name_cluster(w, c);
        /* Envoy refuses a weight of 0, which means no traffic anyway. It has its number all the same: were
         * numbers to move when a weight becomes 0, a name would mean other endpoints before the route that
         * uses it has changed. */
        if (to[i].weight == 0)
            continue;
        o->clusters[o->n_clusters++] = *c;
        o->protocol = protocol_common(o->protocol, ask_protocol(w->ctx, service));
    }
}

/* ---- calls ---- */
/* Two outbounds of one service differ in their other tags, and so may their routes: the name says which. */
static struct str route_name(struct work *w, const struct outbound *o)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    buf_printf(&b, "outbound:" STR_FMT, STR_ARG(o->service));
    char before = '{';
    for (size_t i = 0; i < o->tags.n; i++) {
        const struct tag *t = &o->tags.v[i];
        if (str_eq(t->key, TAG_SERVICE))
            continue;
        buf_printf(&b, "%c" STR_FMT "=" STR_FMT, before, STR_ARG(t->key), STR_ARG(t->value));
        before = ',';
    }
    if (before == ',')
        buf_add_byte(&b, '}');
    struct str name = arena_str(w->arena, buf_str(&b));
    buf_fini(&b);
    return name;
}

static void key_clusters(struct buf *k, const struct outbound *o)
{
    key_u32(k, (uint32_t)o->n_clusters);
    for (size_t i = 0; i < o->n_clusters; i++) {
        key_str(k, o->clusters[i].name);
        key_u32(k, o->clusters[i].weight);
    }
}

/* What the listener is made of, but for who calls. */
static void key_listener(struct buf *k, const struct work *w, const struct outbound *o, struct str route)
{
    key_str(k, o->address);
    key_u32(k, o->port);
    key_u32(k, w->redirected);
    key_str(k, o->service);
    key_tags(k, &o->tags);
    key_u32(k, o->protocol);
    if (protocol_is_http(o->protocol)) {
        key_str(k, route);
        key_policies(k, o->policy, TARGET_OUTBOUND_HCM);
    } else {
        key_clusters(k, o);
        key_policies(k, o->policy, TARGET_OUTBOUND_TCP);
    }
}

static void add_listener(struct work *w, const struct outbound *o, struct str route, struct plan *out)
{
    if (protocol_is_http(o->protocol)) {
        key_listener(memo_call(w->ctx, FN_TEXT), w, o, route);
        out->http[out->n_http++] = memo_name(w->ctx);
    } else {
        key_listener(memo_call(w->ctx, FN_OUTBOUND_LISTENER), w, o, route);
        calls_add(out->shared, XDS_LISTENER, w->ctx);
    }
}

static void add_routes(struct work *w, const struct outbound *o, struct str route, struct calls *out)
{
    struct buf *k = memo_call(w->ctx, FN_ROUTES);
    key_str(k, route);
    key_str(k, o->service);
    key_u32(k, o->protocol);
    key_clusters(k, o);
    key_policies(k, o->policy, TARGET_ROUTES);
    calls_add(out, XDS_ROUTE, w->ctx);
}

static void add_cluster(struct work *w, const struct outbound *o, const struct cluster *c,
                        const struct reached *r, struct calls *out)
{
    struct str policy[POLICY_N];
    for (size_t id = 0; id < POLICY_N; id++)
        policy[id] = r->chosen[id] ? chosen_for(r->chosen[id], r->services, c->service) : o->policy[id];
    struct buf *k = memo_call(w->ctx, FN_CLUSTER);
    key_str(k, c->name);
    key_str(k, c->service);
    key_tags(k, &c->tags);
    key_policies(k, policy, TARGET_CLUSTER);
    calls_add(out, XDS_CLUSTER, w->ctx);

    k = memo_call(w->ctx, FN_ENDPOINTS);
    key_str(k, c->name);
    key_str(k, c->service);
    key_tags(k, &c->tags);
    calls_add(out, XDS_ENDPOINT, w->ctx);
}

static struct memo_value value_plan(struct memo_ctx *ctx, struct plan *out)
{
    calls_fold(out->shared, ctx);
    uint64_t version = value_calls(ctx, out->shared).version;
    for (size_t i = 0; i < out->n_http; i++) {
        version = hash_mix(version, call_id(out->http[i]));
        memo_keep(ctx, out->http[i]);
    }
    return (struct memo_value){out, version | 1};
}

static struct memo_value run_plan(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    struct work w = {.ctx = ctx, .arena = memo_arena(ctx)};
    map_init(&w.cluster_names);
    read_arguments(&w);
    choose_per_outbound(&w);
    for (size_t i = 0; i < w.n; i++)
        follow_route(&w, &w.v[i]);
    struct reached reached = {0};
    choose_per_destination(&w, &reached);

    struct plan *out = xcalloc(1, sizeof *out + w.n * sizeof out->http[0]);
    out->shared = calls_new();
    for (size_t i = 0; i < w.n; i++) {
        const struct outbound *o = &w.v[i];
        struct str route = route_name(&w, o);
        add_listener(&w, o, route, out);
        if (protocol_is_http(o->protocol))
            add_routes(&w, o, route, out->shared);
        for (size_t k = 0; k < o->n_clusters; k++)
            add_cluster(&w, o, &o->clusters[k], &reached, out->shared);
    }
    map_fini(&w.cluster_names);
    return value_plan(ctx, out);
}
static void drop_plan(void *value)
{
    struct plan *plan = value;
    drop_calls(plan->shared);
    free(plan);
}
const struct memo_fn fn_plan = {.name = "plan", .run = run_plan, .drop = drop_plan};
