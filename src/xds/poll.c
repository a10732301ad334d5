/* xds/poll.c -- pollers: who asks, what was let out for it, and what the stream is told.
 *
 * Everything here runs on the loop's thread but ads_poll and ads_poll_hurry. */
#include "poll_question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"
#include "ursa/base/json.h"

#define POLLERS_MAX 4096                /* of one loop */
#define QUESTIONS_MAX 4096              /* of one poller */
#define QUESTIONS_SIZE_MAX (1u << 20)   /* bytes of the names in them */
#define POLLER_LEASE_NS (60 * NS_PER_S) /* without any question */

/* What the stream has let out of a type. */
struct outlet {
    bool is_open; /* somebody has asked */
    struct map questions;
    struct xds_response let_out; /* the newest */
    bool owes_answer;            /* whether the client has taken that over */
};

#define KEY_SIZE 32
struct poller {
    struct ads *ads;
    uint8_t key[KEY_SIZE];
    struct ads_stream *stream;
    struct outlet outlets[XDS_N];
    size_t n_questions, questions_size;
    struct timer lease; /* while there are no questions */
    struct mail turn;
    bool turning;  /* 'turn' is under way */
    bool is_ended; /* it goes with its turn */
};

static void refuse(struct ads_poll *p, enum err_kind kind, struct str text)
{
    p->kind = kind;
    p->text = arena_str(&p->arena, text);
    mailbox_send(p->box, &p->mail);
}

/* ---- what the stream is told ---- */

static void tell_stream(struct poller *p, enum xds_type type, const struct discovery_request *about)
{
    struct str all = STR("*");
    struct discovery_request r = *about;
    r.type = type;
    r.names = &all;
    r.n_names = 1;
    stream_request(p->stream, &r);
}

static void answer_stream(struct poller *p, enum xds_type type, struct str refusal)
{
    struct outlet *o = &p->outlets[type];
    char version[VERSION_TEXT_SIZE], nonce[24];
    version_format(o->let_out.version, version);
    snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)o->let_out.nonce);
    o->owes_answer = false;
    tell_stream(p, type,
                &(struct discovery_request){.version_info = str_from_c(version),
                                            .response_nonce = str_from_c(nonce),
                                            .has_error = refusal.p,
                                            .error_message = refusal});
}

/* New clusters get warm when their endpoints are there, for which Envoy asks one by one: only then may what
 * uses the clusters follow. */
static bool endpoints_are_taken(const struct poller *p)
{
    const struct config_set *config = p->stream->session.config;
    size_t n_taken = 0, i = 0;
    struct str key, name;
    void *value;
    while (map_next(&p->outlets[XDS_ENDPOINT].questions, &i, &key, &value)) {
        const struct question *q = value;
        if (q->newest == 0 || question_is_behind(q))
            continue;
        if (key.n == 0)
            return true;
        while (str_next(&key, '\0', &name) && name.n > 0)
            n_taken += config_set_find(config, XDS_ENDPOINT, name) != NULL;
    }
    return n_taken >= config->lists[XDS_ENDPOINT]->n;
}

/* Has everybody who asks for something of the type taken over what was let out? */
static void settle(struct poller *p, enum xds_type type)
{
    struct outlet *o = &p->outlets[type];
    size_t i = 0;
    struct str key;
    void *value;
    if (!o->owes_answer || p->is_ended)
        return;
    while (map_next(&o->questions, &i, &key, &value)) {
        const struct question *q = value;
        if (question_is_behind(q))
            return;
    }
    if (type != XDS_CLUSTER || endpoints_are_taken(p))
        answer_stream(p, type, STR_NONE);
}

/* ---- the stream's news ---- */

static void let_out(struct poller *p, struct xds_response *r, int64_t now)
{
    struct outlet *o = &p->outlets[r->type];
    size_t i = 0;
    struct str key;
    void *value;
    xds_response_fini(&o->let_out);
    o->let_out = *r;
    o->owes_answer = true;
    while (map_next(&o->questions, &i, &key, &value)) {
        question_take_news(value, now);
    }
}

/* It is in no map any more. */
static void forget(struct question *q)
{
    struct poller *p = q->poller;
    p->n_questions--;
    p->questions_size -= q->key.n;
    question_free(q);
}

/* Its stream is over: nobody finds it any more, and all that wait are told why. */
static void end(struct poller *p, enum err_kind kind, struct str text)
{
    struct polls *polls = &p->ads->polls;
    size_t i;
    struct str key;
    void *value;
    p->is_ended = true;
    (void)map_del(&polls->pollers, str_from(p->key, KEY_SIZE));
    timer_clear(&polls->timers, &p->lease);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        for (i = 0; map_next(&p->outlets[t].questions, &i, &key, &value);) {
            struct question *q = value;
            if (q->waiting)
                refuse(question_take_poll(q), kind, text);
            forget(q);
        }
        map_fini(&p->outlets[t].questions);
        map_init(&p->outlets[t].questions);
    }
}

