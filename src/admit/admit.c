/* admit.c -- the writer thread: takes what is waiting, commits it as one group, answers.
 *
 * One fsync serves every request of a group. A request is answered only when its group is durable, published
 * and fed. */
#include "ursa/admit.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "apply.h"
#include "roots.h"
#include "startup.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "ursa/base/vec.h"
#include "vips.h"

#define MAX_WAITING 10000
#define MAX_WAITING_PROXIES (MAX_WAITING / 2) /* thousands of proxies that come back shut no operator out */
#define MAX_GROUP 512                         /* bounds how long the first of a group waits for the last */

static const struct vip_pool default_vips = {.first = 0xf0000000, .n = 0x10000000};

/* What keeps the store from taking groups, as long as it does. Proxies go on telling how they are, so each
 * group would have a line. */
struct trouble {
    enum err_kind kind; /* ERR_NONE: there is none */
    int64_t since_ns;
    uint64_t sequence; /* the newest there was then */
    size_t n_requests; /* that came to nothing */
};

struct admit {
    struct store *store;
    char *zone;
    struct vip_pool vips;
    struct str_list ca_folders;
    struct mailbox box;
    struct mail stop; /* the last mail */
    struct workers *workers;
    pthread_t thread;
    atomic_uint n_waiting;
    /* below: the writer's */
    struct VEC(struct admit_request *) group;
    struct trouble trouble;
};

struct admit_request *admit_request_new(size_t n_ops)
{
    struct admit_request *req = xcalloc(1, sizeof(*req));
    arena_init(&req->arena);
    req->ops = ARENA_ARRAY(&req->arena, struct admit_op, n_ops);
    req->n_ops = n_ops;
    return req;
}

void admit_request_free(struct admit_request *req)
{
    if (!req)
        return;
    for (size_t i = 0; i < req->n_ops; i++) {
        resource_unref(req->ops[i].res);
        resource_unref(req->ops[i].base);
    }
    if (req->plan_free)
        req->plan_free(req->plan_ctx);
    roots_wipe(req);
    arena_fini(&req->arena);
    free(req);
}

/* ---- groups ---- */

static enum err_kind commit_group(struct admit *a, struct err *e)
{
    const struct apply_options options = {
        .zone = str_from_c(a->zone), .vips = a->vips, .ca_folders = a->ca_folders};
    if (store_begin(a->store, e) != ERR_NONE)
        return e->kind;
    for (size_t i = 0; i < a->group.n; i++)
        if (apply_request(a->store, &options, a->group.v[i], e) != ERR_NONE) {
            store_rollback(a->store);
            return e->kind;
        }
    return store_commit(a->store, e);
}

static uint64_t newest_sequence(const struct admit *a)
{
    struct snap *snap = store_snap(a->store);
    uint64_t sequence = snap_sequence(snap);
    snap_unref(snap);
    return sequence;
}

static void note_fault(struct admit *a, const struct err *e)
{
    struct trouble *t = &a->trouble;
    if (t->kind == ERR_NONE)
        *t = (struct trouble){.since_ns = clock_mono_ns(), .sequence = newest_sequence(a)};
    if (t->kind != e->kind)
        log_error("admit", "writes fail: error=\"" STR_FMT "\"", STR_ARG(e->text));
    t->kind = e->kind;
    t->n_requests += a->group.n;
}

/* Requests that change nothing succeed on a full disk too. */
static void note_success(struct admit *a, uint64_t sequence)
{
    const struct trouble *t = &a->trouble;
    if (t->kind == ERR_NONE || sequence == t->sequence)
        return;
    log_info("admit", "writes succeed again: requests=%zu came to nothing in seconds=%.1f", t->n_requests,
             (double)(clock_mono_ns() - t->since_ns) / NS_PER_S);
    a->trouble = (struct trouble){.kind = ERR_NONE};
}

static void note_sequence(struct admit *a)
{
    uint64_t sequence = newest_sequence(a);
    for (size_t i = 0; i < a->group.n; i++)
        a->group.v[i]->sequence = sequence;
    note_success(a, sequence);
}

/* Runs the collected requests and fills in their answers. */
static void run_group(struct admit *a)
{
    struct arena arena;
    struct err e;
    arena_init(&arena);
    err_init(&e, &arena);
    COUNT(admit_groups);
    COUNT_ADD(admit_requests, (int64_t)a->group.n);
    if (commit_group(a, &e) == ERR_NONE) {
        note_sequence(a);
    } else {
        note_fault(a, &e);
        for (size_t i = 0; i < a->group.n; i++)
            apply_refuse(a->group.v[i], e.kind, e.text);
    }
    arena_fini(&arena);
}

static void answer_group(struct admit *a)
{
    for (size_t i = 0; i < a->group.n; i++) {
        struct admit_request *req = a->group.v[i];
        atomic_fetch_sub(&a->n_waiting, 1);
        GAUGE_ADD(admit_waiting, -1);
        req->done(req); /* from here on it is somebody else's */
    }
    VEC_CLEAR(&a->group);
}

static void serve_group(struct admit *a)
{
    if (a->group.n == 0)
        return;
    run_group(a);
    answer_group(a);
}

static void *writer(void *ctx)
{
    struct admit *a = ctx;
    bool stopping = false;
    while (!stopping) {
        mailbox_wait(&a->box, -1);
        for (struct mail *mail = mailbox_take(&a->box), *next; mail; mail = next) {
            next = mail->next;
            if (mail == &a->stop) {
                stopping = true;
                continue;
            }
            VEC_PUSH(&a->group, CONTAINER_OF(mail, struct admit_request, mail));
            if (a->group.n == MAX_GROUP)
                serve_group(a);
        }
        serve_group(a);
    }
    return NULL;
}

