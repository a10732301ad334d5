/* The issuer alone, under a clock of ours: when certificates are issued, kept, renewed and let go. */
#include "../../../src/compile/issuer.h"

#include "../../lib/test.h"
#include "../../tools/world.c" /* unit tests link their room and tests/lib only */
#include "ursa/base/clock.h"

#define T0 (INT64_C(1700000000) * NS_PER_S)
#define HOUR (INT64_C(3600) * NS_PER_S)
#define DAY (24 * HOUR)

static const char *const mesh_and_proxy =
    "type: Mesh\n"
    "name: m\n"
    "mtls: {enabledBackend: ca, backends: [{name: ca, type: builtin}]}\n"
    "---\n"
    "type: Dataplane\n"
    "mesh: m\n"
    "name: web-1\n"
    "networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}\n";

struct fixture {
    struct world *world;
    struct issuer *issuer;
    struct compiler_options options;
    bool connected; /* what 'renew' answers */
    bool asks;      /* and whether it leads to somebody's asking, as it does while mTLS is on */
    unsigned n_renewals;
};

static struct fixture fixture_new(void)
{
    clock_fake(T0, T0);
    struct fixture f = {
        .world = world_new(NULL, NULL), .issuer = issuer_new(), .connected = true, .asks = true};
    f.options = issuer_options(f.issuer);
    world_apply(f.world, str_from_c(mesh_and_proxy));
    return f;
}

static void fixture_free(struct fixture *f)
{
    issuer_free(f->issuer);
    world_free(f->world, NULL);
    clock_fake(-1, -1);
}

/* Asks for the proxy's certificate; 0 when there is none. */
static uint64_t identity(struct fixture *f)
{
    struct snap *snap = store_snap(world_store(f->world));
    struct view *v = view_new(snap, STR("m"));
    struct leaf *leaf = f->options.identity(f->options.ctx, v, view_dataplane(v, STR("web-1")),
                                            mesh_enabled_backend(view_mesh(v)));
    uint64_t version = leaf ? leaf->version : 0;
    leaf_unref(leaf);
    view_unref(v);
    snap_unref(snap);
    return version;
}

static bool renew(void *ctx, struct str mesh, struct str proxy)
{
    struct fixture *f = ctx;
    EXPECT_STR("mesh", mesh, "m");
    EXPECT_STR("proxy", proxy, "web-1");
    f->n_renewals++;
    if (f->connected && f->asks)
        identity(f);
    return f->connected;
}

static void run_at(struct fixture *f, int64_t mono_ns, int64_t wall_ns)
{
    clock_fake(mono_ns, wall_ns);
    issuer_run(f->issuer, mono_ns, renew, f);
}

static void expect_deadline(const char *name, const struct fixture *f, int64_t from, int64_t to)
{
    int64_t at = issuer_deadline(f->issuer);
    if (at < from || at > to)
        FAIL("%s: deadline %lld s after the start, want %lld to %lld", name,
             (long long)((at - T0) / NS_PER_S), (long long)((from - T0) / NS_PER_S),
             (long long)((to - T0) / NS_PER_S));
}

TEST(renews_at_four_fifths_of_the_life)
{
    struct fixture f = fixture_new();
    uint64_t first = identity(&f);
    EXPECT_TRUE("issued", first != 0);
    EXPECT_TRUE("kept", identity(&f) == first);
    expect_deadline("first", &f, T0 + 18 * HOUR, T0 + 20 * HOUR);
    run_at(&f, T0 + 17 * HOUR, T0 + 17 * HOUR);
    EXPECT_INT("too early", f.n_renewals, 0);
    run_at(&f, T0 + 20 * HOUR, T0 + 20 * HOUR);
    EXPECT_INT("due", f.n_renewals, 1);
    EXPECT_TRUE("another one", identity(&f) != first);
    expect_deadline("next", &f, T0 + 38 * HOUR, T0 + 40 * HOUR);
    fixture_free(&f);
}

