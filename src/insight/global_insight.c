/* insight/global_insight.c -- how many there are of what belongs to no mesh (rest-api.md 5.3). */
#include "online.h"

#include "ursa/base/clock.h"
#include "ursa/base/json.h"

static void put_total(json_t *resources, const char *name, size_t n)
{
    json_t *count = json_object();
    json_object_set_new(count, "total", json_integer((json_int_t)n)); /* zeros are printed here */
    json_object_set_new(resources, name, count);
}

json_t *insight_global(size_t (*count)(void *ctx, enum res_type), void *ctx)
{
    static const enum res_type stored[] = {RES_GLOBAL_SECRET, RES_MESH, RES_ZONE, RES_ZONE_EGRESS,
                                           RES_ZONE_INGRESS};
    struct arena scratch;
    json_t *o = json_object(), *resources = json_object();
    arena_init(&scratch);
    json_object_set_new(o, "type", json_string("GlobalInsights"));
    json_object_set_new(o, "creationTime", json_from_str(time_format(&scratch, clock_wall_ns())));
    json_object_set_new(o, "resources", resources);
    for (size_t i = 0; i < ARRAY_LEN(stored); i++)
        put_total(resources, res_type_info(stored[i])->name.p, count(ctx, stored[i]));
    arena_fini(&scratch);
    return o;
}
