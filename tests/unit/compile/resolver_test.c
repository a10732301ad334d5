/* Host names: when they are looked up, who is told what, and that what needs them waits or goes without. */
#include "../../../src/compile/resolver.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "../../lib/test.h"
#include "../../tools/fixed_certs.h"
#include "../../tools/world.c" /* unit tests link their room and tests/lib only */
#include "ursa/base/clock.h"

#define T0 (INT64_C(1700000000) * NS_PER_S)

/* ---- a name server of ours ---- */
static struct {
    const char *answer[4]; /* written while nobody asks */
    sem_t asked, answers;  /* a question waits for the second */
} server;

static void look_up(const char *name, struct addresses *out)
{
    (void)name;
    sem_post(&server.asked);
    sem_wait(&server.answers);
    for (size_t i = 0; server.answer[i]; i++)
        snprintf(out->v[out->n++], ADDRESS_SIZE, "%s", server.answer[i]);
}

struct fixture {
    struct arena arena;
    struct err err;
    struct mailbox box;
    struct resolver *resolver;
    unsigned n_told;
    int64_t now;
};

static void changed(void *ctx, struct str name)
{
    struct fixture *f = ctx;

    EXPECT_STR("name", name, "db.example");
    f->n_told++;
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){.now = T0};
    clock_fake(T0, T0);
    memset(&server.answer, 0, sizeof server.answer);
    sem_init(&server.asked, 0, 0);
    sem_init(&server.answers, 0, 0);
    arena_init(&f->arena);
    err_init(&f->err, &f->arena);
    mailbox_init(&f->box);
    const struct resolver_options options = {
        .box = &f->box, .changed = changed, .ctx = f, .look_up = look_up};
    f->resolver = resolver_new(&options);
}

static void tear_down(struct fixture *f)
{
    resolver_free(f->resolver);
    mailbox_fini(&f->box);
    arena_fini(&f->arena);
    clock_fake(-1, -1);
}

static void pass(struct fixture *f, int64_t ns)
{
    f->now += ns;
    clock_fake(f->now, f->now);
    resolver_run(f->resolver, f->now);
}

/* The question that is under way gets this answer ("": none). */
static void answer(struct fixture *f, const char *first, const char *second)
{
    sem_wait(&server.asked);
    server.answer[0] = *first ? first : NULL;
    server.answer[1] = second;
    sem_post(&server.answers);
    EXPECT_TRUE("in time", mailbox_wait(&f->box, 10000));
    mailbox_run(&f->box);
}

TEST(answers_and_what_is_made_of_them)
{
    static const struct {
        const char *name, *first, *second; /* what is answered; first == "": nothing */
        const char *address;               /* what stands then; "": it is unknown */
        unsigned told;
    } rows[] = {
        {"nothing", "", NULL, "", 1},
        {"still nothing", "", NULL, "", 0},
        {"the first address", "10.0.0.7", NULL, "10.0.0.7", 1},
        {"the same", "10.0.0.7", NULL, "10.0.0.7", 0},
        {"another one before it", "10.0.0.1", "10.0.0.7", "10.0.0.7", 0},
        {"the server fails", "", NULL, "10.0.0.7", 0},
        {"it is not among them any more: the lowest", "10.0.0.9", "10.0.0.8", "10.0.0.8", 1},
        {"IPv4 before IPv6", "2001:db8::1", "10.0.0.10", "10.0.0.10", 1},
        {"IPv6 alone", "2001:db8::1", NULL, "2001:db8::1", 1},
    };
    struct fixture f;

    set_up(&f);
    struct host *h = resolver_hold(f.resolver, STR("db.example"));
    EXPECT_INT("at first", host_state(h), HOST_ASKED);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f.n_told = 0;
        answer(&f, rows[i].first, rows[i].second);
        EXPECT_INT(rows[i].name, f.n_told, rows[i].told);
        EXPECT_INT(rows[i].name, host_state(h), *rows[i].address ? HOST_KNOWN : HOST_UNKNOWN);
        EXPECT_STR(rows[i].name, host_address(h), rows[i].address);
        EXPECT_INT("is asked again", resolver_deadline(f.resolver), f.now + 10 * NS_PER_S);
        if (i + 1 < ARRAY_LEN(rows))
            pass(&f, 10 * NS_PER_S);
    }
    host_release(h);
    EXPECT_TRUE("nobody holds it: nothing more to do", resolver_deadline(f.resolver) == INT64_MAX);
    tear_down(&f);
}

TEST(a_slow_server_is_not_waited_for)
{
    struct fixture f;

    set_up(&f);
    struct host *h = resolver_hold(f.resolver, STR("db.example"));
    struct host *again = resolver_hold(f.resolver, STR("db.example"));
    EXPECT_TRUE("one name, one object", h == again);
    host_release(again);
    pass(&f, 500 * NS_PER_MS);
    EXPECT_INT("unknown for now", host_state(h), HOST_UNKNOWN);
    EXPECT_INT("told", f.n_told, 1);
    answer(&f, "10.0.0.7", NULL);
    EXPECT_INT("known after all", host_state(h), HOST_KNOWN);
    EXPECT_INT("told", f.n_told, 2);
    host_release(h);
    tear_down(&f);
}