static void poller_free(struct poller *p)
{
    ads_close(p->stream);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        map_fini(&p->outlets[t].questions);
        xds_response_fini(&p->outlets[t].let_out);
    }
    p->ads->polls.n_pollers--;
    free(p);
}

static void take_turn(struct mail *mail)
{
    struct poller *p = CONTAINER_OF(mail, struct poller, turn);
    struct xds_response r;
    int64_t now = clock_mono_ns();
    p->turning = false;
    if (p->is_ended) {
        poller_free(p);
        return;
    }
    while (stream_next(p->stream, &r))
        let_out(p, &r, now);
    for (enum xds_type t = 0; t < XDS_N; t++)
        settle(p, t);
}

/* The stream calls from within: what follows is for a turn of its own. */
static void take_a_turn(struct poller *p)
{
    if (p->turning)
        return;
    p->turning = true;
    mailbox_send(p->ads->mailbox, &p->turn);
}

static void on_wake(void *peer)
{
    take_a_turn(peer);
}

static void on_finish(void *peer, enum err_kind kind, struct str text)
{
    struct poller *p = peer;
    if (p->is_ended)
        return;
    end(p, kind, text);
    take_a_turn(p);
}

static const struct ads_transport transport = {.wake = on_wake, .finish = on_finish};

/* ---- time ---- */

static void lease_is_over(struct timer *t, int64_t now)
{
    struct poller *p = CONTAINER_OF(t, struct poller, lease);
    (void)now;
    end(p, ERR_NONE, STR_NONE);
    take_a_turn(p);
}

/* Nobody asks for it any more. */
static void question_drop(struct question *q, int64_t now)
{
    struct poller *p = q->poller;
    enum xds_type type = q->type;
    (void)map_del(&p->outlets[type].questions, q->key);
    forget(q);
    if (p->n_questions == 0)
        timer_set(&p->ads->polls.timers, &p->lease, now + POLLER_LEASE_NS);
    take_a_turn(p); /* it may have been the last that was behind */
}

static void question_is_due(struct timer *t, int64_t now)
{
    struct question *q = CONTAINER_OF(t, struct question, timer);
    if (!q->waiting)
        question_drop(q, now);
    else if (q->wait_until <= now)
        question_send_back(q, now);
    else
        question_judge(q, now);
}

/* ---- polls ---- */

static struct str key_of_names(const struct discovery_request *r, struct arena *a)
{
    struct buf b;
    bool all = false;
    buf_init(&b, DISCOVERY_REQUEST_MAX * 2);
    for (size_t i = 0; i < r->n_names; i++) {
        all |= str_eq(r->names[i], STR("*"));
        buf_add_str(&b, r->names[i]);
        buf_add_byte(&b, '\0');
    }
    struct str key = all ? STR("") : arena_str(a, buf_str(&b));
    buf_fini(&b);
    return key;
}

static bool has_room(const struct poller *p, struct str key)
{
    return p->n_questions < QUESTIONS_MAX && p->questions_size + key.n <= QUESTIONS_SIZE_MAX;
}

/* NULL: it would be one too many. */
static struct question *question_of(struct poller *p, enum xds_type type, struct str key)
{
    struct map *questions = &p->outlets[type].questions;
    struct question *q = map_find(questions, key);
    if (q || !has_room(p, key))
        return q;
    q = question_new(&p->ads->polls, type, key, &p->outlets[type].let_out, question_is_due);
    q->poller = p;
    map_put(questions, q->key, q);
    p->questions_size += key.n;
    if (p->n_questions++ == 0)
        timer_clear(&p->ads->polls.timers, &p->lease);
    return q;
}

static void take_version(struct question *q, const struct discovery_request *r)
{
    question_take_version(q, r);
    if (question_is_refused(q) && q->poller->outlets[q->type].owes_answer)
        answer_stream(q->poller, q->type,
                      r->error_message.n > 0 ? r->error_message
                                             : STR("it was given this several times and keeps what it has"));
}

/* The same client: who it says to be, by what right, and what it says of itself. */
static void make_key(const struct ads_poll *p, uint8_t key[KEY_SIZE])
{
    struct arena a;
    struct buf b;
    arena_init(&a);
    buf_init(&b, BUF_MAX_RESOURCE);
    struct str metadata = json_format_canonical(&a, p->request.node.metadata);
    (void)buf_room(&b, p->request.node.id.n + p->authorization.text.n + metadata.n + 2);
    buf_add_str(&b, p->request.node.id);
    buf_add_byte(&b, '\0');
    buf_add_str(&b, p->authorization.text);
    buf_add_byte(&b, '\0');
    buf_add_str(&b, metadata);
    hash_sha256(b.p, b.n, key);
    explicit_bzero(b.p, b.n);
    buf_fini(&b);
    arena_fini(&a);
}

