/* vips.c -- which address each name of a mesh has (docs/decisions/0013).
 *
 * The transaction that brings a name gives it the lowest free address, in the order of names; there is
 * nothing to wait for. Names in use are not counted. One that goes out of use keeps its address: mostly it
 * comes back, with a deployment's next proxy, and clients remember what DNS told them. So that names which
 * never come back are given up some time, a table that has doubled is held against the Dataplanes of its
 * mesh; what was found out of use then and is so still, an hour later, goes. */
#include "vips.h"

#include "ursa/base/clock.h"
#include "ursa/base/log.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"

#define KEEP_NS (3600 * NS_PER_S)
#define FIRST_SWEEP 1024 /* names; below, nothing is ever given up */

struct name {
    struct str mesh; /* in a resource of the state */
    enum vip_kind kind;
    struct str name;
};

struct names {
    struct VEC(struct name) v;
    struct arena arena; /* of domains */
    const struct snap *snap;
    const struct vip_pool *pool; /* only those without an address of it in use; NULL: all */
};

/* ---- the names that a Dataplane uses ---- */

static bool is_in(const struct vip_pool *pool, const struct vip *v)
{
    return v->address - pool->first < pool->n;
}

static void add(struct names *names, struct str mesh, enum vip_kind kind, struct str name)
{
    const struct vip *v = names->pool ? snap_vip(names->snap, mesh, kind, name) : NULL;
    if (!v || v->unused_ns || !is_in(names->pool, v))
        VEC_PUSH(&names->v, ((struct name){mesh, kind, name}));
}

static void add_domains(struct names *names, struct str mesh, const struct tags *tags)
{
    struct snap_range outbounds = snap_range(names->snap, RES_VIRTUAL_OUTBOUND, mesh);
    struct snap_iter it = snap_iter(&outbounds);
    for (const struct resource *r; (r = snap_next(&it));) {
        struct virtual_outbound outbound;
        if (virtual_outbound_of(resource_virtual_outbound(r), tags, &names->arena, &outbound))
            add(names, mesh, VIP_DOMAIN, outbound.domain);
    }
}

static void add_dataplane(struct names *names, const struct resource *dataplane)
{
    const struct dp_networking *net = resource_dataplane(dataplane)->networking;
    for (size_t i = 0; i < net->n_inbound; i++) {
        const struct tags *tags = &net->inbound[i].tags;
        if (!inbound_is_served(&net->inbound[i]))
            continue;
        add(names, dataplane->key.mesh, VIP_SERVICE, tags_get(tags, TAG_SERVICE));
        add_domains(names, dataplane->key.mesh, tags);
    }
}

/* Of one mesh, or of all (mesh.p == NULL). */
static void add_dataplanes(struct names *names, struct str mesh)
{
    struct snap_range range = snap_range(names->snap, RES_DATAPLANE, mesh);
    struct snap_iter it = snap_iter(&range);
    for (const struct resource *r; (r = snap_next(&it));)
        add_dataplane(names, r);
}

static void names_init(struct names *names, const struct snap *snap, const struct vip_pool *pool)
{
    *names = (struct names){.snap = snap, .pool = pool};
    arena_init(&names->arena);
}

static void names_fini(struct names *names)
{
    VEC_FINI(&names->v);
    arena_fini(&names->arena);
}

static int name_cmp(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = str_cmp(x->mesh, y->mesh);
    if (order == 0)
        order = (x->kind > y->kind) - (x->kind < y->kind);
    return order ? order : str_cmp(x->name, y->name);
}

static void names_sort(struct names *names)
{
    size_t kept = 0;
    if (names->v.n)
        qsort(names->v.v, names->v.n, sizeof(names->v.v[0]), name_cmp);
    for (size_t i = 0; i < names->v.n; i++)
        if (kept == 0 || name_cmp(&names->v.v[i], &names->v.v[kept - 1]) != 0)
            names->v.v[kept++] = names->v.v[i];
    names->v.n = kept;
}

/* ---- giving up ---- */

static bool has(const struct names *sorted, const struct name *name)
{
    return sorted->v.n && bsearch(name, sorted->v.v, sorted->v.n, sizeof(*name), name_cmp);
}

/* The mesh's VIPs whose names nobody uses; names are copied, since the table is about to change. */
static void find_unused(const struct names *used, struct str mesh, struct arena *a, struct vip **out,
                        size_t *n)
{
    struct vip *found = ARENA_ARRAY(a, struct vip, snap_vips_count(used->snap, mesh));
    struct vip_iter it = snap_vips(used->snap, mesh);
    *n = 0;
    for (const struct vip *v; (v = vip_next(&it));)
        if (!has(used, &(struct name){mesh, v->kind, v->name}))
            found[(*n)++] = (struct vip){.kind = v->kind,
                                         .name = arena_str(a, v->name),
                                         .address = v->address,
                                         .unused_ns = v->unused_ns};
    *out = found;
}

