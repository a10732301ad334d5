/* One mesh of the engine, on the test's own thread, which decides what comes between two turns. */
#include "../../../src/compile/engine.h"

#include <string.h>

#include "../../lib/test.h"
#include "../../tools/world.c" /* unit tests link their room and tests/lib only */

static const char *const two_proxies =
    "type: Mesh\nname: m\nmtls: {enabledBackend: ca, backends: [{name: ca, type: builtin}]}\n---\n"
    "type: Dataplane\nmesh: m\nname: first\nnetworking: {address: 10.0.0.1, inbound: [{port: 80, tags: "
    "{kuma.io/service: a}}]}\n---\n"
    "type: Dataplane\nmesh: m\nname: other\nnetworking: {address: 10.0.0.2, inbound: [{port: 80, tags: "
    "{kuma.io/service: b}}]}\n";

struct fixture {
    struct world *world;
    struct engine engine;
};

static struct engine_mesh *mesh(struct fixture *f)
{
    return map_find(&f->engine.meshes, STR("m"));
}

static bool issued(void *ctx, struct str name, struct str proxy)
{
    struct fixture *f = ctx;
    (void)name;
    return mesh(f) && engine_mesh_touch(mesh(f), proxy);
}

static struct fixture *fixture_new(void)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct engine *e = &f->engine;
    f->world = world_new(NULL, NULL);
    world_apply(f->world, str_from_c(two_proxies));
    mailbox_init(&e->box);
    map_init(&e->meshes);
    list_init(&e->by_age);
    turns_init(&e->ready);
    list_init(&e->lacking);
    e->snap = store_snap(world_store(f->world));
    const struct issuer_options options = {.box = &e->box, .issued = issued, .ctx = f};
    e->issuer = issuer_new(&options);
    return f;
}

static void nothing(void)
{
}

static void fixture_free(struct fixture *f)
{
    struct engine *e = &f->engine;
    EXPECT_INT("the mesh went with its proxies", e->meshes.n, 0);
    map_fini(&e->meshes);
    timers_fini(&e->resting);
    issuer_free(e->issuer);
    snap_unref(e->snap);
    mailbox_fini(&e->box);
    world_free(f->world, nothing);
    free(f);
}

/* ---- proxies ---- */
static void take(void *ctx, struct config_set *set, uint64_t sequence)
{
    struct config_set **newest = ctx;
    (void)sequence;
    config_set_unref(*newest);
    *newest = set ? config_set_ref(set) : NULL;
}

static struct engine_proxy *add(struct fixture *f, const char *name, struct config_set **newest)
{
    struct engine_proxy *p = xcalloc(1, sizeof *p);
    p->engine = &f->engine;
    p->params = (struct proxy_params){.mesh = STR("m"), .name = str_from_c(name)};
    p->deliver = take;
    p->ctx = newest;
    list_init(&p->in_mesh);
    list_init(&p->due);
    list_init(&p->twins);
    engine_mesh_add(&f->engine, p);
    return p;
}

static void drop(struct engine_proxy *p)
{
    engine_mesh_remove(p);
    config_set_unref(p->delivered);
    free(p);
}

/* All that the workers have begun, and what the mesh makes of it. */
static void settle(struct fixture *f)
{
    while (issuer_n_under_way(f->engine.issuer) > 0 || !list_empty(&mesh(f)->due)) {
        if (list_empty(&mesh(f)->due))
            mailbox_wait(&f->engine.box, -1);
        mailbox_run(&f->engine.box);
        if (!list_empty(&mesh(f)->due))
            engine_mesh_run(mesh(f), INT64_MAX / 2);
    }
}

/* ---- tests ---- */
/* While others are due the memo keeps what it read for whoever left. */
TEST(who_comes_back_waits_for_no_certificate_that_came_meanwhile)
{
    struct fixture *f = fixture_new();
    struct config_set *first = NULL, *other = NULL;
    struct engine_proxy *p = add(f, "first", &first), *q = add(f, "other", &other);
    while (issuer_n_under_way(f->engine.issuer) == 0)
        engine_mesh_run(mesh(f), 1);
    drop(p);
    EXPECT_TRUE("others are due", !list_empty(&mesh(f)->due));
    while (issuer_n_under_way(f->engine.issuer) > 0) {
        mailbox_wait(&f->engine.box, -1);
        mailbox_run(&f->engine.box);
    }
    p = add(f, "first", &first);
    settle(f);
    EXPECT_TRUE("the one that stayed", other && other->identity);
    EXPECT_TRUE("the one that came back", first && first->identity);
    drop(p);
    drop(q);
    config_set_unref(first);
    config_set_unref(other);
    fixture_free(f);
}

static json_int_t n_remembered(struct fixture *f)
{
    json_t *stats = compiler_stats(mesh(f)->compiler);
    json_int_t n = json_integer_value(json_object_get(json_object_get(stats, "proxy"), "entries"));
    json_decref(stats);
    return n;
}

TEST(twins_that_differ_in_anything_are_forgotten_one_by_one)
{
    struct fixture *f = fixture_new();
    struct config_set *first = NULL, *second = NULL;
    struct engine_proxy *p = add(f, "first", &first), *twin = add(f, "first", &second);
    twin->params.dns_port = 15053;
    settle(f);
    EXPECT_TRUE("both are told", first && second);
    EXPECT_INT("each of its own", n_remembered(f), 2);
    drop(twin);
    EXPECT_INT("one is left", n_remembered(f), 1);
    drop(p);
    config_set_unref(first);
    config_set_unref(second);
    fixture_free(f);
}
