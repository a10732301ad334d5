/* node_test.c -- what is kept of a node's metadata, and how much of it. */
#include "../../../src/xds/node.h"

#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/json.h"

/* A proxy may send 256 kB of metadata; what of it is stored with each of its subscriptions is far less. */
TEST(versions_are_bounded)
{
    struct arena arena;
    struct err e;
    struct proxy_node node;
    arena_init(&arena);
    err_init(&e, &arena);
    char *text = arena_alloc(&arena, 100000);
    memset(text, 'v', 99999);
    JSON_AUTO metadata =
        json_pack("{s:{s:{s:s,s:s}, s:{s:s,s:s}}, s:{}}", "version", "kumaDp", "version", text, "gitTag",
                  "v2", "envoy", "version", text, "build", text, "dynamicMetadata");
    json_t *dynamic = json_get(metadata, "dynamicMetadata");
    for (int i = 0; i < 5000; i++) {
        struct str key = arena_printf(&arena, "version.dependencies.d%04d", (i * 37) % 5000);
        json_object_set_new(dynamic, key.p, json_string(i ? "1.0" : text));
    }
    struct discovery_node said = {.given = true, .id = STR("default.web-1"), .metadata = metadata};
    EXPECT_INT("read", proxy_node_read(&said, &arena, &node, &e), ERR_NONE);
    EXPECT_INT("kuma-dp", node.version->kuma_dp->version.n, 256);
    EXPECT_STR("short texts are whole", node.version->kuma_dp->git_tag, "v2");
    EXPECT_STR("absent", node.version->kuma_dp->build_date, "");
    EXPECT_INT("envoy", node.version->envoy->version.n, 256);
    EXPECT_INT("build", node.version->envoy->build.n, 256);
    EXPECT_INT("dependencies", node.version->dependencies.n, 16);
    for (size_t i = 0; i < node.version->dependencies.n; i++) {
        const struct tag *d = &node.version->dependencies.v[i];
        EXPECT_TRUE("value", d->value.n <= 256);
        EXPECT_TRUE("sorted", i == 0 || str_cmp(d[-1].key, d->key) < 0);
    }
    arena_fini(&arena);
}
