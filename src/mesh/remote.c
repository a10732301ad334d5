/* What other zones offer: the services of this mesh that their ingresses say they have. */
#include <stdlib.h>

#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"
#include "ursa/mesh.h"

/* Other zones reach it, and it has told what is behind it. */
static bool is_reachable(const struct zone_ingress_spec *in)
{
    const struct zone_ingress_networking *net = in->networking;
    return in->zone.n > 0 && net && net->advertised_address.n > 0 && net->advertised_port &&
           in->n_available_services > 0;
}

static bool is_same_place(const struct resource *a, const struct resource *b)
{
    const struct zone_ingress_networking *x = resource_zone_ingress(a)->networking,
                                         *y = resource_zone_ingress(b)->networking;
    return x->advertised_port == y->advertised_port && str_eq(x->advertised_address, y->advertised_address);
}

static bool offers(const struct available_service *a, struct str mesh, struct str service)
{
    return a->instances > 0 && !a->external_service && str_eq(a->mesh, mesh) &&
           str_eq(tags_get(&a->tags, TAG_SERVICE), service);
}

static int tags_cmp(const struct tags *a, const struct tags *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int c = str_cmp(a->v[i].key, b->v[i].key);
        c = c ? c : str_cmp(a->v[i].value, b->v[i].value);
        if (c)
            return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

/* By all that there is to an endpoint, so that the order in which ingresses list them is none of ours. */
static int remote_cmp(const void *a, const void *b)
{
    const struct remote_endpoint *x = a, *y = b;
    int c = str_cmp(x->endpoint.address, y->endpoint.address);
    c = c ? c : (x->endpoint.port > y->endpoint.port) - (x->endpoint.port < y->endpoint.port);
    c = c ? c : tags_cmp(x->endpoint.tags, y->endpoint.tags);
    return c ? c : (x->weight > y->weight) - (x->weight < y->weight);
}

struct found {
    struct VEC(struct resource *) ingresses;
    struct VEC(struct remote_endpoint) endpoints;
};

/* Several ingresses behind one load balancer are one: of those that offer the service the first speaks for
 * all. */
static void take_ingress(struct found *f, struct resource *ingress, struct str mesh, struct str service)
{
    const struct zone_ingress_spec *in = resource_zone_ingress(ingress);
    size_t n = f->endpoints.n;
    for (size_t i = 0; i < f->ingresses.n; i++) {
        if (is_same_place(f->ingresses.v[i], ingress))
            return;
    }
    for (size_t i = 0; i < in->n_available_services; i++) {
        const struct available_service *a = &in->available_services[i];
        struct remote_endpoint e = {
            {in->networking->advertised_address, in->networking->advertised_port, &a->tags}, a->instances};
        if (offers(a, mesh, service))
            VEC_PUSH(&f->endpoints, e);
    }
    if (f->endpoints.n > n)
        VEC_PUSH(&f->ingresses, resource_ref(ingress));
}

static void sort_distinct(struct found *f)
{
    size_t kept = 0;
    qsort(f->endpoints.v, f->endpoints.n, sizeof f->endpoints.v[0], remote_cmp);
    for (size_t i = 0; i < f->endpoints.n; i++) {
        if (kept == 0 || remote_cmp(&f->endpoints.v[kept - 1], &f->endpoints.v[i]) != 0)
            f->endpoints.v[kept++] = f->endpoints.v[i];
    }
    f->endpoints.n = kept;
}

static void add_str(struct buf *b, struct str s)
{
    uint32_t n = (uint32_t)s.n;
    buf_add(b, &n, sizeof n);
    buf_add_str(b, s);
}

static void add_tags(struct buf *b, const struct tags *tags)
{
    for (size_t i = 0; i < tags->n; i++) {
        add_str(b, tags->v[i].key);
        add_str(b, tags->v[i].value);
    }
    add_str(b, STR(""));
}

static uint64_t version_of(const struct remote *r)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < r->n; i++) {
        const struct remote_endpoint *e = &r->v[i];
        add_str(&b, e->endpoint.address);
        buf_add(&b, &e->endpoint.port, sizeof e->endpoint.port);
        buf_add(&b, &e->weight, sizeof e->weight);
        add_tags(&b, e->endpoint.tags);
    }
    uint64_t version = hash_content(b.p, b.n);
    buf_fini(&b);
    return version;
}

