/* The engine: the compile thread. It sleeps on its mailbox, notes for each mesh what arrives, and gives the
 * meshes that have something to do their turns: a slice of time each, first whoever was served least, so that
 * a mesh with much to do holds no other one up (docs/decisions/0017). */
#include "engine.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"

/* How long a mesh has the thread while others wait. */
#define SLICE (2 * NS_PER_MS)
/* Views that move on with each batch of changes though nothing changed for them, so that none keeps an old
 * snapshot alive for long; a few, so that a change in one mesh does not cost something in every other. */
#define VIEWS_A_BATCH 4

/* ---- proxies ---- */
static void handle_attach(struct mail *mail)
{
    struct engine_proxy *p = CONTAINER_OF(mail, struct engine_proxy, attach);
    engine_mesh_add(p->engine, p);
}

static void handle_detach(struct mail *mail)
{
    struct engine_proxy *p = CONTAINER_OF(mail, struct engine_proxy, detach);
    engine_mesh_remove(p);
    config_set_unref(p->delivered);
    blob_unref(p->checks);
    p->detached(p->detached_ctx);
    arena_fini(&p->arena);
    free(p);
}

static struct engine_proxy *proxy_new(struct engine *e, const struct proxy_params *params, void *ctx)
{
    struct engine_proxy *p = xcalloc(1, sizeof *p);
    p->engine = e;
    arena_init_sized(&p->arena, 256);
    p->params = *params;
    struct str *texts[] = {&p->params.mesh,           &p->params.name,
                           &p->params.admin_address,  &p->params.access_log_socket,
                           &p->params.metrics_socket, &p->params.metrics_cert,
                           &p->params.metrics_key};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_str(&p->arena, *texts[i]);
    p->ctx = ctx;
    p->attach.handle = handle_attach;
    list_init(&p->in_mesh);
    list_init(&p->due);
    list_init(&p->twins);
    return p;
}

struct engine_proxy *engine_attach(struct engine *e, const struct proxy_params *params,
                                   void (*deliver)(void *, struct config_set *, uint64_t), void *ctx)
{
    struct engine_proxy *p = proxy_new(e, params, ctx);
    p->deliver = deliver;
    mailbox_send(&e->box, &p->attach);
    return p;
}

struct engine_proxy *engine_attach_health(struct engine *e, const struct proxy_params *params,
                                          void (*deliver)(void *, struct blob *), void *ctx)
{
    struct engine_proxy *p = proxy_new(e, params, ctx);
    p->deliver_checks = deliver;
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

static bool concerns_all(const struct change *c)
{
    return change_key(c)->type == RES_GLOBAL_SECRET;
}

static void note_for_all(struct engine *e, const struct change *c, uint64_t sequence)
{
    size_t at = 0;
    struct str name;
    void *m;
    while (map_next(&e->meshes, &at, &name, &m))
        engine_mesh_note(m, c, sequence);
}

struct noting {
    struct engine *engine;
    const struct change *change;
    uint64_t sequence;
};

static void note_mesh(void *ctx, struct str mesh, struct str service)
{
    const struct noting *n = ctx;
    struct engine_mesh *m = map_find(&n->engine->meshes, mesh);
    (void)service;
    if (m && !engine_mesh_has_noted(m, n->change))
        engine_mesh_note(m, n->change, n->sequence);
}

/* Other zones' services are of the meshes that they are said to be of. */
static void note_ingress(struct engine *e, const struct change *c, uint64_t sequence)
{
    struct noting n = {e, c, sequence};
    remote_changes(c, note_mesh, &n);
}

/* A mesh tells the issuer itself, when its proxies are not asked for at the old state any more. */
static void note(struct engine *e, const struct change *c, uint64_t sequence)
{
    const struct res_key *key = change_key(c);
    struct engine_mesh *m = map_find(&e->meshes, key->type == RES_MESH ? key->name : key->mesh);
    if (m)
        engine_mesh_note(m, c, sequence);
    else
        issuer_note(e->issuer, c);
}

static void handle_batch(struct mail *mail)
{
    struct batch_mail *m = CONTAINER_OF(mail, struct batch_mail, mail);
    struct engine *e = m->engine;
    const struct batch *b = m->batch;
    snap_unref(e->snap);
    e->snap = snap_ref(b->snap);
    for (size_t i = 0; i < b->n_changes; i++) {
        if (concerns_all(&b->changes[i]))
            note_for_all(e, &b->changes[i], b->sequence);
        else if (change_key(&b->changes[i])->type == RES_ZONE_INGRESS)
            note_ingress(e, &b->changes[i], b->sequence);
        else
            note(e, &b->changes[i], b->sequence);
    }
    for (size_t i = 0; i < VIEWS_A_BATCH && !list_empty(&e->by_age); i++)
        engine_mesh_refresh(LIST_ITEM(e->by_age.next, struct engine_mesh, by_age));
    batch_unref(m->batch);
    free(m);
}

static void take_batch(void *ctx, struct batch *batch)
{
    struct engine *e = ctx;
    struct batch_mail *m = xmalloc(sizeof *m);
    *m = (struct batch_mail){.mail = {.handle = handle_batch}, .engine = e, .batch = batch_ref(batch)};
    mailbox_send(&e->box, &m->mail);
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
    size_t n_left = 0;
    for (size_t i = 0; i < e->queries.n; i++) {
        struct engine_query *q = e->queries.v[i];
        if (!e->stop && !engine_explains_now(&e->meshes, str_from_c(q->what))) {
            e->queries.v[n_left++] = q;
            continue;
        }
        q->answer = engine_explain(&e->meshes, str_from_c(q->what));
        mailbox_send(q->box, &q->mail);
    }
    e->queries.n = n_left;
}

/* ---- the thread ---- */
static bool issued(void *ctx, struct str mesh, struct str proxy)
{
    struct engine *e = ctx;
    struct engine_mesh *m = map_find(&e->meshes, mesh);
    return m && engine_mesh_touch(m, proxy);
}

static void host_changed(void *ctx, struct str name)
{
    struct engine *e = ctx;
    size_t at = 0;
    struct str mesh;
    void *m;
    while (map_next(&e->meshes, &at, &mesh, &m))
        engine_mesh_touch_host(m, name);
}

static int timeout_ms(const struct engine *e)
{
    if (turns_anyone(&e->ready))
        return 0;
    const int64_t deadlines[] = {issuer_deadline(e->issuer), resolver_deadline(e->resolver),
                                 timers_next(&e->resting)};
    int64_t deadline = INT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(deadlines); i++)
        deadline = deadlines[i] < deadline ? deadlines[i] : deadline;
    return clock_ms_until(deadline);
}

