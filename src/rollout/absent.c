/* absent.c -- see absent.h. */
#include "absent.h"

#include "ursa/base/clock.h"

static bool is_open(const struct dp_subscription *s, const struct presence_options *o)
{
    return !s->disconnect_time.set && str_eq(s->control_plane_instance_id, o->instance_id);
}

/* The newest that is open, else the newest; NULL: it was never online. */
static const struct dp_subscription *
subscription_of(const struct presence_options *o, const struct snap *snap, struct str mesh, struct str name)
{
    const struct resource *r = snap_find(snap, RES_DATAPLANE_INSIGHT, mesh, name);
    const struct dataplane_insight_spec *insight = r ? resource_dataplane_insight(r) : NULL;
    size_t n = insight ? insight->n_subscriptions : 0;
    for (size_t i = n; i-- > 0;)
        if (is_open(&insight->subscriptions[i], o))
            return &insight->subscriptions[i];
    return n > 0 ? &insight->subscriptions[n - 1] : NULL;
}

/* A clock that went back makes nobody wait longer. */
static int64_t waited_until(const struct dp_subscription *s, const struct presence_options *o, int64_t now_ns)
{
    int64_t ended = s->disconnect_time.set ? s->disconnect_time.ns : o->started_ns;
    return (ended < now_ns ? ended : now_ns) + ABSENCE_NS;
}

void presence_look(struct presence *p, const struct presence_options *o, const struct snap *snap,
                   struct str mesh, int64_t now_ns)
{
    struct snap_range range = snap_range(snap, RES_DATAPLANE, mesh);
    struct snap_iter it = snap_iter(&range);
    *p = (struct presence){0};
    arena_init(&p->arena);
    map_init(&p->online);
    map_init(&p->absent);
    for (const struct resource *dp; (dp = snap_next(&it));) {
        const struct dp_subscription *s = subscription_of(o, snap, mesh, dp->key.name);
        if (!s)
            continue;
        if (is_open(s, o)) {
            map_put(&p->online, arena_str(&p->arena, dp->key.name), arena_cstr(&p->arena, s->id));
            continue;
        }
        int64_t until = waited_until(s, o, now_ns);
        if (until <= now_ns)
            continue;
        map_put(&p->absent, arena_str(&p->arena, dp->key.name), p);
        p->until_ns = until > p->until_ns ? until : p->until_ns;
    }
}

void presence_fini(struct presence *p)
{
    map_fini(&p->online);
    map_fini(&p->absent);
    arena_fini(&p->arena);
}

bool presence_held(const struct presence *then, const struct presence_options *o, const struct snap *snap,
                   struct str mesh)
{
    size_t at = 0;
    struct str name;
    void *id;
    while (map_next(&then->online, &at, &name, &id)) {
        const struct dp_subscription *s = subscription_of(o, snap, mesh, name);
        if (snap_find(snap, RES_DATAPLANE, mesh, name) &&
            !(s && is_open(s, o) && str_eq(s->id, str_from_c(id))))
            return false;
    }
    return true;
}
