/* group_test.c -- the writer thread: what waits together is committed together, and all is answered. */
#include <semaphore.h>

#include "fixture.h"
#include "ursa/base/pkey.h"

/* Holds the writer inside a commit, so that what is submitted meanwhile must wait. */
struct gate {
    sem_t entered, leave;
    atomic_bool closed;
};

static void hold(void *ctx, struct batch *batch)
{
    struct gate *g = ctx;
    (void)batch;
    if (!atomic_exchange(&g->closed, false))
        return;
    sem_post(&g->entered);
    sem_wait(&g->leave);
}

struct tally {
    sem_t all_done;
    atomic_size_t left, n_ok, n_refused;
    atomic_uint_fast64_t lowest, highest; /* revisions */
};

static void count_done(struct admit_request *req)
{
    struct tally *t = req->ctx;
    atomic_fetch_add(req->kind == ERR_NONE ? &t->n_ok : &t->n_refused, 1);
    if (req->revision < atomic_load(&t->lowest))
        atomic_store(&t->lowest, req->revision);
    if (req->revision > atomic_load(&t->highest))
        atomic_store(&t->highest, req->revision);
    admit_request_free(req);
    if (atomic_fetch_sub(&t->left, 1) == 1)
        sem_post(&t->all_done);
}

static void tally_init(struct tally *t, size_t n)
{
    sem_init(&t->all_done, 0, 0);
    atomic_init(&t->left, n);
    atomic_init(&t->n_ok, 0);
    atomic_init(&t->n_refused, 0);
    atomic_init(&t->lowest, UINT64_MAX);
    atomic_init(&t->highest, 0);
}

static void submit_as(struct fixture *f, struct tally *t, enum res_origin origin, const char *doc)
{
    struct admit_request *req = request_of(DOCS(doc));
    req->origin = origin;
    req->done = count_done;
    req->ctx = t;
    admit_submit(f->admit, req);
}

static void submit(struct fixture *f, struct tally *t, const char *doc)
{
    submit_as(f, t, ORIGIN_API, doc);
}

static uint64_t commits_of(struct fixture *f)
{
    struct store_stats stats;
    store_stats(f->store, &stats);
    return stats.commits;
}

struct held {
    struct fixture f;
    struct gate gate;
    struct tally first;
};

/* Returns with the writer held inside the commit of one request. */
static void held_init(struct held *h)
{
    fixture_prepare(&h->f);
    sem_init(&h->gate.entered, 0, 0);
    sem_init(&h->gate.leave, 0, 0);
    atomic_init(&h->gate.closed, false);
    snap_unref(store_subscribe(h->f.store, hold, &h->gate));
    writer_start(&h->f);
    tally_init(&h->first, 1);
    atomic_store(&h->gate.closed, true);
    submit(&h->f, &h->first, SECRET("default", "first"));
    sem_wait(&h->gate.entered);
}

static void held_release(struct held *h)
{
    sem_post(&h->gate.leave);
    sem_wait(&h->first.all_done);
}

#define N_THREADS 4
#define N_EACH 25

struct submitter {
    pthread_t thread;
    struct held *held;
    struct tally *tally;
    size_t number;
};

static void *submit_many(void *ctx)
{
    struct submitter *s = ctx;
    for (size_t i = 0; i < N_EACH; i++) {
        char doc[128];
        snprintf(doc, sizeof(doc),
                 "{\"type\":\"Secret\",\"mesh\":\"default\",\"name\":\"s-%zu-%zu\",\"data\":\"YQ==\"}",
                 s->number, i);
        submit(&s->held->f, s->tally, doc);
    }
    return NULL;
}

