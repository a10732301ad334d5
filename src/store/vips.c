/* vips.c -- which address a name of a mesh stands for: see vips.h. */
#include "vips.h"

#include <stdlib.h>
#include <string.h>

#include "snap.h"
#include "ursa/base/alloc.h"

struct vip *vip_new(enum vip_kind kind, struct str name, uint32_t address, int64_t unused_ns)
{
    struct vip *v = xcalloc(1, sizeof(*v) + name.n + 1);
    atomic_init(&v->refs, 1);
    v->kind = kind;
    v->address = address;
    v->unused_ns = unused_ns;
    memcpy(v->text, name.p, name.n);
    v->name = str_from(v->text, name.n);
    return v;
}

static void vip_ref(void *item)
{
    atomic_fetch_add_explicit(&((struct vip *)item)->refs, 1, memory_order_relaxed);
}

void vip_unref(struct vip *v)
{
    if (atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) == 1)
        free(v);
}

static void unref_item(void *item)
{
    vip_unref(item);
}

static const void *itself(const void *item)
{
    return item;
}

/* ---- a mesh's table ---- */

static int cmp_name(const void *key, const void *item)
{
    const struct vip *a = key, *b = item;
    int kinds = (a->kind > b->kind) - (a->kind < b->kind);
    return kinds ? kinds : str_cmp(a->name, b->name);
}

static int cmp_address(const void *key, const void *item)
{
    const struct vip *a = key, *b = item;
    return (a->address > b->address) - (a->address < b->address);
}

static const struct ptree_ops by_name = {cmp_name, itself, vip_ref, unref_item};
static const struct ptree_ops by_address = {cmp_address, itself, vip_ref, unref_item};

struct table {
    atomic_uint refs;
    struct ptree *names, *addresses;
    struct str mesh; /* in 'text' */
    char text[];
};

static struct table *table_new(struct str mesh, struct ptree *names, struct ptree *addresses)
{
    struct table *t = xcalloc(1, sizeof(*t) + mesh.n + 1);
    atomic_init(&t->refs, 1);
    t->names = names;
    t->addresses = addresses;
    memcpy(t->text, mesh.p, mesh.n);
    t->mesh = str_from(t->text, mesh.n);
    return t;
}

static void table_ref(void *item)
{
    atomic_fetch_add_explicit(&((struct table *)item)->refs, 1, memory_order_relaxed);
}

static void table_unref(void *item)
{
    struct table *t = item;
    if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    ptree_unref(&by_name, t->names);
    ptree_unref(&by_address, t->addresses);
    free(t);
}

static int cmp_mesh(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, ((const struct table *)item)->mesh);
}

static const void *table_key(const void *item)
{
    return &((const struct table *)item)->mesh;
}

static const struct ptree_ops by_mesh = {cmp_mesh, table_key, table_ref, table_unref};

/* ---- tables by mesh ---- */

struct ptree *vips_ref(struct ptree *root)
{
    return ptree_ref(root);
}

void vips_unref(struct ptree *root)
{
    ptree_unref(&by_mesh, root);
}

/* Takes over the trees. */
static struct ptree *replace(struct ptree *root, struct str mesh, struct ptree *names,
                             struct ptree *addresses)
{
    struct table *t = table_new(mesh, names, addresses);
    root = ptree_put(&by_mesh, root, t);
    table_unref(t);
    return root;
}

struct ptree *vips_put(struct ptree *root, struct str mesh, struct vip *v)
{
    const struct table *t = ptree_find(&by_mesh, root, &mesh);
    struct ptree *names = t ? ptree_ref(t->names) : NULL, *addresses = t ? ptree_ref(t->addresses) : NULL;
    const struct vip *before = ptree_find(&by_name, names, v);
    if (before && before->address != v->address)
        addresses = ptree_del(&by_address, addresses, before);
    addresses = ptree_put(&by_address, addresses, v);
    names = ptree_put(&by_name, names, v);
    return replace(root, mesh, names, addresses);
}

struct ptree *vips_del(struct ptree *root, struct str mesh, const struct vip *v)
{
    const struct table *t = ptree_find(&by_mesh, root, &mesh);
    if (!t)
        return root;
    struct ptree *addresses = ptree_del(&by_address, ptree_ref(t->addresses), v);
    return replace(root, mesh, ptree_del(&by_name, ptree_ref(t->names), v), addresses);
}

struct ptree *vips_del_mesh(struct ptree *root, struct str mesh)
{
    return ptree_del(&by_mesh, root, &mesh);
}

/* ---- asking a snapshot ---- */

static const struct table *table_of(const struct snap *snap, struct str mesh)
{
    return ptree_find(&by_mesh, snap->vips, &mesh);
}

const struct vip *snap_vip(const struct snap *snap, struct str mesh, enum vip_kind kind, struct str name)
{
    const struct table *t = table_of(snap, mesh);
    const struct vip key = {.kind = kind, .name = name};
    return t ? ptree_find(&by_name, t->names, &key) : NULL;
}

size_t snap_vips_count(const struct snap *snap, struct str mesh)
{
    const struct table *t = table_of(snap, mesh);
    return t ? ptree_count(t->names) : 0;
}

/* The i-th address of those in use is never below first + i, and is that as long as there is no gap: the
 * first gap is found by halving. */
bool snap_vips_free(const struct snap *snap, struct str mesh, uint32_t first, uint32_t n, uint32_t *out)
{
    const struct table *t = table_of(snap, mesh);
    const struct ptree *addresses = t ? t->addresses : NULL;
    const struct vip key = {.address = first};
    size_t below = ptree_rank(&by_address, addresses, &key), low = 0;
    size_t high = ptree_count(addresses) - below;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct vip *v = ptree_at(addresses, below + mid);
        if (v->address - first == mid)
            low = mid + 1;
        else
            high = mid;
    }
    *out = first + (uint32_t)low;
    return low < n;
}

bool snap_vips_same(const struct snap *a, const struct snap *b, struct str mesh)
{
    return table_of(a, mesh) == table_of(b, mesh);
}

struct vip_iter snap_vips(const struct snap *snap, struct str mesh)
{
    const struct table *t = table_of(snap, mesh);
    struct vip_iter it;
    ptree_iter_init(&it.it, t ? t->names : NULL, 0);
    return it;
}

const struct vip *vip_next(struct vip_iter *it)
{
    return ptree_iter_next(&it->it);
}

void snap_add_vip(struct snap *snap, struct str mesh, enum vip_kind kind, struct str name, uint32_t address)
{
    struct vip *v = vip_new(kind, name, address, 0);
    snap->vips = vips_put(snap->vips, mesh, v);
    vip_unref(v);
}

void snap_share_vips(struct snap *snap, const struct snap *from)
{
    vips_unref(snap->vips);
    snap->vips = vips_ref(from->vips);
}
