/* rollout.c -- the thread that leads meshes on; see ursa/rollout.h.
 *
 * A mesh on its way has a record in the store; each step puts another one or removes it, and comes here by
 * the feed. For each record, in this order: nobody is absent, the loops say that all have it, a while passes
 * in which what was acknowledged gets warm, nobody has come or gone meanwhile, the writer takes the next
 * step. */
#include "ursa/rollout.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "absent.h"
#include "renewals.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "ursa/base/timers.h"
#include "ursa/posture.h"

/* Envoy acknowledges a listener or a cluster before it is warm, and hands it to its threads after that. */
#define DWELL_NS (500 * NS_PER_MS)
/* After so long the proxies that hold a mesh up are told of, and asked for again. */
#define ASK_NS (30 * NS_PER_S)
#define RETRY_NS NS_PER_S

/* Where a record is. */
enum leg {
    LEG_LOOK,    /* begins anew as soon as what is under way is back */
    LEG_ABSENT,  /* somebody is absent */
    LEG_REFUSED, /* somebody refuses what it was sent: until it is sent something else */
    LEG_ASK,     /* the loops are asked */
    LEG_DWELL,   /* what was acknowledged gets warm */
    LEG_ADVANCE, /* the writer is asked */
    LEG_STUCK    /* it cannot go further until its Mesh or a secret changes */
};

struct journey {
    struct rollout *rollout;
    struct resource *record; /* NULL: it has arrived, and goes when what is under way is back */
    uint64_t sequence;       /* of a state that has the record */
    enum leg leg;
    struct timer timer;
    struct presence presence; /* when it was looked at; zero in between */
    bool is_away;             /* a question or a request is under way */
    uint64_t question;        /* its id; 0: none */
    char mesh[];
};

struct rollout {
    struct rollout_options options;
    struct presence_options presence;
    struct admit *admit;
    struct ads_group *ads;
    struct mailbox box;
    struct mail stop;
    struct snap *first; /* the state at the beginning, until the thread has taken it up */
    struct timers timers;
    struct map journeys;
    struct renewals renewals;
    size_t n_away;
    atomic_bool travelling; /* some mesh is on its way: its news count */
    bool stopping;
    bool started;
    pthread_t thread;
};

/* ---- telling ---- */

static void tell(const struct journey *j, const char *state, const struct event_member *members, size_t n)
{
    events_add_mesh(j->rollout->options.events, EVENT_CA, str_from_c(j->mesh), state, members, n);
}

static void tell_step(const struct journey *j, const struct resource *from, const struct resource *to)
{
    struct arena a;
    arena_init(&a);
    struct str was = from ? posture_text(resource_mesh_posture(from), &a) : STR("");
    struct str is = to ? posture_text(resource_mesh_posture(to), &a) : STR("");
    const struct event_member members[] = {{"to", is}, {"from", was}};
    COUNT(rollout_steps); /* who hears of the step finds it counted */
    if (to) {
        log_info("rollout", "mesh=%s on its way: " STR_FMT, j->mesh, STR_ARG(is));
        tell(j, from ? "step" : "begun", members, from ? 2 : 0);
    } else {
        log_info("rollout", "mesh=%s arrived, from: " STR_FMT, j->mesh, STR_ARG(was));
        tell(j, "arrived", &members[1], 1);
    }
    arena_fini(&a);
}

static void tell_laggards(const struct journey *j, const struct ads_question *q)
{
    struct arena a;
    arena_init(&a);
    const struct ads_laggard *first = q->n_laggards > 0 ? &q->laggards[0] : NULL;
    struct str n = arena_printf(&a, "%zu", q->n_pending + q->n_refused);
    struct str name = first ? first->name : STR(""), reason = first ? first->reason : STR("");
    const struct event_member members[] = {{"laggards", n}, {"first", name}, {"reason", reason}};
    log_warn("rollout", "mesh=%s waits for proxies=" STR_FMT " first=" STR_FMT ": " STR_FMT, j->mesh,
             STR_ARG(n), STR_ARG(name), STR_ARG(reason));
    tell(j, "waiting", members, ARRAY_LEN(members));
    arena_fini(&a);
}

