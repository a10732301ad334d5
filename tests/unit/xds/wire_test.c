/* wire_test.c -- requests and responses as bytes, in both variants of the protocol. */
#include "world.h"

#define WEB DATAPLANE("default", "web-1", "10.0.0.1", "80", "web")
#define FIRST FIRST_OF("default.web-1")

TEST(bytes_that_are_no_request)
{
    static const struct {
        const char *name;
        struct str wire;
        enum err_kind kind;
        enum xds_variant variant;
    } rows[] = {
        {"truncated", STR_INIT("\x12\x20xx"), ERR_MALFORMED, XDS_SOTW},
        {"not UTF-8", STR_INIT("\x22\x02\xff\xfe"), ERR_MALFORMED, XDS_SOTW},
        {"a NUL in a name", STR_INIT("\x1a\x02y\0"), ERR_MALFORMED, XDS_SOTW},
        {"a number where text belongs", STR_INIT("\x20\x01"), ERR_MALFORMED, XDS_SOTW},
        {"broken metadata", STR_INIT("\x12\x05\x1a\x03\x0a\x09x"), ERR_MALFORMED, XDS_SOTW},
        {"nothing at all", STR_INIT(""), ERR_INVALID, XDS_SOTW},
        {"delta: truncated", STR_INIT("\x0a\x20xx"), ERR_MALFORMED, XDS_DELTA},
        {"delta: a NUL in a name to give up", STR_INIT("\x22\x02y\0"), ERR_MALFORMED, XDS_DELTA},
        {"delta: a NUL in a name it has", STR_INIT("\x2a\x03\x0a\x01\0"), ERR_MALFORMED, XDS_DELTA},
        {"delta: a truncated version", STR_INIT("\x2a\x02\x12\x09"), ERR_MALFORMED, XDS_DELTA},
        {"delta: versions that are a number", STR_INIT("\x28\x01"), ERR_INVALID, XDS_DELTA},
        {"delta: nothing at all", STR_INIT(""), ERR_INVALID, XDS_DELTA},
    };
    struct world w;
    world_init(&w);
    ads_start(&w, true);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct peer p;
        peer_open_variant(&w, &p, rows[i].variant, STR_NONE);
        ads_receive(p.stream, rows[i].wire);
        EXPECT_CSTR(rows[i].name, err_kind_name(p.kind), err_kind_name(rows[i].kind));
        peer_close(&w, &p);
    }
    world_fini(&w);
}

TEST(a_response_on_the_wire)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, FIRST);
    EXPECT_TRUE("nothing before a configuration", peer_hears(&p) == NULL);
    engine_delivers("a");
    mailbox_run(&w.box);
    EXPECT_INT("wakes", p.n_wakes, 1);
    JSON_AUTO m = peer_hears(&p);
    EXPECT_STR("type", json_str(json_get(m, "typeUrl")),
               "type.googleapis.com/envoy.config.cluster.v3.Cluster");
    EXPECT_INT("version", json_str(json_get(m, "versionInfo")).n, 16);
    EXPECT_STR("nonce", json_str(json_get(m, "nonce")), "1");
    EXPECT_STR("who", json_str(json_get(json_get(m, "controlPlane"), "identifier")), "host-1234");
    EXPECT_INT("resources", json_array_size(json_get(m, "resources")), 1);
    EXPECT_STR("name", json_str(json_get(json_array_get(json_get(m, "resources"), 0), "name")), "a");
    EXPECT_TRUE("no more", peer_hears(&p) == NULL);
    peer_close(&w, &p);
    world_fini(&w);
}

TEST(a_delta_response_on_the_wire)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open_variant(&w, &p, XDS_DELTA, STR_NONE);
    peer_says(&p, "{'node': {'id': 'default.web-1'}, " CDS
                  ", 'initialResourceVersions': {'gone': '0123456789abcdef'}}");
    engine_delivers("a");
    mailbox_run(&w.box);
    JSON_AUTO first = peer_hears(&p);
    json_t *resource = json_array_get(json_get(first, "resources"), 0);
    EXPECT_STR("type", json_str(json_get(first, "typeUrl")),
               "type.googleapis.com/envoy.config.cluster.v3.Cluster");
    EXPECT_INT("resources", json_array_size(json_get(first, "resources")), 1);
    EXPECT_STR("name", json_str(json_get(resource, "name")), "a");
    EXPECT_INT("version", json_str(json_get(resource, "version")).n, 16);
    EXPECT_STR("content", json_str(json_get(json_get(resource, "resource"), "name")), "a");
    EXPECT_STR("nonce", json_str(json_get(first, "nonce")), "1");
    EXPECT_STR("who", json_str(json_get(json_get(first, "controlPlane"), "identifier")), "host-1234");
    peer_says(&p, "{" LDS "}"); /* what is gone waits until the listeners agree */
    JSON_AUTO listeners = peer_hears(&p);
    EXPECT_STR("nonce", json_str(json_get(listeners, "nonce")), "1");
    peer_says(&p, "{" LDS ", 'responseNonce': '1'}");
    JSON_AUTO second = peer_hears(&p);
    EXPECT_INT("nothing else", json_array_size(json_get(second, "resources")), 0);
    EXPECT_STR("removed", json_str(json_array_get(json_get(second, "removedResources"), 0)), "gone");
    EXPECT_TRUE("no more", peer_hears(&p) == NULL);
    peer_close(&w, &p);
    world_fini(&w);
}
