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
    struct mailbox box;
    struct issuer *issuer;
    struct compiler_options options;
    bool connected; /* what 'issued' answers */
    bool asks;      /* and whether it leads to somebody's asking, as it does while mTLS is on */
    unsigned n_told;
    int64_t begins, expires; /* of the certificate that was given last */
};

static bool issued(void *ctx, struct str mesh, struct str proxy);

static struct fixture *fixture_new(void)
{
    clock_fake(T0, T0);
    struct fixture *f = xcalloc(1, sizeof *f);
    f->world = world_new(NULL, NULL);
    f->connected = f->asks = true;
    mailbox_init(&f->box);
    struct issuer_options options = {.box = &f->box, .issued = issued, .ctx = f};
    f->issuer = issuer_new(&options);
    f->options = issuer_compiler_options(f->issuer);
    world_apply(f->world, str_from_c(mesh_and_proxy));
    return f;
}

static void fixture_free(struct fixture *f)
{
    issuer_free(f->issuer);
    mailbox_fini(&f->box);
    world_free(f->world, NULL);
    clock_fake(-1, -1);
    free(f);
}

/* Asks for the proxy's certificate; 0 when there is none. */
static uint64_t ask(struct fixture *f, bool *soon)
{
    struct snap *snap = store_snap(world_store(f->world));
    struct view *v = view_new(snap, STR("m"));
    struct leaf *leaf = f->options.identity(f->options.ctx, v, view_dataplane(v, STR("web-1")), soon);
    uint64_t version = leaf ? leaf->version : 0;
    f->begins = leaf ? leaf->begins_ns : 0;
    f->expires = leaf ? leaf->expires_ns : 0;
    leaf_unref(leaf);
    view_unref(v);
    snap_unref(snap);
    return version;
}

/* The workers have nothing to do any more. */
static void settle(struct fixture *f)
{
    while (issuer_n_under_way(f->issuer)) {
        EXPECT_TRUE("in time", mailbox_wait(&f->box, 10000));
        mailbox_run(&f->box);
    }
}

static uint64_t identity(struct fixture *f)
{
    bool soon;
    uint64_t version = ask(f, &soon);
    settle(f);
    return soon ? ask(f, &soon) : version;
}

static bool issued(void *ctx, struct str mesh, struct str proxy)
{
    struct fixture *f = ctx;
    bool soon;
    EXPECT_STR("mesh", mesh, "m");
    EXPECT_STR("proxy", proxy, "web-1");
    f->n_told++;
    if (f->connected && f->asks)
        ask(f, &soon);
    return f->connected;
}

/* How often somebody was told to ask again. */
static unsigned run_at(struct fixture *f, int64_t mono_ns, int64_t wall_ns)
{
    f->n_told = 0;
    clock_fake(mono_ns, wall_ns);
    issuer_run(f->issuer, mono_ns);
    settle(f);
    return f->n_told;
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
    struct fixture *f = fixture_new();
    uint64_t first = identity(f);
    EXPECT_TRUE("issued", first != 0);
    EXPECT_TRUE("kept", identity(f) == first);
    expect_deadline("first", f, T0 + 18 * HOUR, T0 + 20 * HOUR);
    EXPECT_INT("too early", run_at(f, T0 + 17 * HOUR, T0 + 17 * HOUR), 0);
    EXPECT_INT("due, and renewed", run_at(f, T0 + 20 * HOUR, T0 + 20 * HOUR), 2);
    EXPECT_TRUE("another one", identity(f) != first);
    expect_deadline("next", f, T0 + 38 * HOUR, T0 + 40 * HOUR);
    fixture_free(f);
}

TEST(a_renewal_that_nobody_takes_up_is_not_asked_for_again)
{
    struct fixture *f = fixture_new();
    uint64_t first = identity(f);
    f->asks = false; /* mTLS was turned off: the proxy is connected and wants no certificate */
    EXPECT_INT("told", run_at(f, T0 + 20 * HOUR, T0 + 20 * HOUR), 1);
    EXPECT_TRUE("no deadline in the past, which would make the engine spin",
                issuer_deadline(f->issuer) == INT64_MAX);
    EXPECT_INT("not again", run_at(f, T0 + 21 * HOUR, T0 + 21 * HOUR), 0);
    EXPECT_TRUE("what it had, while the next is made", identity(f) == first);
    uint64_t second = identity(f);
    EXPECT_TRUE("mTLS is on again: it is due", second != 0 && second != first);
    expect_deadline("and counts again", f, T0 + 39 * HOUR, T0 + 41 * HOUR);
    fixture_free(f);
}