static void tell_absent(const struct journey *j)
{
    size_t at = 0;
    struct arena a;
    struct str name = STR("");
    void *ignored;
    arena_init(&a);
    (void)map_next(&j->presence.absent, &at, &name, &ignored);
    struct str n = arena_printf(&a, "%zu", j->presence.absent.n);
    const struct event_member members[] = {{"absent", n}, {"first", name}};
    log_info("rollout",
             "mesh=%s waits for proxies that were online a moment ago: absent=" STR_FMT " first=" STR_FMT,
             j->mesh, STR_ARG(n), STR_ARG(name));
    tell(j, "waiting", members, ARRAY_LEN(members));
    arena_fini(&a);
}

/* ---- journeys ---- */

static void come_due(struct timer *, int64_t now);

static struct journey *journey_new(struct rollout *r, struct str mesh)
{
    struct journey *j = xcalloc(1, sizeof(*j) + mesh.n + 1);
    memcpy(j->mesh, mesh.p, mesh.n);
    j->rollout = r;
    j->timer.expire = come_due;
    map_put(&r->journeys, str_from_c(j->mesh), j);
    atomic_store(&r->travelling, true);
    return j;
}

static void journey_free(struct journey *j)
{
    timer_clear(&j->rollout->timers, &j->timer);
    presence_fini(&j->presence);
    resource_unref(j->record);
    free(j);
}

static void arrive(struct journey *j)
{
    struct rollout *r = j->rollout;
    map_del(&r->journeys, str_from_c(j->mesh));
    journey_free(j);
    atomic_store(&r->travelling, r->journeys.n > 0);
}

static void wait_for(struct journey *j, enum leg leg, int64_t ns)
{
    j->leg = leg;
    timer_set(&j->rollout->timers, &j->timer, clock_mono_ns() + ns);
}

static void begin(struct journey *);

/* Something is back. False: nothing more is to be done with it. */
static bool is_back(struct journey *j)
{
    j->is_away = false;
    j->question = 0;
    j->rollout->n_away--;
    if (!j->record)
        arrive(j);
    else if (!j->rollout->stopping && j->leg == LEG_LOOK)
        begin(j);
    else
        return !j->rollout->stopping;
    return false;
}

static void go_away(struct journey *j, enum leg leg)
{
    j->leg = leg;
    j->is_away = true;
    j->rollout->n_away++;
}

/* ---- the next step ---- */

struct advance {
    struct mail mail;
    struct journey *journey;
    struct admit_request *request;
};

static void take_advance(struct mail *mail)
{
    struct advance *adv = CONTAINER_OF(mail, struct advance, mail);
    struct journey *j = adv->journey;
    enum err_kind kind = adv->request->kind;
    enum admit_outcome outcome = adv->request->ops[0].outcome;
    admit_request_free(adv->request);
    free(adv);
    if (!is_back(j))
        return;
    if (kind != ERR_NONE)
        wait_for(j, LEG_LOOK, RETRY_NS);
    else
        j->leg = outcome == OUTCOME_UNCHANGED ? LEG_STUCK : LEG_LOOK; /* the feed brings what comes next */
}

/* On the writer's thread. */
static void advanced(struct admit_request *req)
{
    struct advance *adv = req->ctx;
    mailbox_send(&adv->journey->rollout->box, &adv->mail);
}

static void advance(struct journey *j)
{
    struct advance *adv = xcalloc(1, sizeof(*adv));
    *adv =
        (struct advance){.mail.handle = take_advance, .journey = j, .request = admit_advance_new(j->record)};
    adv->request->done = advanced;
    adv->request->ctx = adv;
    go_away(j, LEG_ADVANCE);
    admit_submit(j->rollout->admit, adv->request);
}

/* ---- do all have it? ---- */

/* The loops no longer know a proxy that the store says is online: it has just gone, and one that comes and
 * goes without end may be told of seconds later. */
static bool misses_somebody(const struct journey *j, const struct ads_question *q)
{
    return q->n_applied + q->n_pending + q->n_refused < j->presence.online.n;
}

static void go_on(struct journey *j, const struct ads_question *q)
{
    bool all_have_it = q->n_pending + q->n_refused == 0;
    if (all_have_it && misses_somebody(j, q))
        wait_for(j, LEG_LOOK, RETRY_NS);
    else if (all_have_it && q->n_applied == 0)
        advance(j); /* nothing has to get warm */
    else if (all_have_it)
        wait_for(j, LEG_DWELL, DWELL_NS);
    else if (q->n_refused > 0)
        wait_for(j, LEG_REFUSED, ASK_NS);
    else
        wait_for(j, LEG_LOOK, 0);
    if (!all_have_it)
        tell_laggards(j, q);
}

