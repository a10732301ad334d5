/* timers.c -- the heap of deadlines. Each timer knows its place, so that it can be moved or taken out. */
#include "ursa/base/timers.h"

#include <assert.h>

static bool earlier(const struct timer *a, const struct timer *b)
{
    return a->at < b->at;
}

static void place(struct timers *h, size_t i, struct timer *t)
{
    h->v[i] = t;
    t->slot = i + 1;
}

static void sift_up(struct timers *h, size_t i)
{
    struct timer *t = h->v[i];

    for (size_t up; i > 0 && earlier(t, h->v[up = (i - 1) / 2]); i = up)
        place(h, i, h->v[up]);
    place(h, i, t);
}

static void sift_down(struct timers *h, size_t i)
{
    struct timer *t = h->v[i];

    for (size_t down; (down = 2 * i + 1) < h->n; i = down) {
        if (down + 1 < h->n && earlier(h->v[down + 1], h->v[down]))
            down++;
        if (!earlier(h->v[down], t))
            break;
        place(h, i, h->v[down]);
    }
    place(h, i, t);
}

void timers_fini(struct timers *h)
{
    assert(h->n == 0);
    VEC_FINI(h);
}

void timer_set(struct timers *h, struct timer *t, int64_t at)
{
    if (t->slot == 0) {
        VEC_PUSH(h, t);
        t->slot = h->n;
    }
    t->at = at;
    sift_up(h, t->slot - 1);
    sift_down(h, t->slot - 1);
}

void timer_clear(struct timers *h, struct timer *t)
{
    if (t->slot == 0)
        return;
    size_t i = t->slot - 1;
    struct timer *last = h->v[--h->n];

    t->slot = 0;
    if (last == t)
        return;
    place(h, i, last);
    sift_up(h, i);
    sift_down(h, last->slot - 1);
}

int64_t timers_next(const struct timers *h)
{
    return h->n > 0 ? h->v[0]->at : INT64_MAX;
}

void timers_run(struct timers *h, int64_t now)
{
    while (timers_next(h) <= now) {
        struct timer *t = h->v[0];

        timer_clear(h, t);
        t->expire(t, now);
    }
}
