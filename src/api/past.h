/* past.h -- questions about the past: asked on the store's reader thread, answered by the API's. */
#ifndef URSA_API_PAST_H
#define URSA_API_PAST_H

#include "request.h"

/* The request waits, the loop does not. 'ask' runs on the reader's thread, to which the request belongs
 * meanwhile; it may answer. If it has not, 'then' runs on this thread. */
void request_read(struct request *, void (*ask)(struct request *, struct history *),
                  void (*then)(struct request *));
/* A query value that is a revision; false after answering the fault. Without one *found is false. */
MUST_USE bool past_revision(struct request *, const char *key, bool *found, uint64_t *revision);
/* Answers what the store said was wrong, with its own words. */
void past_fault(struct request *);

/* Runs 'show' with request->snap, of which it shows request->type, mesh and name only: as they are, or, with
 * ?revision=n, as they were then. */
void past_show(struct request *, void (*show)(struct request *));

/* What the caller may see of the past: what they may see of the present. 'ctx' is the request. */
bool past_sees(const void *ctx, const struct res_key *);
/* Whether that is everything, so that no key need be asked about. */
bool past_is_open(const struct request *);

#endif
