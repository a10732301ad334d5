/* envoy_decode_fuzz.c -- any bytes as a DiscoveryRequest and as a Listener: no crash, and what was decoded
 * encodes again, to bytes that decode to the same tree.
 */
#include <stdlib.h>

#include "ursa/base/json.h"
#include "ursa/envoy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(struct str message, struct str wire)
{
    struct arena a;
    struct err e;
    struct buf out;
    json_t *tree, *again;

    arena_init(&a);
    err_init(&e, &a);
    buf_init(&out, BUF_MAX_RESOURCE);
    if (envoy_decode(message, wire, &tree, &e) == ERR_NONE) {
        if (envoy_encode(message, tree, &out, &e) != ERR_NONE ||
            envoy_decode(message, buf_str(&out), &again, &e) != ERR_NONE)
            abort();
        if (!str_eq(json_format_canonical(&a, tree), json_format_canonical(&a, again)))
            abort();
        json_decref(again);
        json_decref(tree);
    } else if (tree || e.kind != ERR_MALFORMED || e.text.n == 0) {
        abort();
    }
    buf_fini(&out);
    arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    check(STR("envoy.service.discovery.v3.DiscoveryRequest"), str_from(bytes, n));
    check(STR("envoy.config.listener.v3.Listener"), str_from(bytes, n));
    return 0;
}
