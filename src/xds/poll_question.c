/* xds/poll_question.c -- the polls of one question, one after the other. */
#include "poll_question.h"

#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"

#define LEASE_NS (15 * NS_PER_S)      /* between two polls; Envoy takes 50 ms */
#define VAIN_MAX 3                    /* answers that may have been lost */
#define VAIN_PAUSE_NS (10 * NS_PER_S) /* then it is likely that the client refuses them */

/* ---- the poll that waits ---- */

struct ads_poll *question_take_poll(struct question *q)
{
    struct ads_poll *p = q->waiting;
    (void)map_del(&q->polls->waiting, poll_id(&p->id));
    q->waiting = NULL;
    p->question = NULL;
    return p;
}

void question_send_back(struct question *q, int64_t now)
{
    struct ads_poll *p = question_take_poll(q);
    timer_set(&q->polls->timers, &q->timer, now + LEASE_NS);
    mailbox_send(p->box, &p->mail);
}

void question_wait(struct question *q, struct ads_poll *p, int64_t now, int64_t until)
{
    if (q->waiting)
        question_send_back(q, now);
    q->waiting = p;
    q->wait_until = until;
    p->question = q;
    map_put(&q->polls->waiting, poll_id(&p->id), p);
}

/* ---- what there is for it ---- */

/* What was let out under those names, in the order of names. */
static size_t collect(const struct question *q, struct xds_resource **v)
{
    const struct xds_response *r = q->let_out;
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
        return q->let_out->version;
    v = xcalloc(n_names(q), sizeof(struct xds_resource *));
    size_t n = collect(q, v);
    for (size_t i = 0; i < n; i++)
        version = hash_mix(version, v[i]->version);
    free(v);
    return version;
}

/* ---- what became of the answers ---- */

bool question_is_refused(const struct question *q)
{
    return q->given == q->newest && q->n_vain >= VAIN_MAX;
}

bool question_is_behind(const struct question *q)
{
    return q->newest != 0 && q->has != q->newest;
}

void question_take_version(struct question *q, const struct discovery_request *r)
{
    q->has = version_parse(r->version_info);
    if (q->given == 0 || q->has == q->given)
        q->n_vain = 0;
    else
        q->n_vain = r->has_error ? VAIN_MAX : q->n_vain + 1;
}

/* ---- answers ---- */

static void give(struct question *q, int64_t now)
{
    struct ads_poll *p = q->waiting;
    struct xds_resource **v = q->let_out->v;
    size_t n = q->let_out->n;
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
    question_send_back(q, now);
}

void question_judge(struct question *q, int64_t now)
{
    int64_t again_at = q->given_at + VAIN_PAUSE_NS, until = q->wait_until;
    if (!q->waiting)
        return;
    if (question_is_behind(q)) {
        if (!question_is_refused(q) || again_at <= now) {
            give(q, now);
            return;
        }
        until = again_at < until ? again_at : until;
    }
    timer_set(&q->polls->timers, &q->timer, until);
}

void question_take_news(struct question *q, int64_t now)
{
    q->newest = version_of(q);
    question_judge(q, now);
}

/* ---- life ---- */

struct question *question_new(struct polls *polls, enum xds_type type, struct str key,
                              const struct xds_response *let_out, void (*expire)(struct timer *, int64_t now))
{
    struct question *q = xcalloc(1, sizeof(*q) + key.n + 1);
    *q = (struct question){.polls = polls, .type = type, .let_out = let_out, .timer.expire = expire};
    if (key.n > 0)
        memcpy(q + 1, key.p, key.n);
    q->key = str_from(q + 1, key.n);
    if (let_out->version != 0)
        q->newest = version_of(q);
    return q;
}

void question_free(struct question *q)
{
    timer_clear(&q->polls->timers, &q->timer);
    free(q);
}
