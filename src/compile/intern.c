/* Interning, and the life of lists. */
#include "intern.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"

#define FIRST_LIMIT 256

/* Table entries: the key must live beside the object. */
struct slot {
    struct {
        uint64_t version;
        uint32_t type;
    } key;
    void *object;
};

void intern_init(struct intern *t)
{
    map_init(&t->resources);
    map_init(&t->lists);
    t->resources_limit = t->lists_limit = FIRST_LIMIT;
}

static bool resource_is_idle(const void *object)
{
    return atomic_load_explicit(&((const struct xds_resource *)object)->refs, memory_order_acquire) == 1;
}

static bool list_is_idle(const void *object)
{
    return atomic_load_explicit(&((const struct xds_list *)object)->refs, memory_order_acquire) == 1;
}

static void resource_drop(void *object)
{
    xds_resource_unref(object);
}

static void list_drop(void *object)
{
    xds_list_unref(object);
}

/* Rebuilds the table with what is still in use ('idle' NULL: with nothing). */
static void sweep(struct map *table, bool (*idle)(const void *), void (*drop)(void *))
{
    struct map kept;
    map_init(&kept);
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(table, &at, &key, &value)) {
        struct slot *s = value;
        if (idle && !idle(s->object)) {
            map_put(&kept, key, s);
            continue;
        }
        drop(s->object);
        free(s);
    }
    map_fini(table);
    *table = kept;
}

void intern_fini(struct intern *t)
{
    sweep(&t->lists, NULL, list_drop);
    sweep(&t->resources, NULL, resource_drop);
    map_fini(&t->lists);
    map_fini(&t->resources);
}

static void add(struct map *table, struct slot *s)
{
    map_put(table, str_from(&s->key, sizeof s->key), s);
}

static struct slot *slot_new(uint32_t type, uint64_t version, void *object)
{
    struct slot *s = xcalloc(1, sizeof *s); /* zeroed: the key is compared with its padding */
    s->key.version = version;
    s->key.type = type;
    s->object = object;
    return s;
}

struct xds_resource *intern_resource(struct intern *t, struct xds_resource *fresh)
{
    struct slot *s = slot_new(fresh->type, fresh->version, fresh);
    struct slot *old = map_find(&t->resources, str_from(&s->key, sizeof s->key));
    if (old) {
        free(s);
        xds_resource_unref(fresh);
        return xds_resource_ref(old->object);
    }
    if (t->resources.n >= t->resources_limit) {
        sweep(&t->resources, resource_is_idle, resource_drop);
        t->resources_limit = t->resources.n * 2 < FIRST_LIMIT ? FIRST_LIMIT : t->resources.n * 2;
    }
    add(&t->resources, s);
    return xds_resource_ref(fresh);
}

struct xds_list *xds_list_ref(struct xds_list *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void xds_list_unref(struct xds_list *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < l->n; i++)
        xds_resource_unref(l->v[i]);
    free(l);
}

/* ---- sorting ---- */
static bool in_order(const struct xds_resource *a, const struct xds_resource *b)
{
    return a == b || str_cmp(a->name, b->name) <= 0;
}

/* Merges v[0..mid) and v[mid..n); of equal names those of the left come first. */
static void merge(struct xds_resource **v, size_t mid, size_t n, struct xds_resource **room)
{
    size_t i = 0, k = mid;
    memcpy(room, v, mid * sizeof room[0]);
    for (size_t at = 0; i < mid; at++)
        v[at] = k == n || in_order(room[i], v[k]) ? room[i++] : v[k++];
}

/* Where the run that starts at 'from' ends. */
static size_t run_end(struct xds_resource *const *v, size_t from, size_t n)
{
    do {
        from++;
    } while (from < n && in_order(v[from - 1], v[from]));
    return from;
}

/* A merge sort that begins with the runs it finds: what comes is mostly one sorted list, and a few more. */
static void sort(struct xds_resource **v, size_t n)
{
    struct xds_resource **room = NULL;
    for (size_t end; n > 1 && (end = run_end(v, 0, n)) < n;) {
        room = room ? room : xmalloc(n * sizeof room[0]);
        for (size_t at = 0; at < n; at += end) {
            size_t mid = run_end(&v[at], 0, n - at);
            end = mid < n - at ? run_end(&v[at], mid, n - at) : mid;
            merge(&v[at], mid, end, room);
        }
    }
    free(room);
}

/* By name; of several with one name the last stays. Returns how many are left. */
static size_t sort_unique(struct xds_resource **v, size_t n)
{
    sort(v, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || (v[i] != v[i + 1] && !str_eq(v[i]->name, v[i + 1]->name)))
            v[kept++] = v[i];
    }
    return kept;
}

/* A resource's version covers its name. */
static uint64_t list_version(struct xds_resource *const *v, size_t n)
{
    uint64_t version = hash_content("", 0);
    for (size_t i = 0; i < n; i++)
        version = hash_mix(version, v[i]->version);
    return version;
}

struct xds_list *intern_list(struct intern *t, struct xds_resource **v, size_t n)
{
    n = sort_unique(v, n);
    uint32_t type = n ? v[0]->type : XDS_N;
    struct slot *s = slot_new(type, list_version(v, n), NULL);
    struct slot *old = map_find(&t->lists, str_from(&s->key, sizeof s->key));
    if (old) {
        free(s);
        return xds_list_ref(old->object);
    }
    struct xds_list *l = xcalloc(1, sizeof *l + n * sizeof l->v[0]);
    atomic_init(&l->refs, 1); /* the table's */
    l->version = s->key.version;
    l->n = n;
    for (size_t i = 0; i < n; i++)
        l->v[i] = xds_resource_ref(v[i]);
    if (t->lists.n >= t->lists_limit) {
        sweep(&t->lists, list_is_idle, list_drop);
        t->lists_limit = t->lists.n * 2 < FIRST_LIMIT ? FIRST_LIMIT : t->lists.n * 2;
    }
    s->object = l;
    add(&t->lists, s);
    return xds_list_ref(l);
}
