/* audit.h -- the audit log: one line for each attempt to change something, allowed or refused.
 *
 * Never in it: tokens, keys, bodies. Answers of 400 and above are limited, by source and in all, so that
 * nobody can flood the log and push out what matters; what was left out is counted in the next line. */
#ifndef URSA_API_AUDIT_H
#define URSA_API_AUDIT_H

#include "request.h"
#include "ursa/base/rate.h"

#define AUDIT_SOURCES 256

/* The API thread's. */
struct audit_limits {
    int64_t all_full_at, full_at[AUDIT_SOURCES]; /* buckets of refusals: in all, and by who asks */
    uint64_t n_left_out;
};

/* Once a request, when its answer is set: writes its line if it meant to change something. */
void audit_request(struct request *);

/* ---- what handlers know beside the target; each makes the member 'key' of the line ---- */
/* Takes over the value. */
void audit_note(struct request *, const char *key, json_t *take);

#endif
