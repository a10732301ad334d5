/* history_test.c -- since when a mesh is as it is: what the history of its Mesh says. */
#include "world.h"

struct asking {
    struct store_job job;
    struct mail mail;
    struct mailbox box;
    struct world *world;
    struct snap *snap;
    struct findings found;
};

static void examine(struct store_job *job, struct history *history)
{
    struct asking *a = CONTAINER_OF(job, struct asking, job);
    const struct doctor_reader all = {.control_plane = true, .user = &user_admin};
    const struct doctor_world world = {.snap = a->snap, .now_ns = a->world->now_ns, .history = history};

    doctor_examine(&world, &all, &a->world->arena, &a->found);
    mailbox_send(&a->box, &a->mail);
}

static void is_done(struct mail *mail)
{
    (void)mail;
}

static void put(struct world *w, struct store *store, const char *text, int day)
{
    const struct store_origin who = {
        .author = STR("john"), .origin = ORIGIN_API, .now_ns = MADE_NS + day * DAY_NS};
    size_t first = w->n;
    uint64_t revision;
    struct err e;

    err_init(&e, &w->arena);
    world_add(w, text);
    EXPECT_INT("begin", store_begin(store, &e), ERR_NONE);
    EXPECT_INT("tx", store_tx_begin(store, &who, &e), ERR_NONE);
    for (size_t i = first; i < w->n; i++) {
        w->v[i]->modified_ns = 0; /* not stored yet */
        EXPECT_INT("put", store_tx_put(store, w->v[i], &e), ERR_NONE);
    }
    EXPECT_INT("end", store_tx_end(store, true, &revision, &e), ERR_NONE);
    EXPECT_INT("commit", store_commit(store, &e), ERR_NONE);
}

#define MESH(mode, routing)                                                                                  \
    "{'type':'Mesh','name':'blue','routing':{'localityAwareLoadBalancing':" routing                          \
    "},'mtls':{'enabledBackend':"                                                                            \
    "'ca','backends':[{'name':'ca','type':'builtin','mode':'" mode "'}]}}"

TEST(permissive_is_as_old_as_its_mode)
{
    static const struct store_options memory = {.kind = STORE_MEMORY, .history_revisions = 100};
    struct world w;
    struct store *store;
    struct asking a = {.world = &w, .mail.handle = is_done, .job.run = examine};
    struct str text = STR("");
    struct err e;

    world_init(&w);
    err_init(&e, &w.arena);
    EXPECT_INT("store", store_open(&memory, &store, &e), ERR_NONE);
    put(&w, store, MESH("PERMISSIVE", "false"), 0);
    put(&w, store, MESH("STRICT", "false"), 1);
    put(&w, store, MESH("PERMISSIVE", "false"), 2);
    put(&w, store, MESH("PERMISSIVE", "true"), 3);
    a.snap = store_snap(store);
    mailbox_init(&a.box);
    EXPECT_TRUE("asked", store_submit(store, &a.job));
    (void)mailbox_wait(&a.box, -1);
    mailbox_run(&a.box);
    for (size_t i = 0; i < a.found.n; i++)
        if (a.found.v[i].id == FOUND_MTLS_PERMISSIVE)
            text = a.found.v[i].text;
    EXPECT_STR("since day 2", text,
               "its proxies take calls without a certificate, from anybody, since 2027-01-17T08:00:00Z: mode "
               "PERMISSIVE is for moving in");
    mailbox_fini(&a.box);
    snap_unref(a.snap);
    store_close(store);
    world_fini(&w);
}
