/* proxy.h -- a simulated proxy: asks for clusters, then for what they name, then for listeners and for what
 * these name, as Envoy does; acknowledges everything and stays connected.
 *
 * The two protocols (sotw.c, delta.c) write its requests and read its responses; what follows from a
 * response is here and the same for both. */
#ifndef URSA_BENCH_PROXY_H
#define URSA_BENCH_PROXY_H

#include "conn.h"
#include "holdings.h"

struct load;
struct proxy;

struct protocol {
    const char *name, *path; /* of the gRPC method */
    /* The first requests of a connection: of each type that is subscribed, with what is held of it. */
    void (*begin)(struct proxy *);
    /* The first request of a type whose responses carry all there is. */
    void (*subscribe)(struct proxy *, enum xds_type);
    /* Asks for more names and for fewer. */
    void (*change)(struct proxy *, enum xds_type, const struct names *more, const struct names *less);
    /* Reads a response into the holdings and answers it, clusters excepted. */
    void (*take)(struct proxy *, struct str message);
    /* Answers responses of clusters: Envoy does so only once the clusters have their endpoints. */
    void (*acknowledge_clusters)(struct proxy *);
};
extern const struct protocol protocol_sotw, protocol_delta;

struct subscription {
    bool is_active, is_answered;
    char *version, *nonce; /* of the last response in state of the world; NULL: none */
};

struct proxy {
    struct conn conn;
    struct load *load;
    struct str mesh, name, dataplane; /* the Dataplane that it brings; STR_NONE: it is stored */
    uint32_t number;
    struct subscription subs[XDS_N];
    struct holdings holdings;
    struct timer retry;            /* of a connection that was lost */
    struct VEC(char *) unanswered; /* nonces of clusters' responses */
    bool said_node, is_configured;
    bool warms_again; /* a cluster that it held has changed: Envoy asks for its endpoints again */
    int64_t asked_at, configured_at, pushed_at; /* monotonic ns, 0: not yet */
    uint32_t *moves_seen;                       /* of each victim of a churn; NULL: no churn yet */
};

extern const struct conn_events proxy_events;

/* For the protocols: the node goes with the first request of a connection. */
void proxy_put_node(struct proxy *, struct buf *request, uint32_t field);
/* Takes a resource, or that there is none of that name. */
void proxy_hold(struct proxy *, struct name *, struct content *);

#endif
