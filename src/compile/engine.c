/* The engine: the compile thread. It sleeps on its mailbox; a pass takes all that arrived while the last one
 * ran, moves the meshes on, asks for their proxies' configurations, and hands over those that changed. */
#include "engine.h"

#include <assert.h>
#include <string.h>

#include "functions.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "ursa/base/vec.h"

struct engine {
    struct mailbox box;
    pthread_t thread;
    atomic_uint_fast64_t applied;
    /* below: the compile thread's */
    struct snap *snap; /* the newest */
    struct issuer *issuer;
    struct map meshes;                         /* by name */
    struct VEC(struct batch *) batches;        /* arrived since the last pass */
    struct VEC(struct engine_query *) queries; /* answered at the end of the pass */
    struct list waiters;
    bool stop;
    struct mail stop_mail;
};

/* ---- meshes ---- */
static struct engine_mesh *mesh_get(struct engine *e, struct str name)
{
    struct engine_mesh *m = map_find(&e->meshes, name);
    if (m)
        return m;
    m = xcalloc(1, sizeof *m);
    m->name = xstrndup(name);
    list_init(&m->proxies);
    map_init(&m->by_name);
    struct compiler_options options = issuer_options(e->issuer);
    m->compiler = compiler_new(name, &options);
    m->view = view_new(e->snap, name);
    compiler_update(m->compiler, m->view, NULL, 0);
    map_put(&e->meshes, str_from_c(m->name), m);
    return m;
}

static void mesh_free(struct engine *e, struct engine_mesh *m)
{
    map_del(&e->meshes, str_from_c(m->name));
    compiler_free(m->compiler);
    view_unref(m->view);
    map_fini(&m->by_name);
    VEC_FINI(&m->changes);
    free(m->name);
    free(m);
}

/* Every mesh moves to the newest snapshot, so that none keeps an old one alive; only those that changed see
 * changes. */
static void mesh_move(struct engine *e, struct engine_mesh *m)
{
    struct view *next = m->view ? view_next(m->view, e->snap, m->changes.v, m->changes.n, NULL, NULL)
                                : view_new(e->snap, str_from_c(m->name));
    if (next || m->view)
        compiler_update(m->compiler, next, m->changes.v, m->changes.n);
    view_unref(m->view);
    m->view = next;
    VEC_FINI(&m->changes);
}

/* ---- proxies ---- */
static bool same_params(const struct proxy_params *a, const struct proxy_params *b)
{
    return str_eq(a->name, b->name) && a->admin_port == b->admin_port &&
           str_eq(a->admin_address, b->admin_address);
}

static void proxy_deliver(struct engine *e, struct engine_proxy *p, struct config_set *set)
{
    bool same = p->delivered == set || (p->delivered && set && config_set_eq(p->delivered, set));
    if (p->answered && same)
        return;
    config_set_unref(p->delivered);
    p->delivered = set ? config_set_ref(set) : NULL;
    p->answered = true;
    COUNT(compile_deliveries);
    p->deliver(p->ctx, set, snap_sequence(e->snap));
}

static void proxy_compile(struct engine *e, struct engine_proxy *p)
{
    struct arena a;
    arena_init(&a);
    struct err err;
    err_init(&err, &a);
    struct config_set *set = NULL;
    enum err_kind kind = compiler_config(p->mesh->compiler, &p->params, &set, &err);
    if (kind == ERR_BUG)
        log_error("compile", "mesh=%s proxy=" STR_FMT " %.*s", p->mesh->name, STR_ARG(p->params.name),
                  STR_ARG(err.text));
    proxy_deliver(e, p, set);
    config_set_unref(set);
    arena_fini(&a);
}

static void mesh_add(struct engine_mesh *m, struct engine_proxy *p)
{
    struct engine_proxy *twin = map_find(&m->by_name, p->params.name);
    if (twin)
        list_add_tail(&twin->twins, &p->twins);
    else
        map_put(&m->by_name, p->params.name, p);
    list_add_tail(&m->proxies, &p->in_mesh);
    m->n_proxies++;
    m->has_new = true;
}

static void mesh_remove(struct engine_mesh *m, struct engine_proxy *p)
{
    if (map_find(&m->by_name, p->params.name) == p) {
        struct engine_proxy *twin = LIST_ITEM(p->twins.next, struct engine_proxy, twins);
        if (twin == p)
            map_del(&m->by_name, p->params.name);
        else
            map_put(&m->by_name, twin->params.name, twin);
    }
    list_del(&p->twins);
    list_del(&p->in_mesh);
    m->n_proxies--;
}

static bool has_equal_twin(const struct engine_proxy *p)
{
    LIST_FOR (node, &p->twins) {
        if (same_params(&LIST_ITEM(node, struct engine_proxy, twins)->params, &p->params))
            return true;
    }
    return false;
}

static void handle_attach(struct mail *mail)
{
    struct engine_proxy *p = CONTAINER_OF(mail, struct engine_proxy, attach);
    p->mesh = mesh_get(p->engine, p->params.mesh);
    mesh_add(p->mesh, p);
}

