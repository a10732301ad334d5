/* The outbound part: where a proxy's outbounds lead.
 *
 * Its arguments are what the source is (its tags) and the outbounds, so replicas of a workload share it. It
 * chooses routes and policies, names the clusters, and lists the resources as calls; nothing is built here.
 */
#include "../functions.h"
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
struct plan {
    struct memo_ctx *ctx;
    struct arena *arena;
    struct tag_sets source;
    size_t n;
    struct outbound *v;
    /* Names of clusters. COMPAT: a destination with more tags than its service is numbered over the whole
     * proxy, equal ones share the first's name, and the number is used up all the same. */
    struct map cluster_names; /* tags as bytes -> struct cluster with the name */
    unsigned counter;
};

void call_outbound(struct buf *k, struct tag_sets source, const struct dp_networking *net)
{
    key_tag_sets(k, source);
    key_u32(k, (uint32_t)net->n_outbound);
    for (size_t i = 0; i < net->n_outbound; i++) {
        const struct dp_outbound *o = &net->outbound[i];
        key_str(k, o->address.n ? o->address : STR("127.0.0.1"));
        key_u32(k, o->port);
        key_tags(k, &o->tags);
    }
}

static void read_plan(struct plan *p, struct str args)
{
    struct key_reader r = key_read(args);
    p->source = key_get_tag_sets(&r, p->arena);
    p->n = key_get_u32(&r);
    p->v = ARENA_ARRAY(p->arena, struct outbound, p->n);
    for (size_t i = 0; i < p->n; i++) {
        struct outbound *o = &p->v[i];
        o->address = key_get_str(&r);
        o->port = key_get_u32(&r);
        o->tags = key_get_tags(&r, p->arena);
        o->service = tags_get(&o->tags, TAG_SERVICE);
    }
}

/* ---- choosing ---- */
static int str_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static size_t sort_distinct(struct str *v, size_t n)
{
    qsort(v, n, sizeof *v, str_order);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !str_eq(v[i], v[kept - 1]))
            v[kept++] = v[i];
    }
    return kept;
}

/* The policy of each of these sorted services. */
static const struct name_list *choose(struct plan *p, enum policy_id id, const struct str *services, size_t n)
{
    struct buf *k = memo_call(p->ctx, FN_CHOOSE_OUTBOUND);
    key_u32(k, id);
    key_tag_sets(k, p->source);
    key_u32(k, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        key_str(k, services[i]);
    return memo_get(p->ctx);
}

static struct str chosen_for(const struct name_list *chosen, const struct str *services, struct str service)
{
    const struct str *at =
        chosen->n ? bsearch(&service, services, chosen->n, sizeof service, str_order) : NULL;
    return at ? chosen->v[at - services] : STR("");
}

static void choose_per_outbound(struct plan *p)
{
    struct str *services = ARENA_ARRAY(p->arena, struct str, p->n);
    for (size_t i = 0; i < p->n; i++)
        services[i] = p->v[i].service;
    size_t n = sort_distinct(services, p->n);
    for (unsigned id = 0; id < POLICY_N; id++) {
        if (policy_get(id)->scope != POLICY_PER_OUTBOUND)
            continue;
        const struct name_list *chosen = choose(p, id, services, n);
        for (size_t i = 0; i < p->n; i++)
            p->v[i].policy[id] = chosen_for(chosen, services, p->v[i].service);
    }
}

/* What the chosen routes lead to, and which policies that brings: for clusters by their service, for the
 * outbound by its own. */
struct reached {
    size_t n;
    struct str *services;
    const struct name_list *chosen[POLICY_N]; /* NULL: not chosen per destination */
};

static void choose_per_destination(struct plan *p, struct reached *r)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->v[i].n_reached;
    r->services = ARENA_ARRAY(p->arena, struct str, n);
    for (size_t i = 0; i < p->n; i++) {
        for (size_t k = 0; k < p->v[i].n_reached; k++)
            r->services[r->n++] = p->v[i].reached[k];
    }
    r->n = sort_distinct(r->services, r->n);
    for (unsigned id = 0; id < POLICY_N; id++) {
        if (policy_get(id)->scope != POLICY_PER_DESTINATION)
            continue;
        r->chosen[id] = choose(p, id, r->services, r->n);
        for (size_t i = 0; i < p->n; i++)
            p->v[i].policy[id] = chosen_for(r->chosen[id], r->services, p->v[i].service);
    }
}

/* ---- clusters ---- */
static struct str name_cluster(struct plan *p, struct cluster *c)
{
    struct str name = c->service;
    if (c->tags.n > 1)
        name = arena_printf(p->arena, STR_FMT "-_%u_", STR_ARG(c->service), p->counter++);
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    key_tags(&b, &c->tags);
    const struct cluster *same = map_find(&p->cluster_names, buf_str(&b));
    if (!same)
        map_put(&p->cluster_names, arena_str(p->arena, buf_str(&b)), c);
    buf_fini(&b);
    return same ? same->name : name;
}

