/* vips_test.c -- which address a name of a mesh gets, and how long it keeps it. */
#include "fixture.h"

/* "a=0 b=1 v1.a=2?": names and how far from the pool's first address theirs is; "?": noted as out of use. */
static struct str vips_of(struct fixture *f, const char *mesh)
{
    struct snap *snap = store_snap(f->store);
    struct vip_iter it = snap_vips(snap, str_from_c(mesh));
    struct str text = STR("");
    for (const struct vip *v; (v = vip_next(&it));)
        text = arena_printf(&f->arena, STR_FMT "%s" STR_FMT "=%u%s", STR_ARG(text), text.n ? " " : "",
                            STR_ARG(v->name), v->address - f->options.vips.first, v->unused_ns ? "?" : "");
    snap_unref(snap);
    return text;
}

static void init(struct fixture *f, uint32_t n_addresses)
{
    fixture_prepare(f);
    f->options.vips = (struct vip_pool){.first = 0xf0000000, .n = n_addresses};
    writer_start(f);
}

static void put_service(struct fixture *f, const char *mesh, const char *proxy, const char *service)
{
    struct str doc = arena_printf(&f->arena,
                                  "{\"type\":\"Dataplane\",\"mesh\":\"%s\",\"name\":\"%s\",\"networking\":{"
                                  "\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":{"
                                  "\"kuma.io/service\":\"%s\",\"version\":\"v1\"}}]}}",
                                  mesh, proxy, service);
    struct str got = run_docs(f, DOCS(doc.p));
    if (!str_eq(got, STR("created")) && !str_eq(got, STR("updated")))
        FAIL("%s: " STR_FMT, service, STR_ARG(got));
}

static void delete_proxy(struct fixture *f, const char *mesh, const char *proxy)
{
    struct str key = arena_printf(&f->arena, "-Dataplane/%s/%s", mesh, proxy);
    EXPECT_STR(proxy, run_docs(f, DOCS(key.p)), "deleted");
}

TEST(one_request_is_served_in_the_order_of_names)
{
    struct fixture f;
    init(&f, 16);
    uint64_t before = revision_of(&f);
    EXPECT_STR("answer",
               run_docs(&f, DOCS(DATAPLANE("default", "p1", "web"), DATAPLANE("default", "p2", "backend"),
                                 DATAPLANE("default", "p3", "redis"))),
               "created, created, created");
    EXPECT_STR("vips", vips_of(&f, "default"), "backend=0 redis=1 web=2");
    EXPECT_INT("they make no revision of their own", revision_of(&f) - before, 1);
    put_service(&f, "default", "p4", "auth");
    EXPECT_STR("later ones come behind", vips_of(&f, "default"), "auth=3 backend=0 redis=1 web=2");
    fixture_fini(&f);
}

TEST(refused_and_dry_run_requests_take_none)
{
    struct fixture f;
    init(&f, 16);
    run_docs(&f, DOCS(DATAPLANE("default", "p1", "web"), DATAPLANE("nowhere", "p1", "other")));
    struct admit_request *dry = request_of(DOCS(DATAPLANE("default", "p1", "web")));
    dry->dry_run = true;
    EXPECT_STR("dry", run_request(&f, dry), "created");
    EXPECT_STR("none", vips_of(&f, "default"), "");
    fixture_fini(&f);
}

TEST(a_name_keeps_its_address_while_and_after_it_is_used)
{
    struct fixture f;
    init(&f, 16);
    put_service(&f, "default", "p1", "a");
    put_service(&f, "default", "p2", "b");
    delete_proxy(&f, "default", "p1");
    put_service(&f, "default", "p3", "c");
    EXPECT_STR("not given to others", vips_of(&f, "default"), "a=0 b=1 c=2");
    put_service(&f, "default", "p2", "a");
    EXPECT_STR("and there when it comes back", vips_of(&f, "default"), "a=0 b=1 c=2");
    admit_stop(f.admit);
    writer_start(&f);
    EXPECT_STR("after a restart of the writer", vips_of(&f, "default"), "a=0 b=1 c=2");
    fixture_fini(&f);
}

TEST(each_mesh_has_its_own_and_takes_them_along)
{
    struct fixture f;
    init(&f, 16);
    run_docs(&f, DOCS(MESH("m"), MESH("n")));
    put_service(&f, "m", "p1", "a");
    put_service(&f, "n", "p1", "b");
    EXPECT_STR("m", vips_of(&f, "m"), "a=0");
    EXPECT_STR("n", vips_of(&f, "n"), "b=0");
    delete_proxy(&f, "m", "p1");
    EXPECT_STR("mesh", run_docs(&f, DOCS("-Mesh//m")), "deleted");
    EXPECT_STR("m is gone", vips_of(&f, "m"), "");
    EXPECT_STR("n is not", vips_of(&f, "n"), "b=0");
    run_docs(&f, DOCS(MESH("m")));
    put_service(&f, "m", "p1", "z");
    EXPECT_STR("m begins anew", vips_of(&f, "m"), "z=0");
    fixture_fini(&f);
}

TEST(when_none_is_left_those_out_of_use_are_given_up_first)
{
    struct fixture f;
    init(&f, 2);
    put_service(&f, "default", "p1", "a");
    put_service(&f, "default", "p2", "b");
    put_service(&f, "default", "p3", "c"); /* none is left for it, and it works without */
    EXPECT_STR("full", vips_of(&f, "default"), "a=0 b=1");
    delete_proxy(&f, "default", "p1");
    put_service(&f, "default", "p4", "d");
    EXPECT_STR("a has gone", vips_of(&f, "default"), "b=1 d=0");
    fixture_fini(&f);
}

/* A table that has doubled is looked through; what is out of use then has an hour to come back. */
TEST(names_that_do_not_come_back_are_given_up_some_time)
{
    struct fixture f;
    init(&f, 1 << 20);
    clock_fake(NS_PER_S, 1000 * NS_PER_S);
    for (int i = 0; i < 1023; i++)
        put_service(&f, "default", "p", arena_printf(&f.arena, "s%04d", i).p);
    put_service(&f, "default", "q", "kept");
    struct snap *snap = store_snap(f.store);
    EXPECT_INT("none is given up yet", snap_vips_count(snap, STR("default")), 1024);
    snap_unref(snap);

    put_service(&f, "default", "p", "next"); /* looks: all but these and "kept" are out of use */
    snap = store_snap(f.store);
    EXPECT_INT("they are kept", snap_vips_count(snap, STR("default")), 1025);
    EXPECT_TRUE("and noted", snap_vip(snap, STR("default"), VIP_SERVICE, STR("s0000"))->unused_ns != 0);
    EXPECT_INT("but those in use", snap_vip(snap, STR("default"), VIP_SERVICE, STR("kept"))->unused_ns, 0);
    snap_unref(snap);
    put_service(&f, "default", "r", "s0001");
    snap = store_snap(f.store);
    EXPECT_INT("one came back", snap_vip(snap, STR("default"), VIP_SERVICE, STR("s0001"))->unused_ns, 0);
    snap_unref(snap);

    for (int i = 0; i < 1023; i++)
        put_service(&f, "default", "p", arena_printf(&f.arena, "t%04d", i).p);
    clock_fake(NS_PER_S, 5000 * NS_PER_S);
    put_service(&f, "default", "p", "last");
    snap = store_snap(f.store);
    EXPECT_TRUE("given up", !snap_vip(snap, STR("default"), VIP_SERVICE, STR("s0000")));
    EXPECT_TRUE("not what came back", snap_vip(snap, STR("default"), VIP_SERVICE, STR("s0001")));
    EXPECT_INT("its address is another's", snap_vip(snap, STR("default"), VIP_SERVICE, STR("last"))->address,
               0xf0000000);
    snap_unref(snap);
    fixture_fini(&f);
}

#define VIRTUAL_OUTBOUND(host)                                                                               \
    "{\"type\":\"VirtualOutbound\",\"mesh\":\"default\",\"name\":\"vo\",\"selectors\":[{\"match\":{"         \
    "\"version\":\"*\"}}],\"conf\":{\"host\":\"" host                                                        \
    "\",\"port\":\"80\",\"parameters\":[{\"name\":\"s\",\"tagKey\":\"kuma.io/service\"}]}}"

TEST(virtual_outbounds_name_what_is_there_and_what_comes)
{
    struct fixture f;
    init(&f, 16);
    put_service(&f, "default", "p1", "b");
    EXPECT_STR("answer", run_docs(&f, DOCS(VIRTUAL_OUTBOUND("{{.s}}.x"))), "created");
    EXPECT_STR("services come first", vips_of(&f, "default"), "b=0 b.x=1");
    put_service(&f, "default", "p2", "a");
    EXPECT_STR("what comes", vips_of(&f, "default"), "a=2 b=0 a.x=3 b.x=1");
    run_docs(&f, DOCS(VIRTUAL_OUTBOUND("one.x")));
    EXPECT_STR("one domain of two services", vips_of(&f, "default"), "a=2 b=0 a.x=3 b.x=1 one.x=4");
    fixture_fini(&f);
}

/* As a store of an older version is. */
TEST(what_was_there_before_gets_its_addresses_at_the_start)
{
    struct fixture f;
    const struct store_origin origin = {.author = STR("old"), .origin = ORIGIN_API, .now_ns = 1};
    uint64_t revision;
    fixture_prepare(&f);
    f.options.vips = (struct vip_pool){.first = 0xf0000000, .n = 16};
    EXPECT_TRUE("begin", store_begin(f.store, &f.err) == ERR_NONE);
    EXPECT_TRUE("tx", store_tx_begin(f.store, &origin, &f.err) == ERR_NONE);
    static const char *const docs[] = {MESH("m"), DATAPLANE("m", "p1", "web"), DATAPLANE("m", "p2", "api")};
    for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
        struct resource *r = decoded(docs[i]);
        EXPECT_TRUE("put", store_tx_put(f.store, r, &f.err) == ERR_NONE);
        resource_unref(r);
    }
    EXPECT_TRUE("end", store_tx_end(f.store, true, &revision, &f.err) == ERR_NONE);
    EXPECT_TRUE("commit", store_commit(f.store, &f.err) == ERR_NONE);
    writer_start(&f);
    EXPECT_STR("all", vips_of(&f, "m"), "api=0 web=1");
    fixture_fini(&f);
}

