/* xds/question.c -- see question.h and ads_ask(). */
#include "question.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"

struct ads_question *ads_question_new(void)
{
    struct ads_question *q = xcalloc(1, sizeof(*q));
    arena_init(&q->arena);
    list_init(&q->node);
    list_init(&q->watching);
    return q;
}

void ads_question_free(struct ads_question *q)
{
    if (!q)
        return;
    arena_fini(&q->arena);
    free(q);
}

void questions_init(struct questions *qs)
{
    *qs = (struct questions){0};
    list_init(&qs->beginning);
    list_init(&qs->waiting);
}

bool questions_are_idle(const struct questions *qs)
{
    return qs->n_held == 0 && qs->n_notices == 0;
}

/* ---- which streams are in question ---- */

static struct ads_stream *stream_at(struct list *node)
{
    return CONTAINER_OF(LIST_ITEM(node, struct status_report, node), struct ads_stream, report);
}

static bool is_in_question(const struct ads_question *q, struct ads_stream *s)
{
    const struct res_key key = {RES_DATAPLANE, s->node.params.mesh, s->node.params.name};
    if (s->state != STREAM_LIVE || (q->mesh.p && !str_eq(q->mesh, key.mesh)))
        return false;
    /* A proxy that came back while its old connection looks alive speaks on the newest. */
    return access_sees(&q->access, &q->user, &key) &&
           registered_is_last(&s->ads->group->registry, s->registered, &s->live);
}

/* Until the engine has passed the state, nobody can have it. */
static struct session_lack lacks(const struct ads_question *q, struct ads_stream *s)
{
    if (!q->is_compiled)
        return (struct session_lack){LACK_CONFIG, XDS_N};
    return session_lacks(&s->session, q->sequence);
}

static bool is_pending(const struct ads_question *q, struct ads_stream *s)
{
    enum lack what = is_in_question(q, s) ? lacks(q, s).what : LACK_NOTHING;
    return what != LACK_NOTHING && what != LACK_CONSENT;
}

/* ---- the answer ---- */

static const char *type_word(enum xds_type t)
{
    static const char *const words[XDS_N] = {"clusters", "endpoints",  "secrets", "listeners",
                                             "routes",   "extensions", "runtime"};
    return words[t];
}

static struct str reason_of(struct ads_question *q, const struct ads_stream *s, struct session_lack lack)
{
    const char *word = lack.type == XDS_N ? "" : type_word(lack.type);
    switch (lack.what) {
    case LACK_CONFIG:
        return arena_str(&q->arena, STR("its configuration is still being compiled"));
    case LACK_REQUEST:
        return arena_printf(&q->arena, "it has not asked for all of its %s yet", word);
    case LACK_SENDING:
        return arena_printf(&q->arena, "%s are not sent yet: it reads slowly", word);
    case LACK_CLUSTERS:
        return arena_printf(&q->arena, "%s are held back until it has warmed its new clusters", word);
    case LACK_ANSWER:
        return arena_printf(&q->arena, "%s were sent and are not acknowledged yet", word);
    case LACK_CONSENT:
        return arena_printf(&q->arena, "%s were refused: " STR_FMT, word,
                            STR_ARG(session_refusal(&s->session, lack.type)));
    case LACK_NOTHING:
        break;
    }
    return STR("");
}

static void count(struct ads_question *q, struct ads_stream *s)
{
    struct session_lack lack = lacks(q, s);
    bool refused = lack.what == LACK_CONSENT;
    if (lack.what == LACK_NOTHING) {
        q->n_applied++;
        return;
    }
    q->n_refused += refused;
    q->n_pending += !refused;
    if (q->n_laggards < LAGGARDS_MAX)
        q->laggards[q->n_laggards++] = (struct ads_laggard){.mesh = arena_str(&q->arena, s->node.params.mesh),
                                                            .name = arena_str(&q->arena, s->node.params.name),
                                                            .refused = refused,
                                                            .reason = reason_of(q, s, lack)};
}

static void answer(struct ads *ads, struct ads_question *q)
{
    list_del(&q->node);
    list_del(&q->watching);
    q->laggards = ARENA_ARRAY(&q->arena, struct ads_laggard, LAGGARDS_MAX);
    LIST_FOR (node, &ads->board.reports) {
        if (is_in_question(q, stream_at(node)))
            count(q, stream_at(node));
    }
    ads->questions.n_held--;
    q->mail.handle = q->answered;
    mailbox_send(q->box, &q->mail);
}

/* ---- waiting ---- */

