/* absent.h -- which proxies of a mesh are there, and which may come back: private to src/rollout/.
 *
 * An Envoy that lost its stream goes on with what it was told, and comes back. Until then it must be able to
 * talk to the others; so for a while it is waited for. */
#ifndef ROLLOUT_ABSENT_H
#define ROLLOUT_ABSENT_H

#include "ursa/base/map.h"
#include "ursa/insight.h"

/* How long a proxy is waited for that was online a moment ago. Envoys try again after half a minute at most.
 */
#define ABSENCE_NS (60 * NS_PER_S)

/* The proxies of a mesh as their insights tell. */
struct presence {
    struct arena arena;
    struct map online; /* name to the id of its newest subscription */
    struct map absent; /* names that are waited for */
    int64_t until_ns;  /* wall clock: when nobody is waited for any more; 0: nobody is now */
};
struct presence_options {
    struct str instance_id; /* streams of other instances have ended ... */
    int64_t started_ns;     /* ... when this one started, wall clock */
};
void presence_look(struct presence *, const struct presence_options *, const struct snap *, struct str mesh,
                   int64_t now_ns);
void presence_fini(struct presence *);
/* Of those who were online then each still is, on the same stream, or its Dataplane is gone. */
bool presence_held(const struct presence *then, const struct presence_options *, const struct snap *,
                   struct str mesh);

#endif
