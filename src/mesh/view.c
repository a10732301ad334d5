/* Views: a snapshot, and the services of one mesh in a persistent tree.
 *
 * A batch is folded into "which Dataplanes changed" and "which services they offer or offered"; each of those
 * services is then rebuilt once from the offers that it had, however many Dataplanes the batch brings. */
#include "ursa/mesh.h"

#include <assert.h>

#include "service.h"
#include "ursa/base/map.h"

struct view {
    atomic_uint refs;
    struct snap *snap;
    const struct resource *mesh; /* in the snapshot */
    struct ptree *services;
};

static struct view *view_alloc(struct snap *snap, const struct resource *mesh, struct ptree *services)
{
    struct view *v = xcalloc(1, sizeof *v);
    atomic_init(&v->refs, 1);
    v->snap = snap_ref(snap);
    v->mesh = mesh;
    v->services = services;
    return v;
}

struct view *view_ref(struct view *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

void view_unref(struct view *v)
{
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
        return;
    ptree_unref(&service_tree, v->services);
    snap_unref(v->snap);
    free(v);
}

/* What a batch means: the last change of each Dataplane, and the services that any change of one names. */
struct touched {
    struct str name;
    struct offers joined; /* by Dataplanes as they are now */
};
struct delta {
    struct map dataplanes; /* name -> struct change */
    struct map services;   /* name -> struct touched */
};

static struct touched *delta_service(struct delta *d, struct str name)
{
    struct touched *t = map_find(&d->services, name);
    if (t)
        return t;
    t = xcalloc(1, sizeof *t);
    t->name = name; /* lives in a resource of the batch */
    map_put(&d->services, name, t);
    return t;
}

static void delta_add_services(struct delta *d, struct resource *dataplane, bool joins)
{
    const struct dp_networking *net = dataplane ? resource_dataplane(dataplane)->networking : NULL;
    for (size_t i = 0; net && i < net->n_inbound; i++) {
        const struct dp_inbound *in = &net->inbound[i];
        if (!inbound_is_served(in))
            continue;
        struct touched *t = delta_service(d, tags_get(&in->tags, TAG_SERVICE));
        if (joins)
            VEC_PUSH(&t->joined, ((struct offer){dataplane, in}));
    }
}

static void delta_collect(struct delta *d, struct str mesh, const struct change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct res_key *key = change_key(&changes[i]);
        if (key->type != RES_DATAPLANE || !str_eq(key->mesh, mesh))
            continue;
        map_put(&d->dataplanes, key->name, (void *)(uintptr_t)&changes[i]);
        delta_add_services(d, changes[i].before, false);
        delta_add_services(d, changes[i].after, false);
    }
    size_t at = 0;
    struct str name;
    void *value;
    while (map_next(&d->dataplanes, &at, &name, &value))
        delta_add_services(d, ((const struct change *)value)->after, true);
}

static void rebuild(struct view *v, const struct delta *d, struct touched *t)
{
    const struct service *old = ptree_find(&service_tree, v->services, &t->name);
    size_t n = 0;
    const struct offer *had = old ? service_offers(old, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        if (!map_find(&d->dataplanes, had[i].dataplane->key.name))
            VEC_PUSH(&t->joined, had[i]);
    }
    struct service *s = t->joined.n ? service_new(t->name, t->joined.v, t->joined.n) : NULL;
    v->services =
        s ? ptree_put(&service_tree, v->services, s) : ptree_del(&service_tree, v->services, &t->name);
    service_unref(s);
}

struct view *view_next(struct view *last, struct snap *snap, const struct change *changes, size_t n,
                       void (*touched)(void *, struct str), void *ctx)
{
    struct str mesh = view_mesh_name(last);
    const struct resource *res = snap_find_mesh(snap, mesh);
    if (!res)
        return NULL;
    struct view *v = view_alloc(snap, res, ptree_ref(last->services));
    struct delta d = {0};
    delta_collect(&d, mesh, changes, n);
    size_t at = 0;
    struct str name;
    void *value;
    while (map_next(&d.services, &at, &name, &value)) {
        struct touched *t = value;
        rebuild(v, &d, t);
        if (touched)
            touched(ctx, t->name);
        VEC_FINI(&t->joined);
        free(t);
    }
    map_fini(&d.dataplanes);
    map_fini(&d.services);
    return v;
}

struct view *view_new(struct snap *snap, struct str mesh)
{
    const struct resource *res = snap_find_mesh(snap, mesh);
    if (!res)
        return NULL;
    /* The first view is the next one of an empty mesh in which every Dataplane was just created. */
    struct view *empty = view_alloc(snap, res, NULL);
    struct snap_range range = snap_range(snap, RES_DATAPLANE, res->key.name);
    struct change *changes = xcalloc(range.n ? range.n : 1, sizeof *changes);
    struct snap_iter it = snap_iter(&range);
    size_t n = 0;
    for (const struct resource *r; (r = snap_next(&it));)
        changes[n++] = (struct change){CHANGE_PUT, NULL, (struct resource *)(uintptr_t)r};
    struct view *v = view_next(empty, snap, changes, n, NULL, NULL);
    free(changes);
    view_unref(empty);
    return v;
}

struct str view_mesh_name(const struct view *v)
{
    return v->mesh->key.name;
}

const struct mesh_spec *view_mesh(const struct view *v)
{
    return resource_mesh(v->mesh);
}

const struct snap *view_snap(const struct view *v)
{
    return v->snap;
}

uint64_t view_revision(const struct view *v)
{
    return snap_revision(v->snap);
}

const struct resource *view_dataplane(const struct view *v, struct str name)
{
    return snap_find(v->snap, RES_DATAPLANE, view_mesh_name(v), name);
}

const struct service *view_service(const struct view *v, struct str name)
{
    return ptree_find(&service_tree, v->services, &name);
}

const struct service *view_service_at(const struct view *v, size_t i)
{
    return ptree_at(v->services, i);
}

struct stance view_stance(const struct view *v)
{
    return stance_of(v->snap, view_mesh_name(v), view_mesh(v));
}

static bool is_trusted(const struct view *v, struct str backend)
{
    return stance_trusts(v->snap, view_mesh_name(v), view_mesh(v), backend);
}

bool view_service_tls_ready(const struct view *v, struct str service)
{
    const struct service *s = view_service(v, service);
    if (!s)
        return false;
    size_t n;
    const struct offer *offers = service_offers(s, &n);
    for (size_t i = 0; i < n; i++) {
        const struct resource *insight =
            snap_find(v->snap, RES_DATAPLANE_INSIGHT, view_mesh_name(v), offers[i].dataplane->key.name);
        const struct dp_mtls_insight *mtls = insight ? resource_dataplane_insight(insight)->mtls : NULL;
        if (!mtls || !is_trusted(v, mtls->issued_backend))
            return false;
    }
    return true;
}

struct snap_range view_range(const struct view *v, enum res_type type)
{
    return snap_range(v->snap, type, view_mesh_name(v));
}