static void handle_detach(struct mail *mail)
{
    struct engine_proxy *p = CONTAINER_OF(mail, struct engine_proxy, detach);
    struct engine_mesh *m = p->mesh;
    bool again = has_equal_twin(p);
    mesh_remove(m, p);
    if (list_empty(&m->proxies)) {
        mesh_free(p->engine, m);
    } else if (!again) {
        compiler_forget(m->compiler, &p->params);
        compiler_collect(m->compiler);
    }
    config_set_unref(p->delivered);
    p->detached(p->detached_ctx);
    arena_fini(&p->arena);
    free(p);
}

struct engine_proxy *engine_attach(struct engine *e, const struct proxy_params *params,
                                   void (*deliver)(void *, struct config_set *, uint64_t), void *ctx)
{
    struct engine_proxy *p = xcalloc(1, sizeof *p);
    p->engine = e;
    arena_init(&p->arena);
    p->params = *params;
    struct str *texts[] = {&p->params.mesh,           &p->params.name,
                           &p->params.admin_address,  &p->params.access_log_socket,
                           &p->params.metrics_socket, &p->params.metrics_cert,
                           &p->params.metrics_key};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_str(&p->arena, *texts[i]);
    p->deliver = deliver;
    p->ctx = ctx;
    p->attach.handle = handle_attach;
    list_init(&p->in_mesh);
    list_init(&p->twins);
    mailbox_send(&e->box, &p->attach);
    return p;
}

void engine_detach(struct engine_proxy *p, void (*detached)(void *), void *ctx)
{
    p->detached = detached;
    p->detached_ctx = ctx;
    p->detach.handle = handle_detach;
    mailbox_send(&p->engine->box, &p->detach);
}

/* ---- the feed ---- */
struct batch_mail {
    struct mail mail;
    struct engine *engine;
    struct batch *batch;
};

static void handle_batch(struct mail *mail)
{
    struct batch_mail *m = CONTAINER_OF(mail, struct batch_mail, mail);
    VEC_PUSH(&m->engine->batches, m->batch);
    free(m);
}

static void take_batch(void *ctx, struct batch *batch)
{
    struct engine *e = ctx;
    struct batch_mail *m = xmalloc(sizeof *m);
    *m = (struct batch_mail){.mail = {.handle = handle_batch}, .engine = e, .batch = batch_ref(batch)};
    mailbox_send(&e->box, &m->mail);
}

static void mesh_note(struct engine_mesh *m, const struct change *c)
{
    VEC_PUSH(&m->changes, *c);
    m->changed = true;
}

static void note_change(struct engine *e, const struct change *c)
{
    const struct res_key *key = change_key(c);
    bool is_mesh = key->type == RES_MESH;
    if (!c->after && key->type == RES_DATAPLANE)
        issuer_forget(e->issuer, key->mesh, key->name);
    if (!c->after && is_mesh)
        issuer_forget_mesh(e->issuer, key->name);
    struct engine_mesh *m = map_find(&e->meshes, is_mesh ? key->name : key->mesh);
    if (m)
        mesh_note(m, c);
}

static bool concerns_all(const struct change *c)
{
    return change_key(c)->type == RES_GLOBAL_SECRET;
}

static void note_for_all(struct engine *e, const struct change *c)
{
    size_t at = 0;
    struct str name;
    void *m;
    while (map_next(&e->meshes, &at, &name, &m))
        mesh_note(m, c);
}

/* Each mesh gets its own changes of the batches, in order, and moves to the newest snapshot. */
static void take_changes(struct engine *e)
{
    for (size_t i = 0; i < e->batches.n; i++) {
        const struct batch *b = e->batches.v[i];
        for (size_t k = 0; k < b->n_changes; k++) {
            if (concerns_all(&b->changes[k]))
                note_for_all(e, &b->changes[k]);
            else
                note_change(e, &b->changes[k]);
        }
    }
    snap_unref(e->snap);
    e->snap = snap_ref(e->batches.v[e->batches.n - 1]->snap);
    size_t at = 0;
    struct str name;
    void *m;
    while (map_next(&e->meshes, &at, &name, &m))
        mesh_move(e, m);
}

/* ---- who waits for a sequence ---- */
struct waiter {
    struct mail mail; /* to the engine */
    struct engine *engine;
    struct list node;
    uint64_t sequence;
    struct mailbox *box;
    struct mail *answer;
};

static void handle_waiter(struct mail *mail)
{
    struct waiter *w = CONTAINER_OF(mail, struct waiter, mail);
    list_add_tail(&w->engine->waiters, &w->node);
}

void engine_notify_applied(struct engine *e, uint64_t sequence, struct mailbox *box, struct mail *answer)
{
    struct waiter *w = xcalloc(1, sizeof *w);
    *w = (struct waiter){
        .mail = {.handle = handle_waiter}, .engine = e, .sequence = sequence, .box = box, .answer = answer};
    list_init(&w->node);
    mailbox_send(&e->box, &w->mail);
}