TEST(a_name_that_nobody_holds_when_its_answer_comes)
{
    struct fixture f;

    set_up(&f);
    host_release(resolver_hold(f.resolver, STR("db.example")));
    answer(&f, "10.0.0.7", NULL);
    EXPECT_INT("told", f.n_told, 0);
    tear_down(&f);
}

/* ---- the compiler ---- */
static const char *const mesh =
    "type: Mesh\nname: m\n---\n"
    "type: Dataplane\nmesh: m\nname: web-1\n"
    "networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}],\n"
    "             outbound: [{port: 5000, tags: {kuma.io/service: db}}]}\n---\n"
    "type: Dataplane\nmesh: m\nname: db-1\n"
    "networking: {address: db.example, inbound: [{port: 90, tags: {kuma.io/service: db}}]}\n";

static bool has(const struct config_set *set, enum xds_type type, const char *name, const char *text)
{
    const struct xds_resource *r = config_set_find(set, type, str_from_c(name));
    struct str bytes = r ? str_from((const char *)r->any->p, r->any->n) : STR_NONE;

    return r && str_find(bytes, str_from_c(text)) < bytes.n;
}

/* A compiler of the mesh above, which the world gets. */
static struct compiler *compiler_of(struct fixture *f, struct world *w)
{
    struct compiler_options options = fixed_certs;

    world_apply(w, str_from_c(mesh));
    options.resolver = f->resolver;
    struct compiler *c = compiler_new(STR("m"), &options);
    struct snap *snap = store_snap(world_store(w));
    struct view *v = view_new(snap, STR("m"));

    compiler_update(c, v, NULL, 0);
    view_unref(v);
    snap_unref(snap);
    return c;
}

static struct config_set *config(struct compiler *c, const char *proxy, enum err_kind want, struct fixture *f)
{
    struct config_set *set = NULL;

    err_init(&f->err, &f->arena);
    EXPECT_INT(proxy,
               compiler_config(c, &(struct proxy_params){.mesh = STR("m"), .name = str_from_c(proxy)}, &set,
                               &f->err),
               want);
    return set;
}

TEST(configurations_wait_for_a_name_and_follow_it)
{
    struct fixture f;

    set_up(&f);
    struct world *w = world_new(NULL, NULL);
    struct compiler *c = compiler_of(&f, w);

    EXPECT_TRUE("not yet", !config(c, "web-1", ERR_UNAVAILABLE, &f));
    EXPECT_TRUE("nor for the other", !config(c, "db-1", ERR_UNAVAILABLE, &f));
    answer(&f, "10.0.0.7", NULL);
    EXPECT_TRUE("asked for", compiler_touch_host(c, STR("db.example")));
    EXPECT_TRUE("of another one nothing is known", !compiler_touch_host(c, STR("other.example")));
    struct config_set *web = config(c, "web-1", ERR_NONE, &f), *db = config(c, "db-1", ERR_NONE, &f);
    EXPECT_TRUE("endpoint", has(web, XDS_ENDPOINT, "db", "10.0.0.7"));
    EXPECT_TRUE("listener", has(db, XDS_LISTENER, "inbound:10.0.0.7:90", "10.0.0.7"));
    config_set_unref(web);
    config_set_unref(db);

    pass(&f, 10 * NS_PER_S);
    answer(&f, "10.0.0.8", NULL);
    EXPECT_TRUE("asked for", compiler_touch_host(c, STR("db.example")));
    web = config(c, "web-1", ERR_NONE, &f);
    EXPECT_TRUE("it moved", has(web, XDS_ENDPOINT, "db", "10.0.0.8"));
    config_set_unref(web);
    compiler_free(c);
    world_free(w, NULL);
    tear_down(&f);
}

TEST(without_an_address_the_rest_is_served)
{
    struct fixture f;

    set_up(&f);
    struct world *w = world_new(NULL, NULL);
    struct compiler *c = compiler_of(&f, w);
    EXPECT_TRUE("not yet", !config(c, "web-1", ERR_UNAVAILABLE, &f));
    answer(&f, "", NULL);
    compiler_touch_host(c, STR("db.example"));
    struct config_set *web = config(c, "web-1", ERR_NONE, &f), *db = config(c, "db-1", ERR_NONE, &f);
    EXPECT_TRUE("the cluster is there, without endpoints",
                config_set_find(web, XDS_CLUSTER, STR("db")) && !has(web, XDS_ENDPOINT, "db", "db.example"));
    EXPECT_INT("no listener without an address", db->lists[XDS_LISTENER]->n, 0);
    config_set_unref(web);
    config_set_unref(db);
    compiler_free(c);
    world_free(w, NULL);
    tear_down(&f);
}