/* Watches the first stream from there on that lacks something; false: none does. */
static bool watch_from(struct ads *ads, struct ads_question *q, struct list *from)
{
    for (struct list *node = from; node != &ads->board.reports; node = node->next) {
        struct ads_stream *s = stream_at(node);
        if (is_pending(q, s)) {
            list_add_tail(&s->watchers, &q->watching);
            return true;
        }
    }
    return false;
}

/* What was passed by may lack something again: a proxy that had refused is given something newer. */
static void go_on(struct ads *ads, struct ads_question *q, struct list *from)
{
    list_del(&q->watching);
    if (!watch_from(ads, q, from) && !watch_from(ads, q, ads->board.reports.next))
        answer(ads, q);
}

void questions_look(struct ads_stream *s)
{
    struct list watchers;
    list_init(&watchers);
    LIST_FOR (node, &s->watchers) {
        list_del(node);
        list_add_tail(&watchers, node);
    }
    LIST_FOR (node, &watchers) {
        struct ads_question *q = LIST_ITEM(node, struct ads_question, watching);
        if (!is_pending(q, s)) {
            go_on(s->ads, q, s->report.node.next);
        } else {
            list_del(node);
            list_add_tail(&s->watchers, node);
        }
    }
}

/* That a proxy speaks on another stream now. */
struct twin_notice {
    struct mail mail;
    struct ads *ads;
    const struct registered *proxy; /* for comparing only: it may be gone */
};

static void take_twin_notice(struct mail *mail)
{
    struct twin_notice *n = CONTAINER_OF(mail, struct twin_notice, mail);
    if (n->ads->questions.n_held > 0) {
        LIST_FOR (node, &n->ads->board.reports) {
            if (stream_at(node)->registered == n->proxy)
                questions_look(stream_at(node));
        }
    }
    free(n);
}

void questions_look_at_twins(struct ads_stream *s)
{
    struct ads_group *group = s->ads->group;
    for (size_t i = 0; i < group->services.n; i++) {
        struct twin_notice *n = xmalloc(sizeof(*n));
        *n = (struct twin_notice){
            .mail.handle = take_twin_notice, .ads = group->services.v[i], .proxy = s->registered};
        mailbox_send(n->ads->mailbox, &n->mail);
    }
}

/* Nearly all wait equally long, so the place is nearly always the end. */
static void wait_until_deadline(struct ads *ads, struct ads_question *q)
{
    struct list *after = ads->questions.waiting.prev;
    while (after != &ads->questions.waiting &&
           LIST_ITEM(after, struct ads_question, node)->deadline > q->deadline)
        after = after->prev;
    list_add_tail(after->next, &q->node);
}

int64_t questions_deadline(const struct questions *qs)
{
    return list_empty(&qs->waiting) ? INT64_MAX
                                    : LIST_ITEM(qs->waiting.next, struct ads_question, node)->deadline;
}

void questions_run_timers(struct ads *ads, int64_t now_ns)
{
    while (questions_deadline(&ads->questions) <= now_ns)
        answer(ads, LIST_ITEM(ads->questions.waiting.next, struct ads_question, node));
}

/* ---- from the engine ---- */

/* That the engine has passed a state; by then what it delivered of it is in the streams. */
struct notice {
    struct mail mail;
    struct ads *ads;
    uint64_t sequence;
    struct str mesh; /* whose part of it; STR_NONE: all of it */
    char text[];
};

/* What the engine has passed for one mesh says nothing of the streams of others. */
static void cover(struct ads *ads, const struct ads_question *q)
{
    if (!q->mesh.p) {
        if (q->sequence > ads->applied)
            ads->applied = q->sequence;
        return;
    }
    LIST_FOR (node, &ads->board.reports) {
        struct ads_stream *s = stream_at(node);
        if (str_eq(s->node.params.mesh, q->mesh))
            stream_covers(s, q->sequence);
    }
}

/* The deliveries were mailed before this was, so the streams have taken them. */
static void begin(struct ads *ads, struct ads_question *q)
{
    q->is_compiled = true;
    cover(ads, q);
    go_on(ads, q, ads->board.reports.next);
}

static bool answers(const struct notice *n, const struct ads_question *q)
{
    return q->sequence <= n->sequence && (!n->mesh.p || (q->mesh.p && str_eq(n->mesh, q->mesh)));
}

static void take_notice(struct mail *mail)
{
    struct notice *n = CONTAINER_OF(mail, struct notice, mail);
    struct ads *ads = n->ads;
    ads->questions.n_notices--;
    LIST_FOR (node, &ads->questions.waiting) {
        struct ads_question *q = LIST_ITEM(node, struct ads_question, node);
        if (!q->is_compiled && answers(n, q))
            begin(ads, q);
    }
    free(n);
}

