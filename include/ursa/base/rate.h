/* ursa/base/rate.h -- how often a peer may do what costs it nothing: a bucket that 'burst' events empty and
 * that refills steadily. */
#ifndef URSA_BASE_RATE_H
#define URSA_BASE_RATE_H

#include "ursa/base/defs.h"

struct rate_limit {
    uint32_t burst;    /* so many at once; 0: no limit */
    uint32_t a_second; /* so many in the long run */
};

/* '*full_at' is the bucket: the time at which it will be full again, 0 at first. False when it is empty; that
 * event does not count. */
MUST_USE bool rate_admit(int64_t *full_at, const struct rate_limit *, int64_t now_ns);

#endif