static struct poller *poller_of(struct ads *ads, const struct ads_poll *poll)
{
    uint8_t key[KEY_SIZE];
    make_key(poll, key);
    struct poller *p = map_find(&ads->polls.pollers, str_from(key, KEY_SIZE));
    if (p || ads->polls.n_pollers >= POLLERS_MAX)
        return p;
    p = xcalloc(1, sizeof(*p));
    p->ads = ads;
    memcpy(p->key, key, KEY_SIZE);
    p->turn.handle = take_turn;
    p->lease.expire = lease_is_over;
    p->stream = ads_open(ads, XDS_REST, &transport, p, &poll->authorization);
    map_put(&ads->polls.pollers, str_from(p->key, KEY_SIZE), p);
    ads->polls.n_pollers++;
    return p;
}

static void ask(struct poller *p, struct ads_poll *poll)
{
    enum xds_type type = poll->request.type;
    int64_t now = clock_mono_ns();
    struct question *q = question_of(p, type, key_of_names(&poll->request, &poll->arena));
    if (!q) {
        refuse(poll, ERR_LIMIT, STR("the proxy asks for too much at once"));
        return;
    }
    question_wait(q, poll, now, now + p->ads->options.poll_limit_ns);
    if (!stream_identify(p->stream, &poll->request)) /* it is answered */
        return;
    discovery_request_fini(&poll->request); /* the node's metadata are not needed while it waits */
    take_version(q, &poll->request);
    if (p->is_ended)
        return;
    if (!p->outlets[type].is_open) {
        p->outlets[type].is_open = true;
        tell_stream(p, type, &(struct discovery_request){0});
        if (p->is_ended)
            return;
    }
    question_judge(q, now);
    if (p->outlets[type].owes_answer || p->outlets[XDS_CLUSTER].owes_answer)
        take_a_turn(p);
}

static void take_poll(struct mail *mail)
{
    struct ads_poll *poll = CONTAINER_OF(mail, struct ads_poll, mail);
    struct ads *ads = poll->ads;
    struct poller *p = ads->polls.stopped ? NULL : poller_of(ads, poll);
    COUNT(xds_requests);
    poll->mail.handle = poll->answered;
    if (p)
        ask(p, poll);
    else
        refuse(poll, ERR_UNAVAILABLE, STR("no more pollers are served"));
}

/* ---- from who asks ---- */

struct ads_poll *ads_poll_new(const struct credential *authorization)
{
    struct ads_poll *p = xcalloc(1, sizeof(*p));
    arena_init_sized(&p->arena, authorization->text.n + 256); /* and a name or two: many wait at a time */
    p->authorization.source = authorization->source;
    if (authorization->text.p)
        p->authorization.text = arena_str(&p->arena, authorization->text);
    return p;
}

void ads_poll_free(struct ads_poll *p)
{
    if (!p)
        return;
    discovery_request_fini(&p->request);
    free_wiped(p->json);
    arena_wipe(&p->arena);
    free(p);
}

/* One loop has all polls of a proxy. */
static struct ads *service_of(struct ads_group *group, struct str node_id)
{
    return group->services.v[hash_key(node_id.p, node_id.n) % group->services.n];
}

void ads_poll(struct ads_group *group, struct ads_poll *p)
{
    p->ads = service_of(group, p->request.node.id);
    p->answered = p->mail.handle;
    p->mail.handle = take_poll;
    mailbox_send(p->ads->mailbox, &p->mail);
}

/* Envoy hangs up on what it does not need any more, so nobody asks that again. */
static void take_hurry(struct mail *mail)
{
    struct hurry *h = CONTAINER_OF(mail, struct hurry, mail);
    struct ads_poll *p = map_find(&h->ads->polls.waiting, poll_id(&h->id));
    if (p) {
        struct question *q = p->question;
        mailbox_send(p->box, &question_take_poll(q)->mail);
        question_drop(q, clock_mono_ns());
    }
    free(h);
}

void ads_poll_hurry(struct ads_group *group, uint64_t id)
{
    hurry_all(group, id, take_hurry);
}

/* ---- life ---- */

void polls_init(struct polls *s)
{
    map_init(&s->pollers);
    map_init(&s->waiting);
}

void polls_fini(struct polls *s)
{
    map_fini(&s->pollers);
    map_fini(&s->waiting);
    timers_fini(&s->timers);
}

bool polls_are_idle(const struct polls *s)
{
    return s->n_pollers == 0;
}

static struct poller *any_poller(const struct polls *s)
{
    size_t i = 0;
    struct str key;
    void *value = NULL;
    return map_next(&s->pollers, &i, &key, &value) ? value : NULL;
}

void polls_stop(struct ads *ads)
{
    struct poller *p;
    ads->polls.stopped = true;
    while ((p = any_poller(&ads->polls))) {
        end(p, ERR_UNAVAILABLE, STR("the control plane stops"));
        take_a_turn(p);
    }
}