/* The question may be answered, and gone, before it comes. */
static void await_engine(struct ads *ads, const struct ads_question *q)
{
    struct notice *n = xmalloc(sizeof(*n) + q->mesh.n);
    *n = (struct notice){.mail.handle = take_notice, .ads = ads, .sequence = q->sequence};
    if (q->mesh.p)
        n->mesh = str_from(memcpy(n->text, q->mesh.p, q->mesh.n), q->mesh.n);
    ads->questions.n_notices++;
    engine_notify_applied(ads->options.engine, q->mesh, q->sequence, ads->mailbox, &n->mail);
}

static void take_compiled(struct mail *mail)
{
    struct ads_question *q = CONTAINER_OF(mail, struct ads_question, mail);
    struct ads *ads = q->ads;
    list_del(&q->node);
    if (ads->questions.stopped)
        q->deadline = 0;
    wait_until_deadline(ads, q);
    begin(ads, q); /* 'q' may be answered, and gone */
    questions_run_timers(ads, clock_mono_ns());
}

/* ---- from who asks ---- */

static void take_question(struct mail *mail)
{
    struct ads_question *q = CONTAINER_OF(mail, struct ads_question, mail);
    struct ads *ads = q->ads;
    ads->questions.n_held++;
    if (engine_applied(ads->options.engine) >= q->sequence) {
        list_add_tail(&ads->questions.beginning, &q->node);
        q->mail.handle = take_compiled; /* behind the deliveries that are in the box */
        mailbox_send(ads->mailbox, &q->mail);
        return;
    }
    wait_until_deadline(ads, q);
    if (ads->questions.stopped || q->deadline <= clock_mono_ns()) {
        answer(ads, q);
        return;
    }
    await_engine(ads, q);
}

/* On the asker's thread. */
static void take_part(struct mail *mail)
{
    struct ads_question *part = CONTAINER_OF(mail, struct ads_question, mail), *q = part->ctx;
    q->n_applied += part->n_applied;
    q->n_pending += part->n_pending;
    q->n_refused += part->n_refused;
    for (size_t i = 0; i < part->n_laggards && q->n_laggards < LAGGARDS_MAX; i++) {
        const struct ads_laggard *l = &part->laggards[i];
        q->laggards[q->n_laggards++] = (struct ads_laggard){.mesh = arena_str(&q->arena, l->mesh),
                                                            .name = arena_str(&q->arena, l->name),
                                                            .refused = l->refused,
                                                            .reason = arena_str(&q->arena, l->reason)};
    }
    ads_question_free(part);
    if (--q->n_parts == 0)
        q->mail.handle(&q->mail);
}

/* The part of one loop. What it has of the question stays in place until the last part is back. */
static void ask_part(struct ads *ads, struct ads_question *q)
{
    struct ads_question *part = ads_question_new();
    part->mail.handle = take_question;
    part->answered = take_part;
    part->box = q->box;
    part->ctx = q;
    part->id = q->id;
    part->sequence = q->sequence;
    part->deadline = q->deadline;
    part->mesh = q->mesh;
    part->access = q->access;
    part->user = q->user;
    part->ads = ads;
    mailbox_send(ads->mailbox, &part->mail);
}

void ads_ask(struct ads_group *group, struct ads_question *q)
{
    size_t n = group->services.n;
    COUNT(xds_questions);
    q->laggards = ARENA_ARRAY(&q->arena, struct ads_laggard, LAGGARDS_MAX);
    q->n_parts = n;
    /* With the last part sent, 'q' may be answered and gone. */
    for (size_t i = 0; i < n; i++)
        ask_part(group->services.v[i], q);
}

static void take_hurry(struct mail *mail)
{
    struct hurry *h = CONTAINER_OF(mail, struct hurry, mail);
    LIST_FOR (node, &h->ads->questions.beginning) {
        struct ads_question *q = LIST_ITEM(node, struct ads_question, node);
        if (q->id == h->id)
            q->deadline = 0;
    }
    LIST_FOR (node, &h->ads->questions.waiting) {
        struct ads_question *q = LIST_ITEM(node, struct ads_question, node);
        if (q->id == h->id)
            answer(h->ads, q);
    }
    free(h);
}

void ads_hurry(struct ads_group *group, uint64_t id)
{
    hurry_all(group, id, take_hurry);
}

void questions_stop(struct ads *ads)
{
    ads->questions.stopped = true;
    while (!list_empty(&ads->questions.waiting))
        answer(ads, LIST_ITEM(ads->questions.waiting.next, struct ads_question, node));
}