TEST(who_is_gone_is_let_go_when_due)
{
    struct fixture *f = fixture_new();
    uint64_t first = identity(f);
    f->connected = false;
    run_at(f, T0 + 20 * HOUR, T0 + 20 * HOUR);
    EXPECT_TRUE("nothing is waited for", issuer_deadline(f->issuer) == INT64_MAX);
    f->connected = true;
    EXPECT_TRUE("it gets a new one", identity(f) != first);
    fixture_free(f);
}

/* As the engine does when it sees that the clock was set: 'by' since the last time. */
static unsigned jump_at(struct fixture *f, int64_t mono_ns, int64_t wall_ns, int64_t by_ns)
{
    clock_fake(mono_ns, wall_ns);
    issuer_jump(f->issuer, by_ns);
    return run_at(f, mono_ns, wall_ns);
}

TEST(a_jump_of_the_wall_clock_renews_what_is_not_good_by_it)
{
    static const struct {
        const char *name;
        int64_t by;
        bool is_renewed;
        int64_t due_from, due_to; /* on the monotonic clock */
    } rows[] = {
        {"some seconds back", -5 * NS_PER_S, false, 18 * HOUR, 20 * HOUR},
        {"back to before it was issued", -DAY, true, 19 * HOUR, 21 * HOUR},
        {"forward within its life", 6 * HOUR, false, 12 * HOUR, 14 * HOUR},
        {"forward to where it is due", 19 * HOUR + HOUR / 2, true, 19 * HOUR, 21 * HOUR},
        {"forward to after its end", DAY, true, 19 * HOUR, 21 * HOUR},
        {"forward by years", 3000 * DAY, true, 19 * HOUR, 21 * HOUR},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture *f = fixture_new();
        uint64_t first = identity(f);
        int64_t old = T0 + HOUR, set = old + rows[i].by;
        EXPECT_INT(rows[i].name, jump_at(f, old, set, rows[i].by), rows[i].is_renewed ? 2 : 0);
        EXPECT_TRUE(rows[i].name, (identity(f) != first) == rows[i].is_renewed);
        if (rows[i].is_renewed) {
            int64_t earlier = old < set ? old : set, later = old < set ? set : old;
            EXPECT_INT("begins for both clocks", f->begins, earlier - 10 * NS_PER_S);
            EXPECT_INT("ends for both clocks", f->expires, later + DAY);
        }
        expect_deadline(rows[i].name, f, T0 + rows[i].due_from, T0 + rows[i].due_to);
        EXPECT_INT("once", run_at(f, T0 + HOUR + 1, set + 1), 0);
        /* The clock comes back: what is good by both is good, and no renewal moves away. */
        uint64_t second = identity(f);
        EXPECT_INT(rows[i].name, jump_at(f, T0 + 2 * HOUR, T0 + 2 * HOUR, -rows[i].by), 0);
        EXPECT_TRUE(rows[i].name, identity(f) == second);
        expect_deadline(rows[i].name, f, T0 + rows[i].due_from, T0 + rows[i].due_to);
        EXPECT_INT("renewed in time", run_at(f, T0 + rows[i].due_to, T0 + rows[i].due_to), 2);
        EXPECT_INT("as ever", f->expires - f->begins, DAY + 10 * NS_PER_S);
        fixture_free(f);
    }
}

TEST(what_was_issued_by_a_wrong_clock_is_replaced_when_it_is_set)
{
    struct fixture *f = fixture_new();
    clock_fake(T0, T0 + DAY);
    uint64_t first = identity(f); /* nobody but us takes it for good before tomorrow */
    EXPECT_INT("renewed", jump_at(f, T0 + HOUR, T0 + HOUR, -DAY), 2);
    EXPECT_TRUE("another one", identity(f) != first);
    EXPECT_INT("good now", f->begins, T0 + HOUR - 10 * NS_PER_S);
    fixture_free(f);
}

