/* history.h -- one job's view of history: private to src/store/. */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "backend.h"

struct history {
    struct backend *backend;
    struct snap *snap;       /* the newest published when the job began */
    bool begun;              /* the back end has: at the first question */
    uint64_t newest, pruned; /* of the back end's moment, which is the snapshot's or later */
};

void history_init(struct history *, struct backend *, struct snap *take);
void history_fini(struct history *);

/* Status that comes and goes with its proxy makes no history: see ursa/store.h. */
bool makes_history(const struct res_key *, enum res_origin);
bool history_is_in_scope(const struct history_scope *, const struct res_key *);

#endif
