/* Whose turn it is: meshes among each other, and what a mesh waits for. Deliveries take time on a clock of
 * ours. */
#include <semaphore.h>

#include "engine_world.h"
#include "ursa/base/json.h"

#define T0 (INT64_C(1700000000) * NS_PER_S)
#define N_BIG 40

/* ---- two meshes: one with many proxies, of which each takes a millisecond, and one with a single proxy ----
 */
static struct {
    unsigned n_big;    /* deliveries to the big mesh since the last reset() */
    unsigned stops_at; /* the compile thread is stopped at this one; 0: at none */
    sem_t reached, goes_on;
    unsigned n_big_at_small; /* n_big when the small mesh's proxy got its last delivery */
} seen;

static void big_delivered(struct client *c)
{
    (void)c;
    clock_fake(clock_mono_ns() + NS_PER_MS, clock_wall_ns());
    if (++seen.n_big != seen.stops_at)
        return;
    sem_post(&seen.reached);
    sem_wait(&seen.goes_on);
}

static void small_delivered(struct client *c)
{
    (void)c;
    seen.n_big_at_small = seen.n_big;
}

struct fixture {
    struct world *world;
    struct client big[N_BIG], small;
};

static struct str dataplane(struct arena *a, const char *mesh, unsigned number, unsigned port)
{
    return arena_printf(a,
                        "type: Dataplane\nmesh: %s\nname: p-%u\nnetworking: {address: 10.0.0.%u, inbound: "
                        "[{port: %u, tags: {kuma.io/service: s}}], outbound: [{port: 10001, tags: "
                        "{kuma.io/service: s}}]}\n",
                        mesh, number, number + 1, port);
}

static void put_dataplane(struct fixture *f, const char *mesh, unsigned number, unsigned port)
{
    struct arena a;
    arena_init(&a);
    world_apply(f->world, dataplane(&a, mesh, number, port));
    arena_fini(&a);
}

/* A proxy of the big mesh comes with its Dataplane: returns when it has its configuration. */
static void come(struct fixture *f, struct client *c, unsigned number, unsigned port)
{
    struct arena a;
    char name[16];
    arena_init(&a);
    snprintf(name, sizeof name, "p-%u", number);
    world_bring(f->world, dataplane(&a, "big", number, port));
    attach(c, "big", name);
    await_deliveries(c, 1);
    EXPECT_TRUE("its first is its configuration", c->set);
    arena_fini(&a);
}

static void rest(void)
{
    clock_fake(clock_mono_ns() + NS_PER_S, clock_wall_ns());
}

static void reset(unsigned stops_at)
{
    seen.n_big = seen.n_big_at_small = 0;
    seen.stops_at = stops_at;
}

/* All is delivered and nobody rests. */
static struct fixture *fixture_new(void)
{
    clock_fake(T0, T0);
    sem_init(&seen.reached, 0, 0);
    sem_init(&seen.goes_on, 0, 0);
    reset(0);
    struct fixture *f = xcalloc(1, sizeof *f);
    f->world = world_new(start, NULL);
    apply(f->world, "type: Mesh\nname: big\n---\ntype: Mesh\nname: small\n");
    for (unsigned i = 0; i < N_BIG; i++)
        put_dataplane(f, "big", i, 80);
    put_dataplane(f, "small", 0, 80);
    for (unsigned i = 0; i < N_BIG; i++) {
        char name[16];
        snprintf(name, sizeof name, "p-%u", i);
        attach(&f->big[i], "big", name);
    }
    attach(&f->small, "small", "p-0");
    for (unsigned i = 0; i < N_BIG; i++)
        await_deliveries(&f->big[i], 1);
    await_deliveries(&f->small, 1);
    settle(f->world);
    rest();
    for (unsigned i = 0; i < N_BIG; i++)
        f->big[i].delivered = big_delivered;
    f->small.delivered = small_delivered;
    return f;
}

static void fixture_free(struct fixture *f)
{
    rest();
    settle(f->world);
    for (unsigned i = 0; i < N_BIG; i++)
        detach(&f->big[i]);
    detach(&f->small);
    world_free(f->world, stop);
    sem_destroy(&seen.reached);
    sem_destroy(&seen.goes_on);
    clock_fake(-1, -1);
    free(f);
}

