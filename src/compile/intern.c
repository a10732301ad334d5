/* Interning: tables by version, which is a hash of the content. */
#include "intern.h"

#include "ursa/base/vec.h"

#define FIRST_LIMIT 256

/* ---- the objects of a table ---- */
struct kind {
    struct str (*key)(void *object); /* lives in it */
    bool (*is_idle)(const void *object);
    void (*drop)(void *object);
};

static struct str resource_key(void *object)
{
    const struct xds_resource *r = object;
    return str_from(&r->version, sizeof r->version);
}

static bool resource_is_idle(const void *object)
{
    return atomic_load_explicit(&((const struct xds_resource *)object)->refs, memory_order_acquire) == 1;
}

static void resource_drop(void *object)
{
    xds_resource_unref(object);
}

static const struct kind resource_kind = {resource_key, resource_is_idle, resource_drop};

static struct str list_key(void *object)
{
    const struct xds_list *l = object;
    return str_from(&l->version, sizeof l->version);
}

static bool list_is_idle(const void *object)
{
    return atomic_load_explicit(&((const struct xds_list *)object)->refs, memory_order_acquire) == 1;
}

static void list_drop(void *object)
{
    xds_list_unref(object);
}

static const struct kind list_kind = {list_key, list_is_idle, list_drop};

/* ---- tables ---- */
/* Lets go what is idle, or everything. */
static void sweep(struct intern_table *t, const struct kind *kind, bool all)
{
    struct VEC(void *) idle = {0};
    size_t at = 0;
    struct str key;
    void *object;
    while (map_next(&t->objects, &at, &key, &object)) {
        if (all || kind->is_idle(object))
            VEC_PUSH(&idle, object);
    }
    for (size_t i = 0; i < idle.n; i++) {
        map_del(&t->objects, kind->key(idle.v[i]));
        kind->drop(idle.v[i]);
    }
    VEC_FINI(&idle);
    t->limit = t->objects.n + t->objects.n / 4 + FIRST_LIMIT;
}

/* Takes over 'fresh' unless its like is there. */
static void *find_or_add(struct intern_table *t, const struct kind *kind, void *fresh)
{
    void *old = map_find(&t->objects, kind->key(fresh));
    if (old) {
        kind->drop(fresh);
        return old;
    }
    if (t->objects.n >= t->limit)
        sweep(t, kind, false);
    map_put(&t->objects, kind->key(fresh), fresh);
    t->n_new++;
    return fresh;
}

/* In the middle of a batch old and new are both in use; at its end the old ones are not. */
static void collect(struct intern_table *t, const struct kind *kind)
{
    if (t->n_new <= t->objects.n / 8)
        return;
    sweep(t, kind, false);
    t->n_new = 0;
}

void intern_collect(struct intern *t)
{
    collect(&t->lists, &list_kind);
    for (size_t i = 0; i < XDS_N; i++)
        collect(&t->resources[i], &resource_kind);
}

void intern_init(struct intern *t)
{
    *t = (struct intern){.lists = {.limit = FIRST_LIMIT}};
    for (size_t i = 0; i < XDS_N; i++)
        t->resources[i].limit = FIRST_LIMIT;
}

void intern_fini(struct intern *t)
{
    sweep(&t->lists, &list_kind, true);
    map_fini(&t->lists.objects);
    for (size_t i = 0; i < XDS_N; i++) {
        sweep(&t->resources[i], &resource_kind, true);
        map_fini(&t->resources[i].objects);
    }
}

struct xds_resource *intern_resource(struct intern *t, struct xds_resource *fresh)
{
    return xds_resource_ref(find_or_add(&t->resources[fresh->type], &resource_kind, fresh));
}

struct xds_list *intern_list(struct intern *t, struct xds_list *fresh)
{
    return xds_list_ref(find_or_add(&t->lists, &list_kind, fresh));
}
