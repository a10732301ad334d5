/* renewals.h -- builtin CAs that renew themselves: private to src/rollout/.
 *
 * The enabled backend's root is followed by another after four fifths of its life, in the way that every
 * change of a CA goes: the mesh is led there. Belongs to the rollout thread. */
#ifndef ROLLOUT_RENEWALS_H
#define ROLLOUT_RENEWALS_H

#include "ursa/admit.h"
#include "ursa/base/map.h"
#include "ursa/base/timers.h"

struct renewals {
    struct store *store;
    struct admit *admit;
    struct mailbox *box;   /* of the thread */
    struct timers *timers; /* run by it */
    struct map meshes;     /* those with a builtin CA that is enabled */
    size_t n_away;         /* requests that the writer has: the thread must not end before they are back */
    bool stopping;
};
void renewals_init(struct renewals *, struct store *, struct mailbox *, struct timers *);
/* All meshes that there are; the writer runs from now on. */
void renewals_start(struct renewals *, struct admit *);
/* May the change be about when a root is to be renewed? Any thread. */
bool renewals_concern(const struct change *);
void renewals_note(struct renewals *, const struct change *);
void renewals_fini(struct renewals *);

#endif
