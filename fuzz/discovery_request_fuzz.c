/* discovery_request_fuzz.c -- a client's discovery requests: each with its length in two bytes before it, all
 * on one stream, in both variants of the protocol. They are decoded and answered from a small configuration;
 * a stream that never falls silent is a fault. */
#include <stdlib.h>

#include "../src/xds/node.h"
#include "../src/xds/session.h"
#include "ursa/base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RESPONSES_MAX 100

static struct config_set *config;

static void config_make(void)
{
    struct arena arena;
    struct err e;
    arena_init(&arena);
    err_init(&e, &arena);
    config = xcalloc(1, sizeof(*config));
    atomic_init(&config->refs, 1);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        json_t *tree = json_pack("{s:s}", xds_type_info(t)->name_field.p, "a");
        config->lists[t] = xcalloc(1, sizeof(struct xds_list) + sizeof(struct xds_resource *));
        atomic_init(&config->lists[t]->refs, 1);
        config->lists[t]->v[0] = xds_resource_new(t, tree, &e);
        config->lists[t]->n = 1;
        json_decref(tree);
    }
    arena_fini(&arena);
}

static void answer(struct session *s)
{
    enum xds_type type;
    for (int i = 0; (type = session_due(s)) != XDS_N; i++) {
        struct xds_response r;
        session_send(s, type, &r);
        xds_response_fini(&r);
        if (i > RESPONSES_MAX)
            abort();
    }
}

static void request(struct session *s, enum xds_variant variant, struct str wire)
{
    struct arena arena;
    struct err e;
    struct discovery_request r;
    struct proxy_node node;
    arena_init(&arena);
    err_init(&e, &arena);
    if (discovery_request_decode(variant, wire, &arena, &r, &e) == ERR_NONE) {
        struct resource *dataplane;
        if (proxy_node_read(&r.node, &arena, &node, &e) == ERR_NONE && node.dataplane.n > 0 &&
            proxy_node_decode_dataplane(&node, &dataplane, &e) == ERR_NONE)
            resource_unref(dataplane);
        (void)session_request(s, &r);
        answer(s);
        discovery_request_fini(&r);
    }
    arena_fini(&arena);
}

static void talk(enum xds_variant variant, const uint8_t *data, size_t size)
{
    struct session s;
    session_init(&s, variant);
    session_set_config(&s, config);
    while (size >= 2) {
        size_t n = (size_t)data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        n = n < size ? n : size;
        request(&s, variant, str_from(data, n));
        data += n;
        size -= n;
    }
    session_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!config)
        config_make();
    talk(XDS_SOTW, data, size);
    talk(XDS_DELTA, data, size);
    return 0;
}
