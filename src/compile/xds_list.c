/* Lists of resources: put together from others, sorted by name.
 *
 * Most lists are a long one that many proxies have, and a few resources of the proxy's own. Such a list holds
 * the long one, as a whole, instead of each of its resources, and is made without looking at most of them. */
#include "intern.h"

#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"
#include "ursa/base/vec.h"

#define SHORTEST_BASE 16

struct xds_list *xds_list_ref(struct xds_list *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

/* With a base, its own are behind the others. */
static struct xds_resource **own_of(struct xds_list *l)
{
    return l->base ? &l->v[l->n] : l->v;
}

void xds_list_unref(struct xds_list *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
        return;
    size_t n_own = l->base ? l->n_own : l->n;
    for (size_t i = 0; i < n_own; i++)
        xds_resource_unref(own_of(l)[i]);
    xds_list_unref(l->base);
    free(l);
}

/* ---- sorting ---- */
struct entry {
    struct xds_resource *resource;
    bool wins; /* over one of the base with its name: it comes behind the base */
};

static bool in_order(const struct entry *a, const struct entry *b)
{
    return a->resource == b->resource || str_cmp(a->resource->name, b->resource->name) <= 0;
}

/* Merges v[0..mid) and v[mid..n); of equal names those of the left come first. */
static void merge(struct entry *v, size_t mid, size_t n, struct entry *room)
{
    size_t i = 0, k = mid;
    memcpy(room, v, mid * sizeof room[0]);
    for (size_t at = 0; i < mid; at++)
        v[at] = k == n || in_order(&room[i], &v[k]) ? room[i++] : v[k++];
}

/* Where the run that starts at 'from' ends. */
static size_t run_end(const struct entry *v, size_t from, size_t n)
{
    do {
        from++;
    } while (from < n && in_order(&v[from - 1], &v[from]));
    return from;
}

/* A merge sort that begins with the runs it finds. */
static void sort(struct entry *v, size_t n)
{
    struct entry *room = NULL;
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
static size_t sort_unique(struct entry *v, size_t n)
{
    sort(v, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || !str_eq(v[i].resource->name, v[i + 1].resource->name))
            v[kept++] = v[i];
    }
    return kept;
}

/* ---- putting together ---- */
static size_t find_base(const struct list_item *items, size_t n)
{
    size_t base = n;
    for (size_t i = 0; i < n; i++) {
        const struct xds_list *l = items[i].list;
        if (l && l->n >= SHORTEST_BASE && (base == n || l->n > items[base].list->n))
            base = i;
    }
    return base;
}

size_t xds_search(struct xds_resource *const *v, size_t n, size_t from, struct str name)
{
    size_t to = from, stride = 1;
    for (; to < n && str_cmp(v[to]->name, name) < 0; stride *= 2) { /* mostly it is near */
        from = to + 1;
        to += stride;
    }
    to = to < n ? to : n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (str_cmp(v[mid]->name, name) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void copy(struct xds_list *l, const struct xds_list *from, size_t begin, size_t end)
{
    memcpy(&l->v[l->n], &from->v[begin], (end - begin) * sizeof l->v[0]);
    l->n += end - begin;
}

/* The base, and between its resources the sorted others. */
static struct xds_list *extend(struct xds_list *base, const struct entry *v, size_t n)
{
    struct xds_list *l = xcalloc(1, sizeof *l + (base->n + 2 * n) * sizeof l->v[0]);
    struct VEC(struct xds_resource *) own = {0};
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        size_t to = xds_search(base->v, base->n, at, v[i].resource->name);
        copy(l, base, at, to);
        at = to;
        bool taken = at < base->n && str_eq(base->v[at]->name, v[i].resource->name);
        if (taken && !v[i].wins)
            continue;
        at += taken;
        l->v[l->n++] = v[i].resource;
        VEC_PUSH(&own, xds_resource_ref(v[i].resource));
    }
    copy(l, base, at, base->n);
    l->base = xds_list_ref(base);
    l->n_own = own.n;
    if (own.n)
        memcpy(own_of(l), own.v, own.n * sizeof own.v[0]);
    VEC_FINI(&own);
    return l;
}

static struct xds_list *list_of(const struct entry *v, size_t n)
{
    struct xds_list *l = xcalloc(1, sizeof *l + n * sizeof l->v[0]);
    for (size_t i = 0; i < n; i++)
        l->v[l->n++] = xds_resource_ref(v[i].resource);
    return l;
}

/* A resource's version covers its name. */
static uint64_t version_of(const struct xds_list *l)
{
    uint64_t version = hash_content("", 0);
    for (size_t i = 0; i < l->n; i++)
        version = hash_mix(version, l->v[i]->version);
    return version;
}

struct xds_list *xds_list_new(const struct list_item *items, size_t n)
{
    size_t base = find_base(items, n);
    struct VEC(struct entry) own = {0};
    for (size_t i = 0; i < n; i++) {
        const struct xds_list *l = items[i].list;
        if (items[i].resource)
            VEC_PUSH(&own, ((struct entry){items[i].resource, i > base}));
        for (size_t k = 0; l && i != base && k < l->n; k++)
            VEC_PUSH(&own, ((struct entry){l->v[k], i > base}));
    }
    own.n = sort_unique(own.v, own.n);
    struct xds_list *l = base < n ? extend(items[base].list, own.v, own.n) : list_of(own.v, own.n);
    VEC_FINI(&own);
    atomic_init(&l->refs, 1);
    l->version = version_of(l);
    return l;
}
