/* The engine over a memory store and its writer: what is delivered, when, and what a write costs whom. */
#include <string.h>

#include "engine_world.h"
#include "ursa/base/json.h"

static const char *const two_meshes =
    "type: Mesh\n"
    "name: a\n"
    "mtls: {enabledBackend: ca, backends: [{name: ca, type: builtin}]}\n"
    "---\n"
    "type: Mesh\n"
    "name: b\n"
    "---\n"
    "type: Dataplane\n"
    "mesh: a\n"
    "name: web-1\n"
    "networking:\n"
    "  address: 10.0.0.1\n"
    "  inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]\n"
    "  outbound: [{port: 10001, tags: {kuma.io/service: api}}]\n"
    "---\n"
    "type: Dataplane\n"
    "mesh: b\n"
    "name: web-1\n"
    "networking:\n"
    "  address: 10.0.1.1\n"
    "  inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]\n"
    "  outbound: [{port: 10001, tags: {kuma.io/service: api}}]\n";

static const char *const api_in_a =
    "type: Dataplane\n"
    "mesh: a\n"
    "name: api-1\n"
    "networking:\n"
    "  address: 10.0.0.2\n"
    "  inbound: [{port: 80, tags: {kuma.io/service: api, kuma.io/protocol: http}}]\n";

static const char *const web_in_a =
    "type: Dataplane\n"
    "mesh: a\n"
    "name: web-1\n"
    "networking:\n"
    "  address: 10.0.0.1\n"
    "  inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]\n";

static size_t endpoint_count(const struct client *c)
{
    const struct xds_resource *r = config_set_find(c->set, XDS_ENDPOINT, STR("api"));
    json_t *tree = r ? xds_resource_to_json(r) : NULL;
    json_t *groups = json_object_get(tree, "endpoints");
    size_t n = json_array_size(json_object_get(json_array_get(groups, 0), "lbEndpoints"));
    json_decref(tree);
    return n;
}

/* ---- tests ---- */
TEST(delivers_the_first_configuration_and_each_change)
{
    struct world *w = world_new(start, NULL);
    apply(w, two_meshes);
    struct client web;
    attach(&web, "a", "web-1");
    await_deliveries(&web, 1);
    settle(w);
    EXPECT_INT("first", web.n_deliveries, 1);
    EXPECT_TRUE("a set", web.set);
    EXPECT_INT("nobody offers api", endpoint_count(&web), 0);
    EXPECT_TRUE("an identity", web.set->identity);
    EXPECT_STR("backend", web.set->issued_backend, "ca");

    apply(w, api_in_a);
    settle(w);
    EXPECT_INT("the endpoint came", web.n_deliveries, 2);
    EXPECT_INT("endpoints", endpoint_count(&web), 1);

    apply(w, "type: Secret\nmesh: a\nname: unused\ndata: c2VjcmV0\n");
    settle(w);
    EXPECT_INT("nothing that it is sent changed", web.n_deliveries, 2);
    detach(&web);
    world_free(w, stop);
}

TEST(a_deleted_dataplane_is_delivered_as_nothing)
{
    struct world *w = world_new(start, NULL);
    apply(w, two_meshes);
    struct client web, nobody;
    attach(&web, "a", "web-1");
    attach(&nobody, "c", "web-1");
    await_deliveries(&web, 1);
    settle(w);
    EXPECT_TRUE("no such mesh", nobody.n_deliveries == 1 && !nobody.set);
    world_delete(w, RES_DATAPLANE, STR("a"), STR("web-1"));
    settle(w);
    EXPECT_TRUE("gone", web.n_deliveries == 2 && !web.set);
    apply(w, web_in_a);
    settle(w); /* it has been answered before, so this waits for its certificate */
    EXPECT_TRUE("back", web.n_deliveries == 3 && web.set);
    apply(w, "type: Mesh\nname: c\n---\ntype: Dataplane\nmesh: c\nname: web-1\nnetworking: {address: "
             "10.0.0.9, inbound: "
             "[{port: 80, tags: {kuma.io/service: web}}]}\n");
    settle(w);
    EXPECT_TRUE("the mesh came", nobody.n_deliveries == 2 && nobody.set);
    detach(&web);
    detach(&nobody);
    world_free(w, stop);
}

