/* engine_world.h -- an engine over a memory store and its writer, and proxies that are attached to it. */
#ifndef URSA_TESTS_COMPILE_ENGINE_WORLD_H
#define URSA_TESTS_COMPILE_ENGINE_WORLD_H

#include <semaphore.h>
#include <stdatomic.h>

#include "../../lib/test.h"
#include "../../tools/world.c" /* unit tests link their room and tests/lib only */
#include "ursa/base/clock.h"
#include "ursa/compile.h"

static struct engine *engine;

static inline void start(void *ctx, struct store *store)
{
    (void)ctx;
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    EXPECT_INT("engine_start", engine_start(&(struct engine_options){.store = store}, &engine, &e), ERR_NONE);
    arena_fini(&a);
}

static inline void stop(void)
{
    engine_stop(engine);
}

static inline void apply(struct world *w, const char *yaml)
{
    world_apply(w, str_from_c(yaml));
}

/* ---- waiting, without sleeping ---- */
static void nothing(struct mail *m)
{
    (void)m;
}

/* Of one mesh, or with STR_NONE of all. */
static inline void settle_mesh(struct world *w, struct str mesh)
{
    struct mailbox box;
    struct mail mail = {.handle = nothing};
    mailbox_init(&box);
    struct snap *snap = store_snap(world_store(w));
    engine_notify_applied(engine, mesh, snap_sequence(snap), &box, &mail);
    EXPECT_TRUE("applied", mailbox_wait(&box, 10000));
    mailbox_run(&box);
    EXPECT_TRUE("engine_applied", mesh.p || engine_applied(engine) >= snap_sequence(snap));
    snap_unref(snap);
    mailbox_fini(&box);
}

static inline void settle(struct world *w)
{
    settle_mesh(w, STR_NONE);
}

static inline json_t *ask(const char *what)
{
    struct mailbox box;
    char *copy = xstrdup(what);
    struct engine_query query = {.mail = {.handle = nothing}, .box = &box, .what = copy};
    mailbox_init(&box);
    engine_ask(engine, &query);
    EXPECT_TRUE("answered", mailbox_wait(&box, 10000));
    mailbox_run(&box);
    mailbox_fini(&box);
    free(copy);
    return query.answer;
}

/* ---- a proxy that remembers what it got; written by the compile thread, read after settle() ---- */
struct client {
    struct engine_proxy *proxy;
    atomic_uint n_deliveries;
    struct config_set *set;
    sem_t delivery; /* posted with each */
    struct mailbox box;
    struct mail gone;
    void (*delivered)(struct client *); /* on the compile thread; NULL: nothing more happens */
};

static void deliver(void *ctx, struct config_set *set, uint64_t sequence)
{
    struct client *c = ctx;
    (void)sequence;
    config_set_unref(c->set);
    c->set = set ? config_set_ref(set) : NULL;
    c->n_deliveries++;
    if (c->delivered)
        c->delivered(c);
    sem_post(&c->delivery);
}

static inline void attach(struct client *c, const char *mesh, const char *name)
{
    *c = (struct client){0};
    mailbox_init(&c->box);
    sem_init(&c->delivery, 0, 0);
    struct proxy_params params = {.mesh = str_from_c(mesh), .name = str_from_c(name), .admin_port = 9901};
    c->proxy = engine_attach(engine, &params, deliver, c);
}

/* Certificates come from workers: a delivery that needs one comes when it comes. */
static inline void await_deliveries(struct client *c, unsigned n)
{
    while (c->n_deliveries < n)
        sem_wait(&c->delivery);
}

static void detached(void *ctx)
{
    struct client *c = ctx;
    c->gone.handle = nothing;
    mailbox_send(&c->box, &c->gone);
}

static inline void detach(struct client *c)
{
    engine_detach(c->proxy, detached, c);
    mailbox_wait(&c->box, -1);
    mailbox_run(&c->box);
    mailbox_fini(&c->box);
    sem_destroy(&c->delivery);
    config_set_unref(c->set);
}

#endif