TEST(concurrent_submitters_share_a_commit_and_each_has_its_revision)
{
    struct held h;
    struct tally tally;
    struct submitter submitters[N_THREADS];
    held_init(&h);
    uint64_t commits = commits_of(&h.f), revision = revision_of(&h.f);
    tally_init(&tally, N_THREADS * N_EACH);
    for (size_t i = 0; i < N_THREADS; i++) {
        submitters[i] = (struct submitter){.held = &h, .tally = &tally, .number = i};
        pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]);
    }
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(submitters[i].thread, NULL);
    held_release(&h);
    sem_wait(&tally.all_done);
    EXPECT_INT("answered well", atomic_load(&tally.n_ok), N_THREADS * N_EACH);
    EXPECT_INT("commits", commits_of(&h.f) - commits, 1);
    EXPECT_INT("first revision", atomic_load(&tally.lowest), revision + 1);
    EXPECT_INT("last revision", atomic_load(&tally.highest), revision + N_THREADS * N_EACH);
    fixture_fini(&h.f);
}

TEST(a_faulty_request_spoils_no_other_of_its_group)
{
    struct held h;
    struct tally tally;
    held_init(&h);
    tally_init(&tally, 3);
    submit(&h.f, &tally, SECRET("default", "a"));
    submit(&h.f, &tally, SECRET("ghost", "b"));
    submit(&h.f, &tally, SECRET("default", "c"));
    held_release(&h);
    sem_wait(&tally.all_done);
    EXPECT_INT("answered well", atomic_load(&tally.n_ok), 2);
    EXPECT_STR("secrets", names_of(&h.f, RES_SECRET, "default"),
               "a c dataplane-token-signing-key-default-1 first");
    fixture_fini(&h.f);
}

TEST(too_many_waiting_requests_are_refused_at_once)
{
    struct held h;
    struct tally proxies, tally;
    held_init(&h);
    tally_init(&proxies, 5005);
    tally_init(&tally, 5005);
    for (size_t i = 0; i < 5005; i++)
        submit_as(&h.f, &proxies, ORIGIN_PROXY, SECRET("default", "s"));
    EXPECT_INT("proxies refused", atomic_load(&proxies.n_refused), 6); /* the held one waits too */
    for (size_t i = 0; i < 5005; i++)
        submit(&h.f, &tally, SECRET("default", "s"));
    EXPECT_INT("refused", atomic_load(&tally.n_refused), 5);
    held_release(&h);
    sem_wait(&proxies.all_done);
    sem_wait(&tally.all_done);
    EXPECT_INT("proxies answered well", atomic_load(&proxies.n_ok), 4999);
    EXPECT_INT("answered well", atomic_load(&tally.n_ok), 5000);
    fixture_fini(&h.f);
}

TEST(stopping_answers_what_was_submitted)
{
    struct held h;
    struct tally tally;
    held_init(&h);
    tally_init(&tally, 50);
    for (size_t i = 0; i < 50; i++)
        submit(&h.f, &tally, SECRET("default", "s"));
    held_release(&h);
    admit_stop(h.f.admit);
    EXPECT_INT("answered well", atomic_load(&tally.n_ok), 50);
    h.f.admit = NULL;
    fixture_fini(&h.f);
}

TEST(an_answer_tells_which_snapshot_shows_it)
{
    struct fixture f;
    fixture_init(&f);
    struct admit_request *req = request_of(DOCS(DATAPLANE("default", "d", "a")));
    req->origin = ORIGIN_PROXY; /* makes no revision */
    uint64_t before = revision_of(&f);
    admit_run(f.admit, req);
    struct snap *snap = store_snap(f.store);
    EXPECT_INT("revision", req->revision, before);
    EXPECT_INT("sequence", req->sequence, snap_sequence(snap));
    EXPECT_TRUE("shown", snap_find(snap, RES_DATAPLANE, STR("default"), STR("d")) != NULL);
    snap_unref(snap);
    admit_request_free(req);
    fixture_fini(&f);
}

struct reader {
    pthread_t thread;
    struct store *store;
    atomic_bool stop;
    atomic_size_t n_torn, n_reads;
};

static bool is_torn(struct store *store)
{
    struct snap *snap = store_snap(store);
    const struct resource *a = snap_find(snap, RES_SECRET, STR("default"), STR("a"));
    const struct resource *b = snap_find(snap, RES_SECRET, STR("default"), STR("b"));
    bool torn = (a == NULL) != (b == NULL) || (a && a->revision != b->revision);
    snap_unref(snap);
    return torn;
}

