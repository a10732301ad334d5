/* ursa/rollout.h -- leads meshes that are on their way to another posture (ursa/posture.h) on, step by step.
 *
 * A step is taken when every proxy has taken over the last one, and nobody is away who may come back with an
 * older one. A thread of its own, which waits for answers, news and deadlines; where meshes are is in the
 * store, so that another instance goes on where this one ended. */
#ifndef URSA_ROLLOUT_H
#define URSA_ROLLOUT_H

#include "ursa/insight.h"

struct rollout;
struct rollout_options {
    struct store *store;
    struct events *events;  /* told of each step; NULL: nobody is */
    struct str instance_id; /* as in insight_options; must outlive it */
};
/* Subscribes to the store's feed: before the writer starts. */
struct rollout *rollout_new(const struct rollout_options *);
/* From now on, until rollout_stop(): the writer and the loops run. */
MUST_USE enum err_kind rollout_start(struct rollout *, struct admit *, struct ads_group *, struct err *e);
void rollout_stop(struct rollout *); /* joins; does nothing when it was not started, or is NULL */
void rollout_free(struct rollout *); /* stopped, and the writer has ended; NULL is ignored */

#endif