static void turn(struct engine *e)
{
    struct turn *t = turns_take(&e->ready);
    if (t)
        engine_mesh_run(CONTAINER_OF(t, struct engine_mesh, ready), SLICE);
}

/* For mail, a deadline, or somebody who sets the clock. */
static void wait_for_more(struct engine *e)
{
    struct pollfd fds[] = {{.fd = e->box.event_fd, .events = POLLIN}, {.fd = e->clock.fd, .events = POLLIN}};
    (void)poll(fds, ARRAY_LEN(fds), timeout_ms(e));
}

static void *run(void *ctx)
{
    struct engine *e = ctx;
    while (!e->stop) {
        wait_for_more(e);
        mailbox_run(&e->box);
        int64_t jump = clock_watch_jump(&e->clock);
        if (jump != 0)
            issuer_jump(e->issuer, jump);
        issuer_run(e->issuer, clock_mono_ns());
        resolver_run(e->resolver, clock_mono_ns());
        timers_run(&e->resting, clock_mono_ns());
        turn(e);
        engine_publish_applied(e);
        engine_answer_addresses(e);
        answer_queries(e);
    }
    return NULL;
}

static void engine_free(struct engine *e)
{
    assert(e->meshes.n == 0);
    map_fini(&e->meshes);
    timers_fini(&e->resting);
    VEC_FINI(&e->queries);
    issuer_free(e->issuer);
    resolver_free(e->resolver);
    snap_unref(e->snap);
    clock_watch_fini(&e->clock);
    mailbox_fini(&e->box);
    free(e);
}

enum err_kind engine_start(const struct engine_options *options, struct engine **out, struct err *err)
{
    struct engine *e = xcalloc(1, sizeof *e);
    mailbox_init(&e->box);
    clock_watch_init(&e->clock);
    map_init(&e->meshes);
    list_init(&e->by_age);
    turns_init(&e->ready);
    list_init(&e->lacking);
    list_init(&e->waiters);
    list_init(&e->addresses);
    const struct issuer_options issuer = {.box = &e->box, .issued = issued, .ctx = e};
    const struct resolver_options resolver = {.box = &e->box, .changed = host_changed, .ctx = e};
    e->health = options->health;
    e->snap = store_subscribe(options->store, take_batch, e);
    e->vips = options->vips;
    atomic_init(&e->applied, snap_sequence(e->snap));
    e->issuer = issuer_new(&issuer);
    e->resolver = resolver_new(&resolver);
    if (pthread_create(&e->thread, NULL, run, e)) {
        engine_free(e);
        return err_set(err, ERR_UNAVAILABLE, "cannot start the compile thread");
    }
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
    engine_free(e);
}
