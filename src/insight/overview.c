/* insight/overview.c -- a proxy or a zone together with what is known of its connections (rest-api.md 5). */
#include "online.h"

#include <assert.h>

#include "ursa/base/json.h"

/* What an overview is called, and its two members. */
static const struct overview {
    enum res_type of, insight;
    const char *type, *spec_key, *insight_key; /* keys with what stands before them in JSON */
} overviews[] = {
    {RES_DATAPLANE, RES_DATAPLANE_INSIGHT, "DataplaneOverview", ",\"dataplane\":", ",\"dataplaneInsight\":"},
    {RES_ZONE, RES_ZONE_INSIGHT, "ZoneOverview", ",\"zone\":", ",\"zoneInsight\":"},
    {RES_ZONE_INGRESS, RES_ZONE_INGRESS_INSIGHT, "ZoneIngressOverview",
     ",\"zoneIngress\":", ",\"zoneIngressInsight\":"},
    {RES_ZONE_EGRESS, RES_ZONE_EGRESS_INSIGHT, "ZoneEgressOverview",
     ",\"zoneEgress\":", ",\"zoneEgressInsight\":"},
};

static const struct overview *overview_of(enum res_type type)
{
    for (size_t i = 0; i < ARRAY_LEN(overviews); i++) {
        if (overviews[i].of == type)
            return &overviews[i];
    }
    assert(!"a type with an overview");
    return NULL;
}

static void print_member(const char *name, struct str text, size_t level, struct buf *out)
{
    json_indent(out, str_from_c(name), level);
    json_indent(out, text, level);
}

/* A Dataplane stays where it is when the constraints of its mesh change, but would not be let in again. */
static void print_warnings(const struct snap *snap, const struct resource *dataplane, size_t level,
                           struct buf *out)
{
    const struct resource *mesh = snap_find_mesh(snap, dataplane->key.mesh);
    struct arena scratch;
    struct err e;

    if (!mesh || !resource_mesh(mesh)->constraints)
        return;
    arena_init(&scratch);
    err_init(&e, &scratch);
    if (mesh_check_membership(resource_mesh(mesh), dataplane->key.mesh, resource_dataplane(dataplane), &e)) {
        JSON_AUTO warnings = json_pack("[o]", json_from_str(e.causes[0].reason));

        print_member(",\"warnings\":", json_format(&scratch, warnings), level + 1, out);
    }
    arena_fini(&scratch);
}

void overview_print(const struct snap *snap, const struct resource *res, bool always, size_t level,
                    struct buf *out)
{
    const struct overview *o = overview_of(res->key.type);
    const struct resource *insight = snap_find(snap, o->insight, res->key.mesh, res->key.name);

    resource_print_meta(res, str_from_c(o->type), level, out);
    print_member(o->spec_key, resource_spec_text(res), level + 1, out);
    if (insight || always)
        print_member(o->insight_key, insight ? resource_spec_text(insight) : STR("{}"), level + 1, out);
    if (o->of == RES_DATAPLANE)
        print_warnings(snap, res, level, out);
    json_indent(out, STR("}"), level + 1);
}

bool zone_is_online(const struct snap *snap, const struct resource *zone)
{
    const struct resource *r = snap_find(snap, RES_ZONE_INSIGHT, STR_NONE, zone->key.name);
    const struct zone_insight_spec *insight = r ? resource_zone_insight(r) : NULL;

    for (size_t i = 0; insight && i < insight->n_subscriptions; i++) {
        const struct kds_subscription *s = &insight->subscriptions[i];
        if (s->connect_time.set && !s->disconnect_time.set)
            return true;
    }
    return false;
}
