/* xds/poll.h -- clients that poll (decision 20). Private to xds/.
 *
 * A proxy that polls is a stream like any other, of the state of the world; its client is the poller, which
 * subscribes to all there is of each type that is asked for, keeps what the stream has let out, and answers
 * polls from that. It accepts a response of the stream when all that ask for something of that type have come
 * back with it. So what comes after what, who is who and what is shown are the streams' and nothing of it is
 * here.
 *
 * Envoy's polls say what they have, not what they were given and refused. Who comes back without what it was
 * given is given it again a few times, since the answer may have been lost, then now and then. */
#ifndef URSA_XDS_POLL_H
#define URSA_XDS_POLL_H

#include "subscription.h"
#include "ursa/base/map.h"
#include "ursa/base/timers.h"

/* Of one loop. */
struct polls {
    struct map pollers; /* struct poller, by its key: that live */
    struct map waiting; /* struct ads_poll, by the bytes of its id */
    size_t n_pollers;   /* that exist */
    struct timers timers;
    bool stopped; /* nobody may poll any more */
};
void polls_init(struct polls *);
void polls_fini(struct polls *); /* idle */
bool polls_are_idle(const struct polls *);
/* Answers all polls, ends all pollers, and refuses who comes from now on. */
void polls_stop(struct ads *);

/* poll_json.c: a DiscoveryResponse with these resources as protobuf's JSON, where all further discovery goes
 * by polling too. '*size' bytes, to be freed with free_wiped(). */
char *poll_response_json(enum xds_type, uint64_t version, struct xds_resource *const *, size_t n,
                         size_t *size);
/* Replaces every source of configuration that is "the same stream" by polling. */
void poll_replace_sources(json_t *tree);

#endif