static void take_answer(struct mail *mail)
{
    struct ads_question *q = CONTAINER_OF(mail, struct ads_question, mail);
    struct journey *j = q->ctx;
    if (is_back(j))
        go_on(j, q);
    ads_question_free(q);
}

static void ask(struct journey *j)
{
    struct ads_question *q = ads_question_new();
    q->mail.handle = take_answer;
    q->box = &j->rollout->box;
    q->ctx = j;
    q->id = j->question = (uint64_t)(uintptr_t)q;
    q->sequence = j->sequence;
    q->deadline = clock_mono_ns() + ASK_NS;
    q->mesh = str_from_c(j->mesh);
    q->user = user_admin;
    go_away(j, LEG_ASK);
    ads_ask(j->rollout->ads, q);
}

/* ---- who is there ---- */

/* Who is absent is waited for, while it is likely to come back. */
static void begin(struct journey *j)
{
    struct rollout *r = j->rollout;
    struct snap *snap = store_snap(r->options.store);
    int64_t now = clock_wall_ns();
    timer_clear(&r->timers, &j->timer);
    presence_fini(&j->presence);
    presence_look(&j->presence, &r->presence, snap, str_from_c(j->mesh), now);
    snap_unref(snap);
    if (j->presence.absent.n > 0) {
        tell_absent(j);
        wait_for(j, LEG_ABSENT, j->presence.until_ns - now);
    } else {
        ask(j);
    }
}

/* Who came meanwhile was told this posture. Who lost its stream, and came back even, may have an older one.
 */
static void end_dwell(struct journey *j)
{
    struct rollout *r = j->rollout;
    struct snap *snap = store_snap(r->options.store);
    bool held = presence_held(&j->presence, &r->presence, snap, str_from_c(j->mesh));
    snap_unref(snap);
    if (held)
        advance(j);
    else
        begin(j);
}

static void come_due(struct timer *timer, int64_t now)
{
    struct journey *j = CONTAINER_OF(timer, struct journey, timer);
    (void)now;
    if (j->leg == LEG_DWELL)
        end_dwell(j);
    else
        begin(j);
}

/* ---- from the feed ---- */

/* Whatever is under way is about an older record. */
static void begin_anew(struct journey *j)
{
    j->leg = LEG_LOOK;
    if (j->is_away && j->question)
        ads_hurry(j->rollout->ads, j->question);
    else if (!j->is_away)
        begin(j);
}

static void take_record(struct rollout *r, struct str mesh, struct resource *record, uint64_t sequence)
{
    struct journey *j = map_find(&r->journeys, mesh);
    if (j ? j->record == record : !record)
        return;
    j = j ? j : journey_new(r, mesh);
    tell_step(j, j->record, record);
    resource_unref(j->record);
    j->record = record ? resource_ref(record) : NULL;
    j->sequence = sequence;
    if (record)
        begin_anew(j);
    else if (j->is_away && j->question)
        ads_hurry(r->ads, j->question);
    else if (!j->is_away)
        arrive(j);
}

/* One who was absent is back, or gone for good; or has more to tell, which is found out when all have. */
static void take_proxy(struct journey *j, const struct change *c)
{
    enum res_type type = change_key(c)->type;
    if (type != RES_DATAPLANE_INSIGHT && (type != RES_DATAPLANE || c->after))
        return;
    if (map_del(&j->presence.absent, change_key(c)->name) && j->presence.absent.n == 0)
        begin(j);
}

/* What a mesh waits for may be there now. */
static void take_news(struct rollout *r, const struct change *c, uint64_t sequence)
{
    const struct res_key *key = change_key(c);
    struct journey *j = map_find(&r->journeys, key->type == RES_MESH ? key->name : key->mesh);
    bool is_wish = key->type == RES_MESH || key->type == RES_SECRET;
    if (!j)
        return;
    if (j->leg == LEG_ADVANCE && is_wish)
        j->leg = LEG_LOOK; /* the writer's answer may be older, and is told after this */
    if (j->is_away)
        return;
    if (j->leg == LEG_ABSENT) {
        take_proxy(j, c);
    } else if (j->leg == LEG_STUCK && is_wish) {
        begin(j);
    } else if (j->leg == LEG_REFUSED && key->type != RES_DATAPLANE_INSIGHT) {
        j->sequence = sequence;
        wait_for(j, LEG_LOOK, RETRY_NS);
    }
}

struct news {
    struct mail mail;
    struct rollout *rollout;
    struct batch *batch;
};