static void *read_on(void *ctx)
{
    struct reader *r = ctx;
    while (!atomic_load(&r->stop)) {
        atomic_fetch_add(&r->n_torn, is_torn(r->store) ? 1 : 0);
        atomic_fetch_add(&r->n_reads, 1);
    }
    return NULL;
}

TEST(readers_see_all_of_a_transaction_or_nothing)
{
    struct fixture f;
    struct reader reader = {0};
    fixture_init(&f);
    reader.store = f.store;
    pthread_create(&reader.thread, NULL, read_on, &reader);
    for (size_t i = 0; i < 200 || atomic_load(&reader.n_reads) < 200; i++) {
        run_docs(&f, DOCS(SECRET("default", "a"), SECRET("default", "b")));
        if (i % 3 == 0)
            run_docs(&f, DOCS("-Secret/default/a", "-Secret/default/b"));
        arena_reset(&f.arena);
    }
    atomic_store(&reader.stop, true);
    pthread_join(reader.thread, NULL);
    EXPECT_INT("torn", atomic_load(&reader.n_torn), 0);
    fixture_fini(&f);
}

/* ---- roots that take long ---- */

static unsigned root_bits(struct fixture *f, const char *mesh)
{
    struct snap *snap = store_snap(f->store);
    struct res_key key = ca_builtin_key_secret(&f->arena, str_from_c(mesh), STR("ca"));
    const struct resource *secret = snap_find(snap, key.type, key.mesh, key.name);
    EVP_PKEY *pkey = NULL;
    unsigned bits = 0;
    if (secret && pkey_read(resource_secret(secret)->data, &pkey, &f->err) == ERR_NONE)
        bits = (unsigned)EVP_PKEY_get_bits(pkey);
    EVP_PKEY_free(pkey);
    snap_unref(snap);
    return bits;
}

#define RSA_MESH(name, bits)                                                                                 \
    "{\"type\":\"Mesh\",\"name\":\"" name "\",\"mtls\":{\"enabledBackend\":\"ca\",\"backends\":[{\"name\":"  \
    "\"ca\",\"type\":\"builtin\",\"conf\":{\"caCert\":{\"RSAbits\":" bits "}}}]}}"

TEST(nobody_waits_for_the_rsa_key_of_a_new_mesh)
{
    struct fixture f;
    struct tally tally;
    fixture_init(&f);
    tally_init(&tally, 1);
    submit(&f, &tally, RSA_MESH("slow", "3072"));
    EXPECT_STR("another one", run_docs(&f, DOCS("{\"type\":\"Mesh\",\"name\":\"quick\"}")), "created");
    struct snap *snap = store_snap(f.store);
    EXPECT_TRUE("is written first", snap_find_mesh(snap, STR("quick")) && !snap_find_mesh(snap, STR("slow")));
    snap_unref(snap);
    sem_wait(&tally.all_done);
    EXPECT_INT("as it was asked for", root_bits(&f, "slow"), 3072);
    fixture_fini(&f);
}

TEST(a_request_may_bring_several_roots_and_faults)
{
    struct fixture f;
    fixture_init(&f);
    run_docs(&f, DOCS(RSA_MESH("a", "2048"), RSA_MESH("b", "2048"), RSA_MESH("c", "8")));
    EXPECT_INT("nothing of a faulty one", root_bits(&f, "a"), 0);
    run_docs(&f, DOCS(RSA_MESH("a", "2048"), RSA_MESH("b", "2048")));
    EXPECT_TRUE("both", root_bits(&f, "a") == 2048 && root_bits(&f, "b") == 2048);
    fixture_fini(&f);
}

TEST(the_end_does_not_lose_who_waits_for_a_root)
{
    struct fixture f;
    struct tally tally;
    fixture_init(&f);
    tally_init(&tally, 2);
    submit(&f, &tally, RSA_MESH("a", "2048"));
    submit(&f, &tally, RSA_MESH("b", "2048"));
    admit_stop(f.admit);
    f.admit = NULL;
    EXPECT_INT("answered well", atomic_load(&tally.n_ok), 2);
    EXPECT_TRUE("both", root_bits(&f, "a") == 2048 && root_bits(&f, "b") == 2048);
    fixture_fini(&f);
}
