/* insight/overview.c -- a Dataplane together with what is known of its connections (rest-api.md 5.1). */
#include "online.h"

json_t *overview_dataplane(const struct snap *snap, const struct resource *dataplane, bool always)
{
    const struct res_key *key = &dataplane->key;
    const struct resource *insight = snap_find(snap, RES_DATAPLANE_INSIGHT, key->mesh, key->name);
    json_t *o = resource_meta_to_json(dataplane, STR("DataplaneOverview"));
    json_object_set_new(o, "dataplane", resource_spec_to_json(dataplane));
    if (insight)
        json_object_set_new(o, "dataplaneInsight", resource_spec_to_json(insight));
    else if (always)
        json_object_set_new(o, "dataplaneInsight", json_object());
    return o;
}
