/* xds/sotw.h -- one stream in the state-of-the-world protocol: its subscriptions, the newest configuration,
 * and what to send next.
 *
 * Pure: requests go in, responses come out; owned by one stream, one thread. sotw.c reads requests, push.c
 * decides the order of what is sent. */
#ifndef URSA_XDS_SOTW_H
#define URSA_XDS_SOTW_H

#include "ursa/base/vec.h"

#include "subscription.h"

struct sotw {
    struct subscription subs[XDS_N];
    struct config_set *config;  /* the newest; NULL before the first */
    struct config_set *offered; /* whose clusters were sent last on this stream; NULL: none were */
    struct cluster_vec
    VEC(struct xds_resource *) retired; /* clusters that the client has and 'config' has not; referenced */
    struct cluster_vec clusters; /* those of 'config' and the retired, by name; borrowed; only while there are
                                    retired ones */
    bool retiring;               /* the retired clusters are still part of what it should have */
    bool waits; /* what is due was held back for the answer to new clusters, when sotw_due last looked */
    uint64_t growing;    /* nonce of a CDS response that added clusters and is not answered yet; 0: none */
    bool endpoints_owed; /* clusters were sent before the endpoints were asked for */
    char *nack;          /* "lds: text" of the last refusal; NULL: none */
};

void sotw_init(struct sotw *);
void sotw_fini(struct sotw *);
enum request_sense sotw_request(struct sotw *, const struct discovery_request *);
/* The newest configuration replaces any that was not sent yet (takes a reference). */
void sotw_set_config(struct sotw *, struct config_set *);
/* What comes next in make-before-break order; XDS_N: nothing now. */
enum xds_type sotw_due(struct sotw *);
/* The client has not answered in time: what waits for its answer does not any more. */
void sotw_stop_waiting(struct sotw *);
/* Has the client taken over the listeners of the newest configuration, and the secrets without which they do
 * not serve? */
bool sotw_is_serving(struct sotw *);
/* The response of that type, which is due. */
void sotw_send(struct sotw *, enum xds_type, struct xds_response *out);

#endif