TEST(a_write_in_one_mesh_runs_nothing_of_another)
{
    struct world *w = world_new(start, NULL);
    apply(w, two_meshes);
    struct client in_a, in_b;
    attach(&in_a, "a", "web-1");
    attach(&in_b, "b", "web-1");
    await_deliveries(&in_a, 1);
    await_deliveries(&in_b, 1);
    settle(w);
    json_t *before = ask("mesh/b");
    apply(w, api_in_a);
    apply(
        w,
        "type: Timeout\nmesh: a\nname: t\nsources: [{match: {kuma.io/service: '*'}}]\ndestinations: [{match: "
        "{kuma.io/service: '*'}}]\nconf: {connectTimeout: 1s}\n");
    settle(w);
    json_t *after = ask("mesh/b");
    json_t *counts;
    const char *function;
    json_object_foreach(json_object_get(after, "functions"), function, counts)
    {
        json_t *was = json_object_get(json_object_get(before, "functions"), function);
        EXPECT_INT(function, json_integer_value(json_object_get(counts, "runs")),
                   json_integer_value(json_object_get(was, "runs")));
    }
    EXPECT_TRUE("a got it", in_a.n_deliveries > 1);
    EXPECT_INT("b got nothing", in_b.n_deliveries, 1);
    json_decref(before);
    json_decref(after);
    detach(&in_a);
    detach(&in_b);
    world_free(w, stop);
}

TEST(an_ingress_is_news_for_the_meshes_whose_services_it_has)
{
    struct world *w = world_new(start, NULL);
    apply(w, two_meshes);
    struct client in_a, in_b;
    attach(&in_a, "a", "web-1");
    attach(&in_b, "b", "web-1");
    settle(w);
    await_deliveries(&in_a, 1);
    await_deliveries(&in_b, 1);
    json_t *before = ask("mesh/b");
    apply(w,
          "type: ZoneIngress\nname: east\nzone: east\nnetworking: {address: 10.9.0.1, port: 10001, "
          "advertisedAddress: 192.0.2.1, advertisedPort: 10001}\navailableServices: [{mesh: a, instances: 2, "
          "tags: {kuma.io/service: api, kuma.io/zone: east}}]\n");
    settle(w);
    EXPECT_INT("an endpoint", endpoint_count(&in_a), 1);
    json_t *after = ask("mesh/b");
    EXPECT_TRUE("the other mesh runs nothing",
                json_equal(json_object_get(before, "functions"), json_object_get(after, "functions")));
    world_delete(w, RES_ZONE_INGRESS, STR(""), STR("east"));
    settle(w);
    EXPECT_INT("gone", endpoint_count(&in_a), 0);
    json_decref(before);
    json_decref(after);
    detach(&in_a);
    detach(&in_b);
    world_free(w, stop);
}

TEST(a_mesh_without_proxies_is_not_compiled)
{
    struct world *w = world_new(start, NULL);
    apply(w, two_meshes);
    settle(w);
    json_t *all = ask("engine");
    EXPECT_INT("meshes", json_array_size(json_object_get(all, "meshes")), 0);
    json_decref(all);
    EXPECT_TRUE("unknown", !ask("mesh/a") && !ask("proxy/a/web-1") && !ask("nonsense") && !ask(""));
    struct client web;
    attach(&web, "a", "web-1");
    await_deliveries(&web, 1);
    settle(w);
    json_t *proxy = ask("proxy/a/web-1"), *rebuilt = ask("rebuild/a");
    EXPECT_TRUE("shown", json_object_get(proxy, "cds"));
    struct arena a;
    arena_init(&a);
    struct str text = json_format(&a, proxy);
    EXPECT_TRUE("with its secrets", str_find(text, STR("identity_cert:secret:a")) < text.n);
    EXPECT_TRUE("without its key", str_find(text, STR("privateKey")) == text.n);
    arena_fini(&a);
    EXPECT_INT("rebuilt", json_integer_value(json_object_get(rebuilt, "proxies")), 1);
    EXPECT_INT("the same came out", json_integer_value(json_object_get(rebuilt, "differed")), 0);
    EXPECT_INT("no delivery", web.n_deliveries, 1);
    json_decref(proxy);
    json_decref(rebuilt);
    detach(&web);
    EXPECT_TRUE("forgotten", !ask("mesh/a"));
    world_free(w, stop);
}