TEST(another_pool_gives_other_addresses_at_the_start)
{
    struct fixture f;
    init(&f, 16);
    put_service(&f, "default", "p1", "a");
    put_service(&f, "default", "p2", "b");
    admit_stop(f.admit);
    f.options.vips = (struct vip_pool){.first = 0xf0000001, .n = 16}; /* where b is already */
    writer_start(&f);
    EXPECT_STR("a has moved", vips_of(&f, "default"), "a=1 b=0");
    fixture_fini(&f);
}

TEST(pools_as_text)
{
    static const struct {
        const char *text;
        uint32_t first, n; /* n 0: none */
        const char *shown;
    } rows[] = {
        {"240.0.0.0/4", 0xf0000000, 0x10000000, "240.0.0.0/4"},
        {"10.1.2.3/24", 0x0a010200, 256, "10.1.2.0/24"},
        {"10.0.0.0/30", 0x0a000000, 4, "10.0.0.0/30"},
        {"128.0.0.0/1", 0x80000000, 0x80000000, "128.0.0.0/1"},
        {"0.0.0.0/0", 0, 0, NULL},
        {"10.0.0.0/31", 0, 0, NULL},
        {"10.0.0.0", 0, 0, NULL},
        {"10.0.0/8", 0, 0, NULL},
        {"10.0.0.0.0/8", 0, 0, NULL},
        {"10.0.0.256/8", 0, 0, NULL},
        {"fd00::/8", 0, 0, NULL},
        {"", 0, 0, NULL},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct vip_pool pool = {0};
        EXPECT_INT(rows[i].text, vip_pool_parse(str_from_c(rows[i].text), &pool), rows[i].n != 0);
        if (!rows[i].n)
            continue;
        EXPECT_INT(rows[i].text, pool.first, rows[i].first);
        EXPECT_INT(rows[i].text, pool.n, rows[i].n);
        EXPECT_STR(rows[i].text, vip_pool_format(&a, &pool), rows[i].shown);
    }
    arena_fini(&a);
}
