/* spread.h -- a histogram of durations whose buckets widen with the value: percentiles within 3 %, of any
 * number of them, in 8 KB. */
#ifndef URSA_BENCH_SPREAD_H
#define URSA_BENCH_SPREAD_H

#include <stdint.h>

#define SPREAD_BUCKETS 1024 /* 32 for each power of two: up to an hour in microseconds and far beyond */

struct spread {
    uint64_t n, buckets[SPREAD_BUCKETS];
    int64_t longest; /* ns */
};

void spread_add(struct spread *, int64_t ns);
/* Milliseconds; 0 when it is empty. */
double spread_percentile(const struct spread *, double percent);

#endif