static void follow_route(struct plan *p, struct outbound *o)
{
    const struct resource *route = ask_policy(p->ctx, RES_TRAFFIC_ROUTE, o->policy[POLICY_TRAFFIC_ROUTE]);
    if (!route) {
        o->n_reached = 1;
        o->reached = &o->service;
        return;
    }
    struct destination *to = NULL;
    size_t n = traffic_route_destinations(resource_traffic_route(route), &o->tags, p->arena, &to);
    o->clusters = ARENA_ARRAY(p->arena, struct cluster, n);
    o->reached = ARENA_ARRAY(p->arena, struct str, n);
    o->protocol = PROTOCOL_NONE;
    for (size_t i = 0; i < n; i++) {
        struct str service = tags_get(&to[i].tags, TAG_SERVICE);
        if (!service.p)
            continue;
        o->reached[o->n_reached++] = service;
        struct cluster *c = ARENA_NEW(p->arena, struct cluster);
        *c = (struct cluster){.service = service, .tags = to[i].tags, .weight = to[i].weight};
        c->name = name_cluster(p, c);
        /* Envoy refuses a weight of 0, which means no traffic anyway. It has its number all the same: were
         * numbers to move when a weight becomes 0, a name would mean other endpoints before the route that
         * uses it has changed. */
        if (to[i].weight == 0)
            continue;
        o->clusters[o->n_clusters++] = *c;
        o->protocol = protocol_common(o->protocol, ask_protocol(p->ctx, service));
    }
}

/* ---- calls ---- */
/* Two outbounds of one service differ in their other tags, and so may their routes: the name says which. */
static struct str route_name(struct plan *p, const struct outbound *o)
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
    struct str name = arena_str(p->arena, buf_str(&b));
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

static void add_listener(struct plan *p, const struct outbound *o, struct str route, struct calls *out)
{
    struct buf *k = memo_call(p->ctx, FN_OUTBOUND_LISTENER);
    key_str(k, o->address);
    key_u32(k, o->port);
    key_str(k, o->service);
    key_tags(k, &o->tags);
    key_u32(k, o->protocol);
    if (protocol_is_http(o->protocol)) {
        key_str(k, route);
        key_tag_sets(k, p->source); /* for the header that says who calls */
        key_policies(k, o->policy, TARGET_OUTBOUND_HCM);
    } else {
        key_clusters(k, o);
        key_policies(k, o->policy, TARGET_OUTBOUND_TCP);
    }
    calls_add(out, XDS_LISTENER, p->ctx);
}

static void add_routes(struct plan *p, const struct outbound *o, struct str route, struct calls *out)
{
    struct buf *k = memo_call(p->ctx, FN_ROUTES);
    key_str(k, route);
    key_str(k, o->service);
    key_u32(k, o->protocol);
    key_clusters(k, o);
    key_policies(k, o->policy, TARGET_ROUTES);
    calls_add(out, XDS_ROUTE, p->ctx);
}

static void add_cluster(struct plan *p, const struct outbound *o, const struct cluster *c,
                        const struct reached *r, struct calls *out)
{
    struct str policy[POLICY_N];
    for (size_t id = 0; id < POLICY_N; id++)
        policy[id] = r->chosen[id] ? chosen_for(r->chosen[id], r->services, c->service) : o->policy[id];
    struct buf *k = memo_call(p->ctx, FN_CLUSTER);
    key_str(k, c->name);
    key_str(k, c->service);
    key_tags(k, &c->tags);
    key_policies(k, policy, TARGET_CLUSTER);
    calls_add(out, XDS_CLUSTER, p->ctx);

    k = memo_call(p->ctx, FN_ENDPOINTS);
    key_str(k, c->name);
    key_str(k, c->service);
    key_tags(k, &c->tags);
    calls_add(out, XDS_ENDPOINT, p->ctx);
}

static struct memo_value run_outbound(struct memo_ctx *ctx, struct str args)
{
    struct plan p = {.ctx = ctx, .arena = memo_arena(ctx)};
    map_init(&p.cluster_names);
    read_plan(&p, args);
    choose_per_outbound(&p);
    for (size_t i = 0; i < p.n; i++)
        follow_route(&p, &p.v[i]);
    struct reached reached = {0};
    choose_per_destination(&p, &reached);

    struct calls *out = calls_new();
    for (size_t i = 0; i < p.n; i++) {
        const struct outbound *o = &p.v[i];
        struct str route = route_name(&p, o);
        add_listener(&p, o, route, out);
        if (protocol_is_http(o->protocol))
            add_routes(&p, o, route, out);
        for (size_t k = 0; k < o->n_clusters; k++)
            add_cluster(&p, o, &o->clusters[k], &reached, out);
    }
    map_fini(&p.cluster_names);
    return value_calls(out);
}
const struct memo_fn fn_outbound = {.name = "outbound", .run = run_outbound, .drop = drop_calls};