static uint64_t newest(const struct fixture *f)
{
    struct snap *snap = store_snap(world_store(f->world));
    uint64_t sequence = snap_sequence(snap);
    snap_unref(snap);
    return sequence;
}

/* ---- tests ---- */
TEST(a_long_pass_lets_other_meshes_in_between)
{
    struct fixture *f = fixture_new();
    reset(5);
    uint64_t before = newest(f);
    put_dataplane(f, "big", 0, 81);
    sem_wait(&seen.reached);
    put_dataplane(f, "small", 0, 81);
    EXPECT_TRUE("nothing of it is applied", engine_applied(engine) == before);
    sem_post(&seen.goes_on);
    settle(f->world);
    EXPECT_INT("all of the big mesh", seen.n_big, N_BIG);
    /* Two deliveries make a slice, and who was served least has the next one. */
    EXPECT_TRUE("the small one's change was not held up",
                seen.n_big_at_small >= 5 && seen.n_big_at_small <= 6);
    fixture_free(f);
}

TEST(a_pass_sees_one_state_and_what_arrives_meanwhile_has_the_next)
{
    struct fixture *f = fixture_new();
    reset(5);
    put_dataplane(f, "big", 0, 81);
    sem_wait(&seen.reached);
    put_dataplane(f, "big", 0, 82);
    put_dataplane(f, "big", 0, 83);
    sem_post(&seen.goes_on);
    json_decref(ask("mesh/big")); /* answered when the first pass has ended */
    EXPECT_INT("the first pass", seen.n_big, N_BIG);
    rest();
    settle(f->world);
    EXPECT_INT("two changes, one pass", seen.n_big, 2 * N_BIG);
    fixture_free(f);
}

TEST(changes_are_gathered_for_as_long_as_the_last_pass_cost)
{
    struct fixture *f = fixture_new();
    reset(0);
    put_dataplane(f, "big", 0, 81);
    settle(f->world);
    EXPECT_INT("at once", seen.n_big, N_BIG);
    uint64_t before = newest(f);
    for (unsigned port = 82; port < 90; port++)
        put_dataplane(f, "big", 0, port);
    put_dataplane(f, "small", 0, 81);
    json_decref(ask("mesh/big")); /* behind them all in the engine's mailbox */
    EXPECT_INT("the mesh rests", seen.n_big, N_BIG);
    EXPECT_INT("the other one does not", seen.n_big_at_small, N_BIG);
    settle_mesh(f->world, STR("small"));
    settle_mesh(f->world, STR("nobody's"));
    EXPECT_TRUE("applied up to them", engine_applied(engine) == before);
    clock_fake(clock_mono_ns() + N_BIG * NS_PER_MS, T0); /* what it took, but not yet what sending costs */
    json_decref(ask("mesh/big"));
    EXPECT_INT("it rests on", seen.n_big, N_BIG);
    clock_fake(clock_mono_ns() + N_BIG * NS_PER_MS / 25, T0);
    settle(f->world);
    EXPECT_INT("eight changes, one pass", seen.n_big, 2 * N_BIG);
    fixture_free(f);
}

TEST(who_brings_a_dataplane_waits_for_no_rest)
{
    struct fixture *f = fixture_new();
    reset(0);
    put_dataplane(f, "big", 0, 81);
    settle(f->world);
    struct client late;
    come(f, &late, N_BIG, 80);
    EXPECT_INT("the others do", seen.n_big, N_BIG);
    uint64_t before = newest(f) - 1;
    EXPECT_TRUE("it is not applied yet", engine_applied(engine) == before);
    rest();
    settle(f->world);
    EXPECT_INT("they have its endpoint", seen.n_big, 2 * N_BIG);
    detach(&late);
    fixture_free(f);
}

TEST(a_dataplane_that_is_stored_first_waits_for_no_rest_either)
{
    struct fixture *f = fixture_new();
    reset(0);
    put_dataplane(f, "big", 0, 81);
    settle(f->world);
    put_dataplane(f, "big", N_BIG, 80);
    struct client late;
    attach(&late, "big", "p-40");
    await_deliveries(&late, 1);
    EXPECT_TRUE("its first is its configuration", late.set);
    EXPECT_INT("the others rest", seen.n_big, N_BIG);
    detach(&late);
    fixture_free(f);
}