TEST(a_renewal_that_nobody_takes_up_is_not_asked_for_again)
{
    struct fixture f = fixture_new();
    uint64_t first = identity(&f);
    f.asks = false; /* mTLS was turned off: the proxy is connected and wants no certificate */
    run_at(&f, T0 + 20 * HOUR, T0 + 20 * HOUR);
    EXPECT_INT("asked", f.n_renewals, 1);
    EXPECT_TRUE("no deadline in the past, which would make the engine spin",
                issuer_deadline(f.issuer) == INT64_MAX);
    run_at(&f, T0 + 21 * HOUR, T0 + 21 * HOUR);
    EXPECT_INT("not again", f.n_renewals, 1);
    uint64_t second = identity(&f);
    EXPECT_TRUE("mTLS is on again: it is due", second != 0 && second != first);
    expect_deadline("and counts again", &f, T0 + 39 * HOUR, T0 + 41 * HOUR);
    fixture_free(&f);
}

TEST(who_is_gone_is_let_go_when_due)
{
    struct fixture f = fixture_new();
    uint64_t first = identity(&f);
    f.connected = false;
    run_at(&f, T0 + 20 * HOUR, T0 + 20 * HOUR);
    EXPECT_TRUE("nothing is waited for", issuer_deadline(f.issuer) == INT64_MAX);
    f.connected = true;
    EXPECT_TRUE("it gets a new one", identity(&f) != first);
    fixture_free(&f);
}

TEST(a_jump_of_the_wall_clock_neither_renews_nor_stops_renewal)
{
    static const struct {
        const char *name;
        int64_t jump;
    } rows[] = {{"a day forward", DAY}, {"a day back", -DAY}, {"ten years forward", 3650 * DAY}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f = fixture_new();
        uint64_t first = identity(&f);
        run_at(&f, T0 + HOUR, T0 + HOUR + rows[i].jump);
        EXPECT_INT(rows[i].name, f.n_renewals, 0);
        EXPECT_TRUE(rows[i].name, identity(&f) == first);
        expect_deadline(rows[i].name, &f, T0 + 18 * HOUR, T0 + 20 * HOUR);
        run_at(&f, T0 + 20 * HOUR, T0 + 20 * HOUR);
        EXPECT_INT(rows[i].name, f.n_renewals, 1);
        fixture_free(&f);
    }
}

TEST(what_cannot_be_issued_is_tried_again_later)
{
    struct fixture f = fixture_new();
    uint64_t first = identity(&f);
    run_at(&f, T0 + 20 * HOUR, T0 + 3651 * DAY); /* the CA has expired */
    EXPECT_INT("due", f.n_renewals, 1);
    EXPECT_TRUE("what it had stays", identity(&f) == first);
    expect_deadline("again", &f, T0 + 20 * HOUR + 30 * NS_PER_S, T0 + 20 * HOUR + 30 * NS_PER_S);
    run_at(&f, T0 + 20 * HOUR + 30 * NS_PER_S, T0 + 20 * HOUR);
    EXPECT_TRUE("now it is possible", identity(&f) != first);
    fixture_free(&f);
}

static void delete (struct fixture *f, const char *name)
{
    struct res_key key = {.type = RES_DATAPLANE, .mesh = STR("m"), .name = str_from_c(name)};
    struct dp_networking net = {.address = STR("10.0.0.1")};
    struct resource *gone = resource_from_spec(&key, &(struct dataplane_spec){.networking = &net});
    issuer_note(f->issuer, &(struct change){CHANGE_DELETE, gone, NULL});
    resource_unref(gone);
}

TEST(a_certificate_goes_with_its_dataplane)
{
    struct fixture f = fixture_new();
    uint64_t first = identity(&f);
    delete (&f, "web");
    EXPECT_TRUE("another proxy's", identity(&f) == first);
    delete (&f, "web-1");
    EXPECT_TRUE("its own", identity(&f) != first);
    fixture_free(&f);
}
