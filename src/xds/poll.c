/* xds/poll.c -- pollers: who asks, what was let out for it, and when a poll is answered.
 *
 * Everything here runs on the loop's thread but ads_poll and ads_poll_hurry. */
#include "poll.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"
#include "ursa/base/json.h"

#define POLLERS_MAX 4096                  /* of one loop */
#define QUESTIONS_MAX 4096                /* of one poller */
#define QUESTIONS_SIZE_MAX (1u << 20)     /* bytes of the names in them */
#define QUESTION_LEASE_NS (15 * NS_PER_S) /* between two polls; Envoy takes 50 ms */
#define POLLER_LEASE_NS (60 * NS_PER_S)   /* without any question */
#define VAIN_MAX 3                        /* answers that may have been lost */
#define VAIN_PAUSE_NS (10 * NS_PER_S)     /* then it is likely that the client refuses them */

/* What one poller asks for again and again: all of a type, or names of it. */
struct question {
    struct poller *poller;
    struct timer timer; /* while it waits: the poll's time is up; else: nobody asks any more */
    struct str key;     /* its names, each with a NUL behind it; "" is everything */
    enum xds_type type;
    struct ads_poll *waiting; /* NULL: none */
    int64_t wait_until;
    uint64_t has;    /* the version that the client says to have; 0: none, or it has not said yet */
    uint64_t newest; /* the version of what was let out for it; 0: nothing was */
    uint64_t given;  /* the version of the last answer; 0: none */
    unsigned n_vain; /* how often the client came back without that */
    int64_t given_at;
};

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

/* ---- answers ---- */

static void send_back(struct ads_poll *p)
{
    mailbox_send(p->box, &p->mail);
}

static void refuse(struct ads_poll *p, enum err_kind kind, struct str text)
{
    p->kind = kind;
    p->text = arena_str(&p->arena, text);
    send_back(p);
}

static struct str id_of(const uint64_t *id)
{
    return str_from(id, sizeof(*id));
}

static void wait_for(struct question *q, struct ads_poll *p, int64_t until)
{
    q->waiting = p;
    q->wait_until = until;
    p->question = q;
    map_put(&p->ads->polls.waiting, id_of(&p->id), p);
}

static struct ads_poll *take_waiting(struct question *q)
{
    struct ads_poll *p = q->waiting;
    (void)map_del(&p->ads->polls.waiting, id_of(&p->id));
    q->waiting = NULL;
    p->question = NULL;
    return p;
}

/* What was let out under those names, in the order of names. */
static size_t collect(const struct question *q, struct xds_resource **v)
{
    const struct xds_response *r = &q->poller->outlets[q->type].let_out;
    struct str rest = q->key, name;
    size_t n = 0, at = 0;
    while (str_next(&rest, '\0', &name) && name.n > 0) {
        at = xds_search(r->v, r->n, at, name);
        if (at < r->n && str_eq(r->v[at]->name, name))
            v[n++] = r->v[at];
    }
    return n;
}

static size_t n_names(const struct question *q)
{
    size_t n = 0;
    for (size_t i = 0; i < q->key.n; i++)
        n += q->key.p[i] == '\0';
    return n;
}

static uint64_t version_of(const struct question *q)
{
    struct xds_resource **v;
    uint64_t version = 0;
    if (q->key.n == 0)
        return q->poller->outlets[q->type].let_out.version;
    v = xcalloc(n_names(q), sizeof(struct xds_resource *));
    size_t n = collect(q, v);
    for (size_t i = 0; i < n; i++)
        version = hash_mix(version, v[i]->version);
    free(v);
    return version;
}

static void give(struct question *q, int64_t now)
{
    const struct xds_response *r = &q->poller->outlets[q->type].let_out;
    struct ads_poll *p = take_waiting(q);
    struct xds_resource **v = r->v;
    size_t n = r->n;
    if (q->key.n > 0) {
        v = xcalloc(n_names(q), sizeof(struct xds_resource *));
        n = collect(q, v);
    }
    p->json = poll_response_json(q->type, q->newest, v, n, &p->json_size);
    if (q->key.n > 0)
        free(v);
    COUNT_ADD(xds_bytes_sent, p->json_size);
    if (q->given != q->newest)
        q->n_vain = 0;
    q->given = q->newest;
    q->has = 0; /* it will say whether it took that over; the next news may be what it had before */
    q->given_at = now;
    timer_set(&q->poller->ads->polls.timers, &q->timer, now + QUESTION_LEASE_NS);
    send_back(p);
}

static bool is_refused(const struct question *q)
{
    return q->given == q->newest && q->n_vain >= VAIN_MAX;
}

/* Answers the poll that waits, if there is something for it. */
static void judge(struct question *q, int64_t now)
{
    int64_t again_at = q->given_at + VAIN_PAUSE_NS, until = q->wait_until;
    if (!q->waiting)
        return;
    if (q->newest != 0 && q->newest != q->has) {
        if (!is_refused(q) || again_at <= now) {
            give(q, now);
            return;
        }
        until = again_at < until ? again_at : until;
    }
    timer_set(&q->poller->ads->polls.timers, &q->timer, until);
}

static void give_nothing(struct question *q, int64_t now)
{
    timer_set(&q->poller->ads->polls.timers, &q->timer, now + QUESTION_LEASE_NS);
    send_back(take_waiting(q));
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
        if (q->newest == 0 || q->has != q->newest)
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
        if (q->newest != 0 && q->has != q->newest)
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
        struct question *q = value;
        q->newest = version_of(q);
        judge(q, now);
    }
}

static void question_free(struct question *q)
{
    struct poller *p = q->poller;
    timer_clear(&p->ads->polls.timers, &q->timer);
    p->n_questions--;
    p->questions_size -= q->key.n;
    free(q);
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
                refuse(take_waiting(q), kind, text);
            question_free(q);
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
    question_free(q);
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
        give_nothing(q, now);
    else
        judge(q, now);
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
    q = xcalloc(1, sizeof(*q) + key.n + 1);
    *q = (struct question){.poller = p, .type = type, .timer.expire = question_is_due};
    if (key.n > 0)
        memcpy(q + 1, key.p, key.n);
    q->key = str_from(q + 1, key.n);
    map_put(questions, q->key, q);
    p->questions_size += key.n;
    if (p->n_questions++ == 0)
        timer_clear(&p->ads->polls.timers, &p->lease);
    if (p->outlets[type].let_out.version != 0)
        q->newest = version_of(q);
    return q;
}

/* What the client says to have tells what became of the last answer. */
static void take_version(struct question *q, const struct discovery_request *r)
{
    q->has = version_parse(r->version_info);
    if (q->given == 0 || q->has == q->given) {
        q->n_vain = 0;
        return;
    }
    q->n_vain = r->has_error ? VAIN_MAX : q->n_vain + 1;
    if (is_refused(q) && q->poller->outlets[q->type].owes_answer)
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
    if (q->waiting) /* its client has given that up, and asks again */
        give_nothing(q, now);
    wait_for(q, poll, now + p->ads->options.poll_limit_ns);
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
    judge(q, now);
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
    struct ads_poll *p = map_find(&h->ads->polls.waiting, id_of(&h->id));
    if (p) {
        struct question *q = p->question;
        send_back(take_waiting(q));
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