TEST(who_comes_has_a_lead_that_others_do_not_make_longer)
{
    struct fixture *f = fixture_new();
    struct client first, second;
    reset(0);
    come(f, &first, N_BIG, 80);
    EXPECT_INT("nobody rested, but the others wait", seen.n_big, 0);
    clock_fake(clock_mono_ns() + 6 * NS_PER_MS, T0);
    come(f, &second, N_BIG + 1, 80);
    EXPECT_INT("still", seen.n_big, 0);
    clock_fake(clock_mono_ns() + 6 * NS_PER_MS, T0);
    settle(f->world);
    EXPECT_INT("once for both", seen.n_big, N_BIG);
    detach(&first);
    detach(&second);
    fixture_free(f);
}

/* As one that was started anew, at another address. */
TEST(who_comes_back_with_another_dataplane_has_a_lead_too)
{
    struct fixture *f = fixture_new();
    struct client proxy;
    come(f, &proxy, N_BIG, 80);
    rest();
    settle(f->world);
    rest();
    detach(&proxy);
    reset(0);
    come(f, &proxy, N_BIG, 81);
    EXPECT_INT("the others wait", seen.n_big, 0);
    rest();
    settle(f->world);
    EXPECT_INT("for a moment", seen.n_big, N_BIG);
    detach(&proxy);
    fixture_free(f);
}

TEST(a_proxy_that_comes_while_the_mesh_rests_is_answered_at_once)
{
    struct fixture *f = fixture_new();
    put_dataplane(f, "big", 0, 81);
    settle(f->world);
    struct client late;
    attach(&late, "big", "p-0");
    settle(f->world);
    EXPECT_TRUE("the mesh goes on resting", late.n_deliveries == 1 && late.set);
    detach(&late);
    fixture_free(f);
}

/* ---- views ---- */
#define N_MESHES 12

static json_int_t oldest_revision(void)
{
    json_t *all = ask("engine"), *one;
    json_int_t oldest = INT64_MAX;
    size_t i;
    json_array_foreach(json_object_get(all, "meshes"), i, one)
    {
        json_int_t revision = json_integer_value(json_object_get(one, "revision"));
        oldest = revision < oldest ? revision : oldest;
    }
    json_decref(all);
    return oldest;
}

TEST(no_mesh_keeps_an_old_snapshot_for_long)
{
    struct world *w = world_new(start, NULL);
    struct client proxies[N_MESHES];
    struct arena a;
    arena_init(&a);
    for (unsigned i = 0; i < N_MESHES; i++) {
        struct str name = arena_printf(&a, "m-%u%c", i, 0);
        world_apply(w, arena_printf(&a, "type: Mesh\nname: %s\n", name.p));
        attach(&proxies[i], name.p, "p");
    }
    settle(w);
    apply(w, "type: Timeout\nmesh: m-0\nname: t\nsources: [{match: {kuma.io/service: '*'}}]\n"
             "destinations: [{match: {kuma.io/service: '*'}}]\nconf: {connectTimeout: 1s}\n");
    settle(w);
    struct snap *snap = store_snap(world_store(w));
    json_int_t then = (json_int_t)snap_revision(snap);
    snap_unref(snap);
    EXPECT_TRUE("one change moves a few", oldest_revision() < then);
    for (unsigned i = 0; i < N_MESHES / 4; i++) {
        world_apply(w, arena_printf(&a,
                                    "type: Timeout\nmesh: m-0\nname: t\nsources: [{match: {kuma.io/service: "
                                    "'*'}}]\ndestinations: [{match: {kuma.io/service: '*'}}]\nconf: "
                                    "{connectTimeout: %us}\n",
                                    i + 2));
        settle(w);
    }
    EXPECT_TRUE("a few more move all", oldest_revision() >= then);
    for (unsigned i = 0; i < N_MESHES; i++)
        detach(&proxies[i]);
    arena_fini(&a);
    world_free(w, stop);
}
