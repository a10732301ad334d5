/* snap.c -- immutable pictures of all meshes at one revision.
 *
 * One persistent tree a type, sorted by mesh and name, so that a mesh's resources of a type are one range and
 * lists page by position. The next snapshot shares all but the changed paths with the last. */
#include "snap.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"
#include "vips.h"

static int cmp(const void *key, const void *item)
{
    return res_key_cmp(key, &((const struct resource *)item)->key);
}

static const void *item_key(const void *item)
{
    return &((const struct resource *)item)->key;
}

static void item_ref(void *item)
{
    resource_ref(item);
}

static void item_unref(void *item)
{
    resource_unref(item);
}

static const struct ptree_ops by_key = {.cmp = cmp, .key = item_key, .ref = item_ref, .unref = item_unref};

/* A key that sorts behind everything of its mesh: the rank under this order is the end of the mesh's range.
 */
static int cmp_past_mesh(const void *key, const void *item)
{
    const struct res_key *k = key;
    int order = str_cmp(k->mesh, ((const struct resource *)item)->key.mesh);
    return order ? order : 1;
}

static const struct ptree_ops past_mesh = {
    .cmp = cmp_past_mesh, .key = item_key, .ref = item_ref, .unref = item_unref};

struct snap *snap_new(void)
{
    struct snap *s = xcalloc(1, sizeof(*s));
    atomic_init(&s->refs, 1);
    return s;
}

struct snap *snap_copy(const struct snap *s)
{
    struct snap *copy = snap_new();
    copy->revision = s->revision;
    copy->sequence = s->sequence;
    for (size_t t = 0; t < RES_N; t++)
        copy->trees[t] = ptree_ref(s->trees[t]);
    copy->vips = vips_ref(s->vips);
    return copy;
}

struct snap *snap_ref(struct snap *s)
{
    if (s)
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void snap_unref(struct snap *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t t = 0; t < RES_N; t++)
        ptree_unref(&by_key, s->trees[t]);
    vips_unref(s->vips);
    free(s);
}

uint64_t snap_revision(const struct snap *s)
{
    return s->revision;
}

uint64_t snap_sequence(const struct snap *s)
{
    return s->sequence;
}

size_t snap_count(const struct snap *s)
{
    size_t n = 0;
    for (size_t t = 0; t < RES_N; t++)
        n += ptree_count(s->trees[t]);
    return n;
}

struct resource *snap_get(const struct snap *s, const struct res_key *key)
{
    assert(key->type < RES_N);
    return ptree_find(&by_key, s->trees[key->type], key);
}

const struct resource *snap_find(const struct snap *s, enum res_type type, struct str mesh, struct str name)
{
    return snap_get(s, &(struct res_key){.type = type, .mesh = mesh, .name = name});
}

const struct resource *snap_find_mesh(const struct snap *s, struct str mesh)
{
    return snap_find(s, RES_MESH, STR_NONE, mesh);
}

void snap_put(struct snap *s, struct resource *r)
{
    struct ptree **tree = &s->trees[r->key.type];
    *tree = ptree_put(&by_key, *tree, r);
}

void snap_del(struct snap *s, const struct res_key *key)
{
    struct ptree **tree = &s->trees[key->type];
    *tree = ptree_del(&by_key, *tree, key);
}

struct snap_range snap_range(const struct snap *s, enum res_type type, struct str mesh)
{
    assert(type < RES_N);
    const struct ptree *tree = s->trees[type];
    struct snap_range range = {.tree = tree, .first = 0, .n = ptree_count(tree)};
    if (mesh.p && res_type_info(type)->scope == SCOPE_MESH) {
        const struct res_key key = {.type = type, .mesh = mesh, .name = STR_NONE};
        range.first = ptree_rank(&by_key, tree, &key);
        range.n = ptree_rank(&past_mesh, tree, &key) - range.first;
    }
    return range;
}

/* Likewise behind every name of the mesh that begins with the key's. */
static int cmp_past_prefix(const void *key, const void *item)
{
    const struct res_key *k = key, *other = &((const struct resource *)item)->key;
    int order = str_cmp(k->mesh, other->mesh);
    if (order)
        return order;
    return str_has_prefix(other->name, k->name) ? 1 : str_cmp(k->name, other->name);
}

static const struct ptree_ops past_prefix = {
    .cmp = cmp_past_prefix, .key = item_key, .ref = item_ref, .unref = item_unref};

struct snap_range snap_range_prefix(const struct snap *s, enum res_type type, struct str mesh,
                                    struct str prefix)
{
    assert(type < RES_N);
    const struct res_key key = {.type = type, .mesh = mesh, .name = prefix};
    struct snap_range range = {.tree = s->trees[type]};
    range.first = ptree_rank(&by_key, range.tree, &key);
    range.n = ptree_rank(&past_prefix, range.tree, &key) - range.first;
    return range;
}

const struct resource *snap_at(const struct snap_range *range, size_t i)
{
    assert(i < range->n);
    return ptree_at(range->tree, range->first + i);
}

struct snap_iter snap_iter(const struct snap_range *range)
{
    struct snap_iter it = {.left = range->n};
    ptree_iter_init(&it.it, range->tree, range->first);
    return it;
}

const struct resource *snap_next(struct snap_iter *it)
{
    if (it->left == 0)
        return NULL;
    it->left--;
    return ptree_iter_next(&it->it);
}

struct snap *snap_from_list(struct resource *const *list, size_t n, uint64_t revision)
{
    struct snap *s = snap_new();
    s->revision = revision;
    s->sequence = 1;
    for (size_t i = 0; i < n; i++)
        snap_put(s, list[i]);
    return s;
}

void snap_slot_init(struct snap_slot *slot, struct snap *first)
{
    lock_init(&slot->lock);
    slot->current = first;
}

void snap_slot_fini(struct snap_slot *slot)
{
    snap_unref(slot->current);
    lock_fini(&slot->lock);
}

struct snap *snap_slot_get(struct snap_slot *slot)
{
    lock_take(&slot->lock);
    struct snap *s = snap_ref(slot->current);
    lock_drop(&slot->lock);
    return s;
}

void snap_slot_publish(struct snap_slot *slot, struct snap *fresh)
{
    lock_take(&slot->lock);
    struct snap *old = slot->current;
    slot->current = fresh;
    lock_drop(&slot->lock);
    snap_unref(old); /* after the lock: freeing a mesh is not short */
}
