/* expiry.h -- findings about certificates that end; private to doctor/. */
#ifndef URSA_DOCTOR_EXPIRY_H
#define URSA_DOCTOR_EXPIRY_H

#include "exam.h"

/* A finding that it ends soon, or has ended; NULL when there is nothing to say. */
struct finding *expiry_add(struct exam *, enum finding_id expires, enum finding_id expired, struct str mesh,
                           int64_t expires_ns);
/* "expires at 2027-..., in 12 days", "expired at 2027-..." */
struct str expiry_text(const struct exam *, int64_t expires_ns);

#endif