/* ---- start and stop ---- */

/* Before the thread runs: on the caller's. */
static enum err_kind run_startup(struct admit *a, struct admit_request *req, struct err *e)
{
    if (!req)
        return ERR_NONE;
    VEC_PUSH(&a->group, req);
    run_group(a);
    VEC_CLEAR(&a->group);
    for (size_t i = 0; i < req->n_ops && e->kind == ERR_NONE; i++)
        if (req->ops[i].err.kind != ERR_NONE)
            err_set(e, req->ops[i].err.kind, "start-up objects: " STR_FMT,
                    STR_ARG(err_render(&req->ops[i].err, &req->arena)));
    admit_request_free(req);
    return e->kind;
}

static enum err_kind create_missing(struct admit *a, const struct admit_options *options, struct err *e)
{
    struct admit_request *req;
    if (startup_objects(options, &req, e) != ERR_NONE || run_startup(a, req, e) != ERR_NONE)
        return e->kind;
    if (startup_admin_token(options, &req, e) != ERR_NONE)
        return e->kind;
    if (run_startup(a, req, e) != ERR_NONE)
        return e->kind;
    return vips_assign_missing(a->store, &a->vips, e);
}

static void admit_free(struct admit *a)
{
    workers_stop(a->workers);
    mailbox_fini(&a->box);
    VEC_FINI(&a->group);
    free(a->zone);
    free(a);
}

enum err_kind admit_start(const struct admit_options *options, struct admit **out, struct err *e)
{
    struct admit *a = xcalloc(1, sizeof(*a));
    a->store = options->store;
    a->zone = xstrndup(options->zone);
    a->vips = options->vips.n ? options->vips : default_vips;
    a->ca_folders = options->ca_folders;
    mailbox_init(&a->box);
    a->workers = workers_new("ursa-roots", 1);
    enum err_kind kind = create_missing(a, options, e);
    if (kind == ERR_NONE) {
        int fault = pthread_create(&a->thread, NULL, writer, a);
        if (fault)
            kind = err_set(e, ERR_UNAVAILABLE, "cannot start the writer thread: %s", strerror(fault));
    }
    if (kind != ERR_NONE) {
        admit_free(a);
        return kind;
    }
    pthread_setname_np(a->thread, "ursa-writer");
    *out = a;
    return ERR_NONE;
}

void admit_stop(struct admit *a)
{
    if (!a)
        return;
    workers_stop(a->workers); /* the writer finishes what they do not */
    a->workers = NULL;
    mailbox_send(&a->box, &a->stop);
    pthread_join(a->thread, NULL);
    assert(atomic_load(&a->n_waiting) == 0);
    admit_free(a);
}

/* ---- submitting ---- */

void admit_submit(struct admit *a, struct admit_request *req)
{
    unsigned limit = req->origin == ORIGIN_API ? MAX_WAITING : MAX_WAITING_PROXIES;
    if (atomic_fetch_add(&a->n_waiting, 1) >= limit) {
        atomic_fetch_sub(&a->n_waiting, 1);
        COUNT(admit_refused);
        apply_refuse(req, ERR_UNAVAILABLE,
                     STR("too many changes are waiting to be written: try again later"));
        req->done(req);
        return;
    }
    GAUGE_ADD(admit_waiting, 1);
    if (!roots_begin(a->workers, a->store, &a->ca_folders, req, &a->box))
        mailbox_send(&a->box, &req->mail);
}

struct admit_request *admit_advance_new(struct resource *record)
{
    struct admit_request *req = admit_request_new(1);
    req->author = STR("ursa");
    req->origin = ORIGIN_SYSTEM;
    req->ops[0].kind = ADMIT_ADVANCE;
    req->ops[0].key = (struct res_key){record->key.type, arena_str(&req->arena, record->key.mesh),
                                       arena_str(&req->arena, record->key.name)};
    req->ops[0].base = resource_ref(record);
    return req;
}

struct admit_request *admit_renew_ca_new(const struct res_key *secret, struct resource *base)
{
    struct admit_request *req = admit_request_new(1);
    struct admit_op *op = &req->ops[0];
    op->kind = ADMIT_RENEW_CA;
    op->key = (struct res_key){secret->type, arena_str(&req->arena, secret->mesh),
                               arena_str(&req->arena, secret->name)};
    op->if_base = base != NULL;
    op->base = base ? resource_ref(base) : NULL;
    return req;
}

struct waiter {
    pthread_mutex_t mutex; /* protects done */
    pthread_cond_t cond;
    bool done;
};

static void wake(struct admit_request *req)
{
    struct waiter *w = req->ctx;
    pthread_mutex_lock(&w->mutex);
    w->done = true;
    pthread_cond_signal(&w->cond); /* under the mutex: the waiter's stack frame may be gone after it */
    pthread_mutex_unlock(&w->mutex);
}

void admit_run(struct admit *a, struct admit_request *req)
{
    struct waiter w = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    req->done = wake;
    req->ctx = &w; /* cppcheck-suppress autoVariables -- 'w' outlives the wait below */
    admit_submit(a, req);
    pthread_mutex_lock(&w.mutex);
    while (!w.done)
        pthread_cond_wait(&w.cond, &w.mutex);
    pthread_mutex_unlock(&w.mutex);
    pthread_mutex_destroy(&w.mutex);
    pthread_cond_destroy(&w.cond);
}