/* 'keep_ns': how long what is out of use keeps its address; 0: not at all. */
static void sweep(struct store *s, struct str mesh, int64_t now_ns, int64_t keep_ns)
{
    struct names used;
    struct vip *unused;
    size_t n, n_gone = 0;
    names_init(&used, store_pending(s), NULL);
    add_dataplanes(&used, mesh);
    names_sort(&used);
    find_unused(&used, mesh, &used.arena, &unused, &n);
    for (size_t i = 0; i < n; i++) {
        const struct vip *v = &unused[i];
        if (keep_ns == 0 || (v->unused_ns && now_ns - v->unused_ns >= keep_ns)) {
            store_tx_vip_delete(s, mesh, v->kind, v->name);
            n_gone++;
        } else if (!v->unused_ns) {
            store_tx_vip_put(s, mesh, v->kind, v->name, v->address, now_ns);
        }
    }
    log_info("admit", "mesh=" STR_FMT " vips=%zu given up: out of use", STR_ARG(mesh), n_gone);
    names_fini(&used);
}

/* ---- giving ---- */

static bool find_free(struct store *s, const struct vip_pool *pool, struct str mesh, int64_t now_ns,
                      uint32_t *address)
{
    size_t n = snap_vips_count(store_pending(s), mesh);
    if (n >= FIRST_SWEEP && (n & (n - 1)) == 0)
        sweep(s, mesh, now_ns, KEEP_NS);
    if (snap_vips_free(store_pending(s), mesh, pool->first, pool->n, address))
        return true;
    sweep(s, mesh, now_ns, 0);
    return snap_vips_free(store_pending(s), mesh, pool->first, pool->n, address);
}

static void assign(struct store *s, const struct vip_pool *pool, const struct names *names, int64_t now_ns)
{
    for (size_t i = 0; i < names->v.n; i++) {
        const struct name *name = &names->v.v[i];
        const struct vip *has = snap_vip(store_pending(s), name->mesh, name->kind, name->name);
        uint32_t address;
        if (has && is_in(pool, has))
            store_tx_vip_put(s, name->mesh, name->kind, name->name, has->address, 0);
        else if (find_free(s, pool, name->mesh, now_ns, &address))
            store_tx_vip_put(s, name->mesh, name->kind, name->name, address, 0);
        else
            log_error("admit", "mesh=" STR_FMT " name=" STR_FMT " gets no VIP: all %u addresses are in use",
                      STR_ARG(name->mesh), STR_ARG(name->name), pool->n);
    }
}

void vips_assign(struct store *s, const struct vip_pool *pool, const struct admit_request *req,
                 int64_t now_ns)
{
    struct names names;
    struct map meshes; /* whose VirtualOutbounds the request changed */
    names_init(&names, store_pending(s), pool);
    map_init(&meshes);
    for (size_t i = 0; i < req->n_ops; i++) {
        const struct admit_op *op = &req->ops[i];
        if (op->kind != ADMIT_PUT || op->outcome == OUTCOME_NONE || op->outcome == OUTCOME_UNCHANGED)
            continue;
        const struct res_key *key = &op->res->key;
        const struct resource *stored = snap_find(names.snap, key->type, key->mesh, key->name);
        if (stored && key->type == RES_DATAPLANE)
            add_dataplane(&names, stored);
        else if (stored && key->type == RES_VIRTUAL_OUTBOUND && !map_put(&meshes, key->mesh, op->res))
            add_dataplanes(&names, key->mesh);
    }
    map_fini(&meshes);
    names_sort(&names);
    assign(s, pool, &names, now_ns);
    names_fini(&names);
}

static enum err_kind assign_alone(struct store *s, const struct vip_pool *pool, const struct names *names,
                                  struct err *e)
{
    const struct store_origin origin = {
        .author = STR("ursa"), .origin = ORIGIN_SYSTEM, .now_ns = clock_wall_ns()};
    uint64_t revision;
    if (store_begin(s, e) != ERR_NONE)
        return e->kind;
    if (store_tx_begin(s, &origin, e) == ERR_NONE) {
        assign(s, pool, names, origin.now_ns);
        if (store_tx_end(s, true, &revision, e) == ERR_NONE)
            return store_commit(s, e);
    }
    store_rollback(s);
    return e->kind;
}

enum err_kind vips_assign_missing(struct store *s, const struct vip_pool *pool, struct err *e)
{
    struct snap *snap = store_snap(s);
    struct names names;
    names_init(&names, snap, pool);
    add_dataplanes(&names, STR_NONE);
    names_sort(&names);
    enum err_kind kind = names.v.n ? assign_alone(s, pool, &names, e) : ERR_NONE;
    names_fini(&names);
    snap_unref(snap);
    return kind;
}

/* ---- pools ---- */

#define MAX_PREFIX_BITS 30

bool vip_pool_parse(struct str text, struct vip_pool *out)
{
    size_t slash = str_chr(text, '/');
    struct str rest = str_slice(text, 0, slash), part;
    uint64_t number, address = 0, bits;
    size_t n = 0;

    for (; str_next(&rest, '.', &part); n++) {
        if (!str_to_uint(part, 255, &number))
            return false;
        address = address << 8 | number;
    }
    if (n != 4 || !str_to_uint(str_slice(text, slash + 1, text.n), MAX_PREFIX_BITS, &bits) || bits == 0)
        return false;
    out->n = (uint32_t)(UINT64_C(1) << (32 - bits));
    out->first = (uint32_t)address & ~(out->n - 1);
    return true;
}

struct str vip_pool_format(struct arena *a, const struct vip_pool *pool)
{
    uint32_t first = pool->first;
    unsigned bits = 0;

    while (bits < 32 && pool->n < UINT64_C(1) << (32 - bits))
        bits++;
    return arena_printf(a, "%u.%u.%u.%u/%u", first >> 24, first >> 16 & 255, first >> 8 & 255, first & 255,
                        bits);
}
