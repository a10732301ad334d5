/* proxy.h -- a simulated proxy: asks for clusters, then for what they name, then for listeners and for what
 * these name, as Envoy does; acknowledges everything and stays connected.
 *
 * The protocols (sotw.c, delta.c, rest.c) write its requests and read its responses; what follows from a
 * response is here and the same for all. */
#ifndef URSA_BENCH_PROXY_H
#define URSA_BENCH_PROXY_H

#include "call.h"
#include "holdings.h"

struct load;
struct proxy;

struct protocol {
    const char *name;
    struct str alpn;
    /* Connects; proxy_opened() or proxy_failed() follows. */
    void (*open)(struct proxy *);
    void (*close)(struct proxy *); /* may be closed already, or never opened */
    /* The first request of a type whose responses carry all there is. */
    void (*subscribe)(struct proxy *, enum xds_type);
    /* Asks for more names and for fewer. */
    void (*change)(struct proxy *, enum xds_type, const struct names *more, const struct names *less);
    /* Answers responses of clusters: Envoy does so only once the clusters have their endpoints. */
    void (*acknowledge_clusters)(struct proxy *);
    /* ---- of those that are a gRPC call, whose 'open' and 'close' are proxy_open_call() and
     * proxy_close_call()
     * ---- */
    const char *path; /* of the method */
    /* The first requests of a connection: of each type that is subscribed, with what is held of it. */
    void (*begin)(struct proxy *);
    /* Reads a response into the holdings and answers it, clusters excepted. */
    void (*take)(struct proxy *, struct str message);
};
extern const struct protocol protocol_sotw, protocol_delta, protocol_rest;

struct subscription {
    bool is_active, is_answered;
    char *version, *nonce; /* of the last response in state of the world; NULL: none */
};

struct proxy {
    struct call call;      /* of a protocol that is one */
    struct list questions; /* of one that polls (rest.c) */
    struct load *load;
    struct str mesh, name, dataplane; /* the Dataplane that it brings; STR_NONE: it is stored */
    struct str token;                 /* STR_NONE: none */
    uint32_t number;
    struct subscription subs[XDS_N];
    struct holdings holdings;
    struct timer retry;            /* of a connection that was lost */
    struct VEC(char *) unanswered; /* nonces of clusters' responses */
    bool is_open, said_node, is_configured;
    bool warms_again; /* a cluster that it held has changed: Envoy asks for its endpoints again */
    int64_t asked_at, configured_at, pushed_at; /* monotonic ns, 0: not yet */
    uint32_t *moves_seen;                       /* of each victim of a churn; NULL: no churn yet */
};

/* For the protocols: the node goes with the first request of a connection. */
void proxy_put_node(struct proxy *, struct buf *request, uint32_t field);
/* A response begins. */
void proxy_receives(struct proxy *);
/* Takes a resource of it, or that there is none of that name. */
void proxy_hold(struct proxy *, struct name *, struct content *);
/* It is taken: asks for what follows from it. */
void proxy_advance(struct proxy *);
void proxy_opened(struct proxy *);
void proxy_failed(struct proxy *, const char *why); /* it is closed */
void proxy_open_call(struct proxy *);
void proxy_close_call(struct proxy *);

#endif