/* Takes over what was found. */
static struct remote *remote_new(struct found *f)
{
    struct remote *r = xcalloc(1, sizeof *r);
    *r = (struct remote){.n = f->endpoints.n,
                         .v = f->endpoints.v,
                         .n_ingresses = f->ingresses.n,
                         .ingresses = f->ingresses.v,
                         .protocol = PROTOCOL_NONE};
    for (size_t i = 0; i < r->n; i++) {
        struct str protocol = tags_get(r->v[i].endpoint.tags, TAG_PROTOCOL);
        r->protocol = protocol_common(r->protocol, protocol_parse(protocol));
    }
    r->version = version_of(r);
    return r;
}

struct remote *view_remote(const struct view *v, struct str service)
{
    struct snap_range range = snap_range(view_snap(v), RES_ZONE_INGRESS, STR_NONE);
    struct snap_iter it = snap_iter(&range);
    struct found f = {0};
    for (const struct resource *r; (r = snap_next(&it));) {
        if (is_reachable(resource_zone_ingress(r)))
            take_ingress(&f, (struct resource *)(uintptr_t)r, view_mesh_name(v), service);
    }
    if (f.endpoints.n == 0)
        return NULL;
    sort_distinct(&f);
    return remote_new(&f);
}

void remote_free(struct remote *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_ingresses; i++)
        resource_unref(r->ingresses[i]);
    free(r->ingresses);
    free(r->v);
    free(r);
}

/* ---- what a change concerns ---- */

/* An entry with where it is reached, as one number. */
static uint64_t entry_hash(const struct zone_ingress_spec *in, const struct available_service *a)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    add_str(&b, in->zone);
    if (in->networking) {
        add_str(&b, in->networking->advertised_address);
        buf_add(&b, &in->networking->advertised_port, sizeof in->networking->advertised_port);
    }
    add_str(&b, a->mesh);
    buf_add(&b, &a->instances, sizeof a->instances);
    buf_add(&b, &a->external_service, sizeof a->external_service);
    add_tags(&b, &a->tags);
    uint64_t hash = hash_content(b.p, b.n);
    buf_fini(&b);
    return hash;
}

/* The entries that only the first of the two has; a NULL resource has none. */
static void tell_missing(const struct resource *of, const struct resource *in,
                         void (*tell)(void *ctx, struct str mesh, struct str service), void *ctx)
{
    const struct zone_ingress_spec *a = of ? resource_zone_ingress(of) : NULL,
                                   *b = in ? resource_zone_ingress(in) : NULL;
    struct arena arena;
    struct map known;
    arena_init(&arena);
    map_init(&known);
    for (size_t i = 0; b && i < b->n_available_services; i++) {
        uint64_t hash = entry_hash(b, &b->available_services[i]);
        map_put(&known, arena_str(&arena, str_from((const char *)&hash, sizeof hash)), &known);
    }
    for (size_t i = 0; a && i < a->n_available_services; i++) {
        uint64_t hash = entry_hash(a, &a->available_services[i]);
        if (!map_find(&known, str_from((const char *)&hash, sizeof hash)))
            tell(ctx, a->available_services[i].mesh, tags_get(&a->available_services[i].tags, TAG_SERVICE));
    }
    map_fini(&known);
    arena_fini(&arena);
}

void remote_changes(const struct change *c, void (*tell)(void *ctx, struct str mesh, struct str service),
                    void *ctx)
{
    tell_missing(c->before, c->after, tell, ctx);
    tell_missing(c->after, c->before, tell, ctx);
}
