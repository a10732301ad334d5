/* health_message_fuzz.c -- what a client says on a health stream: decoded, and held against a Dataplane. */
#include <stdlib.h>

#include "../src/xds/health.h"
#include "ursa/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct resource *dataplane_make(void)
{
    static const struct str spec =
        STR_INIT("{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/"
                 "service\":\"a\"},"
                 "\"serviceProbe\":{\"tcp\":{}}},{\"port\":81,\"tags\":{\"kuma.io/service\":\"a\"}}]}}");
    struct res_key key = {RES_DATAPLANE, STR("m"), STR("d")};
    struct arena arena;
    struct err e;
    arena_init(&arena);
    err_init(&e, &arena);
    struct resource *r = resource_from_stored(&key, spec, &e);
    if (!r)
        abort();
    arena_fini(&arena);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct resource *dataplane;
    struct arena arena;
    struct health_message m;
    struct err e;
    if (!dataplane)
        dataplane = dataplane_make();
    arena_init(&arena);
    err_init(&e, &arena);
    if (health_message_decode(str_from((const char *)data, size), &arena, &m, &e) == ERR_NONE) {
        struct health_report kept = health_report_copy(&m.report, &arena);
        struct resource *told = dataplane_with_health(dataplane, health_told(&kept, dataplane, &arena));
        resource_unref(told);
        health_message_fini(&m);
    }
    arena_fini(&arena);
    return 0;
}
