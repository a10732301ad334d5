/* spread.c -- the first 64 buckets are a microsecond wide, then each 32 are twice as wide as those before. */
#include "spread.h"

static unsigned bucket_of(uint64_t us)
{
    if (us < 64)
        return (unsigned)us;
    unsigned shift = 58u - (unsigned)__builtin_clzll(us); /* leaves 32 to 63 */

    return (shift << 5) + (unsigned)(us >> shift);
}

static uint64_t lowest_of(unsigned bucket)
{
    if (bucket < 64)
        return bucket;
    unsigned shift = (bucket >> 5) - 1;

    return (uint64_t)(bucket - (shift << 5)) << shift;
}

void spread_add(struct spread *s, int64_t ns)
{
    unsigned bucket = bucket_of(ns > 0 ? (uint64_t)ns / 1000 : 0);

    s->n++;
    s->buckets[bucket < SPREAD_BUCKETS ? bucket : SPREAD_BUCKETS - 1]++;
    s->longest = ns > s->longest ? ns : s->longest;
}

double spread_percentile(const struct spread *s, double percent)
{
    uint64_t before = 0, rank = (uint64_t)((double)s->n * percent / 100);

    for (unsigned i = 0; i < SPREAD_BUCKETS; i++) {
        before += s->buckets[i];
        if (before > rank)
            return (double)lowest_of(i) / 1000;
    }
    return (double)s->longest / 1e6;
}