static void take_batch(struct mail *mail)
{
    struct news *n = CONTAINER_OF(mail, struct news, mail);
    struct rollout *r = n->rollout;
    for (size_t i = 0; i < n->batch->n_changes && !r->stopping; i++) {
        const struct change *c = &n->batch->changes[i];
        if (change_key(c)->type == RES_MESH_POSTURE)
            take_record(r, change_key(c)->mesh, c->after, n->batch->sequence);
        else
            take_news(r, c, n->batch->sequence);
        renewals_note(&r->renewals, c);
    }
    batch_unref(n->batch);
    free(n);
}

static bool concerns(const struct rollout *r, const struct batch *b)
{
    if (atomic_load(&r->travelling))
        return true;
    for (size_t i = 0; i < b->n_changes; i++)
        if (renewals_concern(&b->changes[i]))
            return true;
    return false;
}

/* On the writer's thread. */
static void deliver(void *ctx, struct batch *b)
{
    struct rollout *r = ctx;
    if (!concerns(r, b))
        return;
    struct news *n = xmalloc(sizeof(*n));
    *n = (struct news){.mail.handle = take_batch, .rollout = r, .batch = batch_ref(b)};
    mailbox_send(&r->box, &n->mail);
}

/* ---- the thread ---- */

/* Those that an earlier instance left on their way. */
static void take_up(struct rollout *r)
{
    struct snap_range range = snap_range(r->first, RES_MESH_POSTURE, STR_NONE);
    struct snap_iter it = snap_iter(&range);
    for (const struct resource *record; (record = snap_next(&it));)
        take_record(r, record->key.mesh, (struct resource *)(uintptr_t)record, snap_sequence(r->first));
    snap_unref(r->first);
    r->first = NULL;
}

static void take_stop(struct mail *mail)
{
    struct rollout *r = CONTAINER_OF(mail, struct rollout, stop);
    size_t at = 0;
    struct str mesh;
    void *value;
    r->stopping = r->renewals.stopping = true;
    while (map_next(&r->journeys, &at, &mesh, &value)) {
        struct journey *j = value;
        timer_clear(&r->timers, &j->timer);
        if (j->question)
            ads_hurry(r->ads, j->question);
    }
}

static void *run(void *ctx)
{
    struct rollout *r = ctx;
    take_up(r);
    renewals_start(&r->renewals, r->admit);
    while (!r->stopping || r->n_away + r->renewals.n_away > 0) {
        mailbox_wait(&r->box, clock_ms_until(timers_next(&r->timers)));
        mailbox_run(&r->box);
        timers_run(&r->timers, clock_mono_ns());
    }
    return NULL;
}

/* ---- start and stop ---- */

struct rollout *rollout_new(const struct rollout_options *options)
{
    struct rollout *r = xcalloc(1, sizeof(*r));
    r->options = *options;
    r->presence = (struct presence_options){options->instance_id, clock_wall_ns()};
    mailbox_init(&r->box);
    map_init(&r->journeys);
    renewals_init(&r->renewals, options->store, &r->box, &r->timers);
    r->stop.handle = take_stop;
    r->first = store_subscribe(options->store, deliver, r);
    atomic_store(&r->travelling, snap_range(r->first, RES_MESH_POSTURE, STR_NONE).n > 0);
    return r;
}

enum err_kind rollout_start(struct rollout *r, struct admit *admit, struct ads_group *ads, struct err *e)
{
    r->admit = admit;
    r->ads = ads;
    int fault = pthread_create(&r->thread, NULL, run, r);
    if (fault)
        return err_set(e, ERR_UNAVAILABLE, "cannot start the rollout thread: %s", strerror(fault));
    pthread_setname_np(r->thread, "ursa-rollout");
    r->started = true;
    return ERR_NONE;
}

void rollout_stop(struct rollout *r)
{
    if (!r || !r->started)
        return;
    mailbox_send(&r->box, &r->stop);
    pthread_join(r->thread, NULL);
    r->started = false;
}

void rollout_free(struct rollout *r)
{
    size_t at = 0;
    struct str mesh;
    void *j;
    if (!r)
        return;
    r->stopping = r->renewals.stopping = true;
    mailbox_run(&r->box); /* what the feed brought since */
    while (map_next(&r->journeys, &at, &mesh, &j))
        journey_free(j);
    map_fini(&r->journeys);
    snap_unref(r->first);
    renewals_fini(&r->renewals);
    timers_fini(&r->timers);
    mailbox_fini(&r->box);
    free(r);
}