TEST(one_that_is_made_while_the_clock_is_set_is_made_once_more_at_most)
{
    struct fixture *f = fixture_new();
    bool soon;
    clock_fake(T0, T0 + DAY);
    ask(f, &soon);
    while (!f->n_told) /* it has come, made by a clock that was set since */
        settle(f);
    EXPECT_INT("nothing to judge while none is there", jump_at(f, T0 + 1, T0 + 1, -DAY), 2);
    uint64_t second = identity(f);
    EXPECT_INT("good now", f->begins, T0 - 10 * NS_PER_S);
    EXPECT_INT("and kept", run_at(f, T0 + 2, T0 + 2), 0);
    EXPECT_TRUE("and kept", identity(f) == second);
    fixture_free(f);
}

TEST(without_a_ca_that_is_good_what_there_is_stays)
{
    struct fixture *f = fixture_new();
    uint64_t first = identity(f);
    int64_t far = 4000 * DAY;
    EXPECT_INT("tried", jump_at(f, T0 + HOUR, T0 + HOUR + far, far), 2);
    EXPECT_TRUE("what it had", identity(f) == first);
    expect_deadline("tried again", f, T0 + HOUR, T0 + HOUR + 30 * NS_PER_S);
    EXPECT_INT("the clock is back", jump_at(f, T0 + HOUR + NS_PER_S, T0 + HOUR + NS_PER_S, -far), 0);
    EXPECT_TRUE("what it had is good", identity(f) == first);
    fixture_free(f);
}

TEST(what_cannot_be_issued_is_tried_again_later)
{
    struct fixture *f = fixture_new();
    uint64_t first = identity(f);
    EXPECT_INT("due, and not issued", run_at(f, T0 + 20 * HOUR, T0 + 3651 * DAY), 2); /* the CA has expired */
    EXPECT_TRUE("what it had stays", identity(f) == first);
    expect_deadline("again", f, T0 + 20 * HOUR + 30 * NS_PER_S, T0 + 20 * HOUR + 30 * NS_PER_S);
    run_at(f, T0 + 20 * HOUR + 30 * NS_PER_S, T0 + 20 * HOUR);
    EXPECT_TRUE("now it is possible", identity(f) != first);
    fixture_free(f);
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
    struct fixture *f = fixture_new();
    uint64_t first = identity(f);
    delete (f, "web");
    EXPECT_TRUE("another proxy's", identity(f) == first);
    delete (f, "web-1");
    EXPECT_TRUE("its own", identity(f) != first);
    fixture_free(f);
}

TEST(what_was_never_issued_is_not_tried_all_the_time)
{
    struct fixture *f = fixture_new();
    bool soon;
    clock_fake(T0, T0 + 3651 * DAY); /* the CA has expired */
    EXPECT_TRUE("soon", ask(f, &soon) == 0 && soon);
    settle(f);
    EXPECT_INT("told once", f->n_told, 1);
    EXPECT_TRUE("none, and none is coming", ask(f, &soon) == 0 && !soon);
    expect_deadline("again", f, T0 + 30 * NS_PER_S, T0 + 30 * NS_PER_S);
    EXPECT_INT("told, and issued", run_at(f, T0 + 30 * NS_PER_S, T0), 2);
    EXPECT_TRUE("there it is", ask(f, &soon) != 0);
    fixture_free(f);
}

TEST(one_that_is_being_made_for_what_is_no_longer_true_goes_to_nobody)
{
    struct fixture *f = fixture_new();
    bool soon;
    ask(f, &soon);
    world_apply(f->world,
                STR("type: Dataplane\nmesh: m\nname: web-1\nnetworking: {address: 10.0.0.1, inbound: "
                    "[{port: 80, tags: {kuma.io/service: other}}]}\n"));
    EXPECT_TRUE("another one is made", ask(f, &soon) == 0 && soon);
    EXPECT_INT("both", issuer_n_under_way(f->issuer), 2);
    settle(f);
    EXPECT_INT("told of one", f->n_told, 1);
    uint64_t other = ask(f, &soon);
    EXPECT_TRUE("it is there", other != 0 && identity(f) == other);
    ask(f, &soon);
    fixture_free(f);
}

TEST(whoever_is_gone_by_then_is_not_told)
{
    struct fixture *f = fixture_new();
    bool soon;
    ask(f, &soon);
    delete (f, "web-1");
    settle(f);
    EXPECT_INT("told", f->n_told, 0);
    ask(f, &soon); /* what is being made at the end comes back too */
    fixture_free(f);
}
