/* ursa/base/timers.h -- deadlines of one loop, earliest first: a binary heap of timers that their owners
 * embed.
 *
 * Setting and clearing cost O(log n); a clock is handed in, never read. */
#ifndef URSA_BASE_TIMERS_H
#define URSA_BASE_TIMERS_H

#include "ursa/base/vec.h"

struct timer {
    int64_t at;  /* monotonic ns */
    size_t slot; /* place in the heap plus one; 0: not set */
    void (*expire)(struct timer *, int64_t now);
};

struct timers VEC(struct timer *);

void timers_fini(struct timers *);                           /* none may be set */
void timer_set(struct timers *, struct timer *, int64_t at); /* moves it when it is set already */
void timer_clear(struct timers *, struct timer *);           /* may be clear already */
int64_t timers_next(const struct timers *);                  /* INT64_MAX when there is none */
/* Clears and calls each timer that is due; 'expire' may set and clear any timer. */
void timers_run(struct timers *, int64_t now);

#endif
