/* ursa/base/count.h -- cheap named counters and gauges that /metrics reads without more code.
 *
 *     COUNT(xds_nack);  COUNT_ADD(xds_bytes_sent, n);  GAUGE_ADD(xds_streams_active, -1);
 *
 * A name may be used at several sites; the reader adds them up. Any thread. */
#ifndef URSA_BASE_COUNT_H
#define URSA_BASE_COUNT_H

#include <stdatomic.h>

#include "ursa/base/defs.h"

struct counter {
    const char *name;
    bool gauge;
    atomic_int_fast64_t value;
};

#define COUNTER_SITE_(n, is_gauge, by)                                                                       \
    do {                                                                                                     \
        static struct counter counter_ = {.name = #n, .gauge = (is_gauge)};                                  \
        static struct counter *const counter_ptr_ __attribute__((used, section("ursa_counters"))) =          \
            &counter_;                                                                                       \
        (void)counter_ptr_;                                                                                  \
        atomic_fetch_add_explicit(&counter_.value, (by), memory_order_relaxed);                              \
    } while (0)
#define COUNT(n) COUNTER_SITE_(n, false, 1)
#define COUNT_ADD(n, by) COUNTER_SITE_(n, false, by)
#define GAUGE_ADD(n, by) COUNTER_SITE_(n, true, by)

/* Calls 'each' once a name, sorted by name, with the sum over all sites. */
void count_walk(void (*each)(void *ctx, const char *name, bool gauge, int64_t value), void *ctx);
int64_t count_get(const char *name); /* 0 when unknown */

#endif
