/* xds/register.h -- Dataplanes that proxies bring (rest-api.md 10.6): stored when a proxy connects, removed
 * some time after its last stream closed.
 *
 * The store's origin flag says whose a Dataplane is, so nothing is remembered here but how many streams each
 * proxy has and when its time is up. One made through the API keeps that origin when its proxy brings a newer
 * text, and is never removed. Removal does not happen at a shutdown; what a restart finds without a proxy
 * gets a longer grace.
 *
 * One registry serves all loops, since a proxy's streams may be on several: behind a lock that is never held
 * across a call of another room. Each loop has a desk at it, which waits for the writer's answers to what the
 * loop asked for; a desk belongs to its loop's thread. */
#ifndef URSA_XDS_REGISTER_H
#define URSA_XDS_REGISTER_H

#include "ursa/base/list.h"
#include "ursa/base/lock.h"
#include "ursa/base/map.h"

#include "node.h"

struct registry {
    const struct ads_options *options;
    struct lock lock;   /* protects 'proxies', all that is in it, and the desks' 'expiring' */
    struct map proxies; /* "mesh.name" to struct registered */
};
struct desk {
    struct registry *registry;
    struct mailbox *mailbox; /* of the loop */
    struct list expiring;    /* proxies whose last stream this loop had, the earliest first */
    size_t n_under_way;      /* requests that the writer has not answered */
};
struct registered;   /* a proxy that has streams or waits for its removal */
struct registration; /* one request to store a Dataplane */

void registry_init(struct registry *, const struct ads_options *);
void registry_fini(struct registry *); /* the desks are gone */
void desk_init(struct desk *, struct registry *, struct mailbox *);
void desk_fini(struct desk *); /* nothing may be under way, and no other desk at work */
/* Starts the clock of every stored Dataplane of a proxy. */
void desk_await_stored(struct desk *);
int64_t desk_deadline(const struct desk *);
void desk_run_timers(struct desk *, int64_t now_ns);

/* A stream of this proxy begins or ends; NULL when it has too many. */
struct registered *registry_hold(struct registry *, const struct proxy_node *);
void registry_release(struct desk *, struct registered *);
/* The stream that 'place' is part of is served now, or not any more: of those that are, the last speaks for
 * the proxy. True when others are served, too. */
bool registered_live(struct registry *, struct registered *, struct list *place);
void registered_leave(struct registry *, struct list *place);
bool registered_is_last(struct registry *, struct registered *, const struct list *place);

/* Bytes that subscribed names may cost, on one stream and on all of a proxy's: an Envoy with 10,000 services
 * needs 3 MiB. */
#define STREAM_NAMES_MAX ((size_t)8 << 20)
#define PROXY_NAMES_MAX ((size_t)64 << 20)
/* What a stream's names cost has changed; 0 before it ends. False when they have grown, and are too many. */
bool registered_name(struct registry *, struct registered *, size_t before, size_t after);

/* Stores the Dataplane (takes a reference) of a proxy that the caller holds, provided that what the caller
 * found stored, if anything, is still that: else ERR_STALE. 'done' runs later on the loop's thread, unless
 * cancelled before. */
struct registration *desk_submit(struct desk *, struct registered *, struct resource *dataplane,
                                 const struct resource *stored,
                                 void (*done)(void *ctx, enum err_kind, struct str text), void *ctx);
void registration_cancel(struct registration *); /* the answer is of no interest any more; NULL is ignored */

#endif
