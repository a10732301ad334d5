/* rate.c -- the bucket as a single time stamp: each event moves the time of being full by the time it takes
 * to refill one. */
#include "ursa/base/rate.h"

#include "ursa/base/clock.h"

bool rate_admit(int64_t *full_at, const struct rate_limit *limit, int64_t now)
{
    if (limit->burst == 0)
        return true;
    int64_t refill = NS_PER_S / limit->a_second;
    int64_t next = (*full_at > now ? *full_at : now) + refill;

    if (next - now > refill * limit->burst)
        return false;
    *full_at = next;
    return true;
}