TEST(a_certificate_outlives_its_stream_and_is_renewed_in_time)
{
    int64_t now = INT64_C(1700000000) * NS_PER_S;
    clock_fake(now, now);
    struct world *w = world_new(start, NULL);
    apply(w, two_meshes);
    struct client web;
    attach(&web, "a", "web-1");
    await_deliveries(&web, 1);
    settle(w);
    uint64_t first = web.set->identity->version, listeners = web.set->lists[XDS_LISTENER]->version;
    detach(&web);
    attach(&web, "a", "web-1");
    await_deliveries(&web, 1);
    settle(w);
    EXPECT_TRUE("reconnected: the same", web.set->identity->version == first);

    now += 24 * 3600 * NS_PER_S / 4 * 3;
    clock_fake(now, now);
    settle(w);
    EXPECT_TRUE("at 3/4: the same", web.n_deliveries == 1 && web.set->identity->version == first);
    now += 24 * 3600 * NS_PER_S / 10;
    clock_fake(now, now);
    settle(w);
    await_deliveries(&web, 2);
    settle(w);
    EXPECT_INT("past 4/5: delivered", web.n_deliveries, 2);
    EXPECT_TRUE("another one", web.set->identity->version != first);
    EXPECT_TRUE("nothing else changed", web.set->lists[XDS_LISTENER]->version == listeners);

    uint64_t second = web.set->identity->version;
    apply(w,
          "type: Dataplane\nmesh: a\nname: web-1\nnetworking: {address: 10.0.0.1, inbound: [{port: 80, tags: "
          "{kuma.io/service: web, kuma.io/protocol: http, version: v2}}]}\n");
    settle(w);
    EXPECT_TRUE("other tags, another certificate", web.set->identity->version != second);
    detach(&web);
    world_free(w, stop);
    clock_fake(-1, -1);
}

TEST(two_streams_of_one_proxy_share_its_configuration)
{
    struct world *w = world_new(start, NULL);
    apply(w, two_meshes);
    struct client one, two;
    attach(&one, "a", "web-1");
    attach(&two, "a", "web-1");
    await_deliveries(&one, 1);
    await_deliveries(&two, 1);
    EXPECT_TRUE("one object", one.set && one.set == two.set);
    detach(&one);
    apply(w, api_in_a);
    settle(w);
    EXPECT_INT("the other goes on", two.n_deliveries, 2);
    detach(&two);
    world_free(w, stop);
}

TEST(streams_of_one_proxy_come_and_go_in_any_order)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        int64_t now = INT64_C(1700000000) * NS_PER_S;
        clock_fake(now, now);
        struct world *w = world_new(start, NULL);
        apply(w, two_meshes);
        struct client streams[3];
        for (size_t k = 0; k < ARRAY_LEN(streams); k++)
            attach(&streams[k], "a", "web-1");
        for (size_t k = 0; k < ARRAY_LEN(streams); k++)
            await_deliveries(&streams[k], 1);
        for (size_t k = 0; k < ARRAY_LEN(streams); k++) {
            struct client *last = &streams[orders[i][2]];
            now += 24 * 3600 * NS_PER_S;
            clock_fake(now, now);
            settle(w);
            for (size_t left = k; left < ARRAY_LEN(streams); left++)
                await_deliveries(&streams[orders[i][left]], (unsigned)k + 2);
            EXPECT_INT("the certificate is renewed as long as a stream is there", last->n_deliveries, k + 2);
            detach(&streams[orders[i][k]]);
        }
        EXPECT_TRUE("all gone", !ask("mesh/a"));
        world_free(w, stop);
    }
    clock_fake(-1, -1);
}

/* The system takes a number for an address of 127.0.0.0/8 without asking a name server. */
TEST(who_is_no_proxy_may_ask_what_a_host_name_stands_for)
{
    static const struct {
        const char *name, *want;
    } rows[] = {{"127.2", "127.0.0.2"}, {"no-such-host.invalid", ""}};
    struct world *w = world_new(start, NULL);
    struct address_query queries[ARRAY_LEN(rows)];
    struct mailbox box;
    mailbox_init(&box);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        queries[i] = (struct address_query){
            .mail.handle = nothing, .box = &box, .name = str_from_c(rows[i].name), .address = "?"};
        engine_find_address(engine, &queries[i]);
    }
    for (size_t n = 0; n < ARRAY_LEN(rows);) {
        EXPECT_TRUE("answered", mailbox_wait(&box, 10000));
        n += mailbox_run(&box);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_CSTR(rows[i].name, queries[i].address, rows[i].want);
    world_free(w, stop);
    mailbox_fini(&box);
}
