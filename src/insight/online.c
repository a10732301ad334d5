/* insight/online.c -- who is online, and counting it. */
#include "online.h"

#include "ursa/base/json.h"

const struct dataplane_insight_spec *online_find(const struct snap *snap, const struct resource *dataplane)
{
    const struct resource *r =
        snap_find(snap, RES_DATAPLANE_INSIGHT, dataplane->key.mesh, dataplane->key.name);
    return r ? resource_dataplane_insight(r) : NULL;
}

static bool is_connected(const struct dataplane_insight_spec *insight)
{
    for (size_t i = 0; insight && i < insight->n_subscriptions; i++) {
        const struct dp_subscription *s = &insight->subscriptions[i];
        if (s->connect_time.set && !s->disconnect_time.set)
            return true;
    }
    return false;
}

bool dataplane_is_online(const struct snap *snap, const struct resource *dataplane)
{
    return is_connected(online_find(snap, dataplane));
}

enum proxy_status online_status(const struct resource *dataplane,
                                const struct dataplane_insight_spec *insight)
{
    const struct dp_networking *net = resource_dataplane(dataplane)->networking;
    size_t n_unready = 0;
    if (!is_connected(insight))
        return PROXY_OFFLINE;
    if (net->gateway)
        return PROXY_ONLINE;
    for (size_t i = 0; i < net->n_inbound; i++)
        n_unready += net->inbound[i].health && !net->inbound[i].health->ready;
    if (n_unready == net->n_inbound)
        return PROXY_OFFLINE;
    return n_unready > 0 ? PROXY_DEGRADED : PROXY_ONLINE;
}

const struct proxy_version *online_version(const struct dataplane_insight_spec *insight)
{
    if (!insight || insight->n_subscriptions == 0)
        return NULL;
    return insight->subscriptions[insight->n_subscriptions - 1].version;
}

void proxy_stat_add(struct proxy_stat *s, enum proxy_status status)
{
    s->total++;
    s->online += status == PROXY_ONLINE;
    s->offline += status == PROXY_OFFLINE;
    s->degraded += status == PROXY_DEGRADED;
}

void put_count(json_t *o, const char *key, size_t n)
{
    if (n > 0)
        json_object_set_new(o, key, json_integer((json_int_t)n));
}

json_t *proxy_stat_json(const struct proxy_stat *s)
{
    json_t *o = json_object();
    put_count(o, "total", s->total);
    put_count(o, "online", s->online);
    put_count(o, "offline", s->offline);
    put_count(o, "partiallyDegraded", s->degraded);
    return o;
}

json_t *derived_meta_json(enum res_type type, struct str name, const struct resource *mesh,
                          int64_t modified_ns)
{
    const struct res_type_info *info = res_type_info(type);
    struct resource meta = {.key = {.type = type, .mesh = mesh->key.name, .name = name},
                            .created_ns = mesh->created_ns,
                            .modified_ns = modified_ns};
    return resource_meta_to_json(&meta, info->name);
}

int64_t newest_of(const struct snap *snap, enum res_type type, struct str mesh, int64_t least)
{
    struct snap_range range = snap_range(snap, type, mesh);
    struct snap_iter it = snap_iter(&range);
    const struct resource *r;
    while ((r = snap_next(&it))) {
        if (r->modified_ns > least)
            least = r->modified_ns;
    }
    return least;
}