static void answer_waiters(struct engine *e, uint64_t applied)
{
    LIST_FOR (node, &e->waiters) {
        struct waiter *w = LIST_ITEM(node, struct waiter, node);
        if (w->sequence > applied)
            continue;
        list_del(&w->node);
        mailbox_send(w->box, w->answer);
        free(w);
    }
}

uint64_t engine_applied(struct engine *e)
{
    return atomic_load_explicit(&e->applied, memory_order_acquire);
}

/* ---- queries ---- */
struct query_mail {
    struct mail mail;
    struct engine *engine;
    struct engine_query *query;
};

static void handle_query(struct mail *mail)
{
    struct query_mail *m = CONTAINER_OF(mail, struct query_mail, mail);
    VEC_PUSH(&m->engine->queries, m->query);
    free(m);
}

void engine_ask(struct engine *e, struct engine_query *query)
{
    struct query_mail *m = xmalloc(sizeof *m);
    *m = (struct query_mail){.mail = {.handle = handle_query}, .engine = e, .query = query};
    mailbox_send(&e->box, &m->mail);
}

static void answer_queries(struct engine *e)
{
    for (size_t i = 0; i < e->queries.n; i++) {
        struct engine_query *q = e->queries.v[i];
        q->answer = engine_explain(&e->meshes, str_from_c(q->what));
        mailbox_send(q->box, &q->mail);
    }
    VEC_CLEAR(&e->queries);
}

/* ---- the thread ---- */
static bool renew(void *ctx, struct str mesh, struct str proxy)
{
    struct engine *e = ctx;
    struct engine_mesh *m = map_find(&e->meshes, mesh);
    if (!m || !map_find(&m->by_name, proxy))
        return false;
    compiler_touch_identity(m->compiler, proxy);
    m->changed = true;
    return true;
}

static void compile_mesh(struct engine *e, struct engine_mesh *m)
{
    if (!m->changed && !m->has_new)
        return;
    LIST_FOR (node, &m->proxies) {
        struct engine_proxy *p = LIST_ITEM(node, struct engine_proxy, in_mesh);
        if (m->changed || !p->answered)
            proxy_compile(e, p);
    }
    if (m->changed)
        compiler_collect(m->compiler);
    m->changed = m->has_new = false;
}

static void pass(struct engine *e)
{
    if (e->batches.n)
        take_changes(e);
    issuer_run(e->issuer, clock_mono_ns(), renew, e);
    size_t at = 0;
    struct str name;
    void *value;
    while (map_next(&e->meshes, &at, &name, &value))
        compile_mesh(e, value);
    for (size_t i = 0; i < e->batches.n; i++)
        batch_unref(e->batches.v[i]);
    VEC_CLEAR(&e->batches);
    uint64_t applied = snap_sequence(e->snap);
    atomic_store_explicit(&e->applied, applied, memory_order_release);
    answer_waiters(e, e->stop ? UINT64_MAX : applied);
    answer_queries(e);
}

static int timeout_ms(const struct engine *e)
{
    int64_t deadline = issuer_deadline(e->issuer);
    if (deadline == INT64_MAX)
        return -1;
    int64_t ms = (deadline - clock_mono_ns()) / NS_PER_MS + 1;
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void *run(void *ctx)
{
    struct engine *e = ctx;
    while (!e->stop) {
        mailbox_wait(&e->box, timeout_ms(e));
        mailbox_run(&e->box);
        pass(e);
    }
    return NULL;
}

enum err_kind engine_start(const struct engine_options *options, struct engine **out, struct err *err)
{
    struct engine *e = xcalloc(1, sizeof *e);
    mailbox_init(&e->box);
    map_init(&e->meshes);
    list_init(&e->waiters);
    e->issuer = issuer_new();
    e->snap = store_snap(options->store);
    atomic_init(&e->applied, snap_sequence(e->snap));
    if (pthread_create(&e->thread, NULL, run, e)) {
        snap_unref(e->snap);
        issuer_free(e->issuer);
        mailbox_fini(&e->box);
        free(e);
        return err_set(err, ERR_UNAVAILABLE, "cannot start the compile thread");
    }
    store_subscribe(options->store, take_batch, e);
    *out = e;
    return ERR_NONE;
}

static void handle_stop(struct mail *mail)
{
    CONTAINER_OF(mail, struct engine, stop_mail)->stop = true;
}

void engine_stop(struct engine *e)
{
    if (!e)
        return;
    e->stop_mail.handle = handle_stop;
    mailbox_send(&e->box, &e->stop_mail);
    pthread_join(e->thread, NULL);
    assert(e->meshes.n == 0);
    map_fini(&e->meshes);
    VEC_FINI(&e->batches);
    VEC_FINI(&e->queries);
    issuer_free(e->issuer);
    snap_unref(e->snap);
    mailbox_fini(&e->box);
    free(e);
}
