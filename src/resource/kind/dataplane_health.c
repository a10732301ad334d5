/* dataplane_health.c -- what Envoys tell of Dataplanes: kept beside the document, shown in it. */
#include <assert.h>

#include "../meta.h"
#include "kind.h"
#include "ursa/base/alloc.h"
#include "ursa/base/json.h"

static bool is_told(char health)
{
    return health == HEALTH_READY || health == HEALTH_NOT_READY;
}

/* The same document in an object of its own. */
static struct resource *copy(const struct resource *r)
{
    struct arena scratch;
    struct err e;
    arena_init(&scratch);
    err_init(&e, &scratch);
    struct resource *made = resource_from_stored(&r->key, blob_str(r->spec_json), &e);
    assert(made); /* what the tables print, they read */
    arena_fini(&scratch);
    made->origin = r->origin;
    made->revision = r->revision;
    made->created_ns = r->created_ns;
    made->modified_ns = r->modified_ns;
    return made;
}

struct resource *dataplane_with_health(const struct resource *r, struct str health)
{
    struct resource *made = copy(r);
    struct dp_networking *net = resource_dataplane(made)->networking;
    char *told = arena_alloc(&made->arena, net->n_inbound + 1);
    bool any = false;
    for (size_t i = 0; i < net->n_inbound; i++) {
        told[i] = i < health.n && is_told(health.p[i]) ? health.p[i] : HEALTH_UNKNOWN;
        if (told[i] == HEALTH_UNKNOWN)
            continue;
        net->inbound[i].health = ARENA_NEW(&made->arena, struct dp_health);
        net->inbound[i].health->ready = told[i] == HEALTH_READY;
        any = true;
    }
    if (any) {
        made->health = str_from(told, net->n_inbound);
        made->shown_json = resource_show(made);
    }
    return made;
}

/* ---- from one version to the next ---- */

static bool is_same_probe(const struct dp_inbound *a, const struct dp_inbound *b)
{
    return a->port == b->port && a->service_port == b->service_port && str_eq(a->address, b->address) &&
           str_eq(a->service_address, b->service_address) && !a->service_probe == !b->service_probe;
}

/* What the document itself says of an inbound, which what was told stands over. Not ready is what a probed
 * one begins as (dataplane_apply_defaults), so there it says nothing. */
static char said(const json_t *document, size_t i)
{
    const json_t *inbounds = json_object_get(json_object_get(document, "networking"), "inbound");
    const json_t *inbound = json_array_get(inbounds, i), *health = json_object_get(inbound, "health");
    if (!health)
        return HEALTH_UNKNOWN;
    if (json_is_true(json_object_get(health, "ready")))
        return HEALTH_READY;
    return json_object_get(inbound, "serviceProbe") ? HEALTH_UNKNOWN : HEALTH_NOT_READY;
}

static struct str kept(const struct resource *fresh, const struct resource *before, struct arena *a)
{
    const struct dp_networking *now = resource_dataplane(fresh)->networking,
                               *then = resource_dataplane(before)->networking;
    JSON_AUTO new_document = json_read_own(blob_str(fresh->spec_json));
    JSON_AUTO old_document = json_read_own(blob_str(before->spec_json));
    char *health = arena_alloc(a, now->n_inbound + 1);
    for (size_t i = 0; i < now->n_inbound; i++) {
        char word = said(new_document, i);
        bool holds = i < then->n_inbound && is_same_probe(&now->inbound[i], &then->inbound[i]) &&
                     (word == HEALTH_UNKNOWN || word == said(old_document, i));
        health[i] = holds ? before->health.p[i] : HEALTH_UNKNOWN;
    }
    return str_from(health, now->n_inbound);
}

struct resource *dataplane_keep_health(struct resource *fresh, const struct resource *before)
{
    struct arena a;
    if (!fresh->health.n && (!before || !before->health.n))
        return resource_ref(fresh);
    arena_init(&a);
    struct str health = before && before->health.n ? kept(fresh, before, &a) : STR("");
    struct resource *made = dataplane_with_health(fresh, health);
    made->modified_ns = 0;
    arena_fini(&a);
    return made;
}
