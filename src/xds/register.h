/* xds/register.h -- Dataplanes that proxies bring (rest-api.md 10.6): stored when a proxy connects, removed
 * some time after its last stream closed.
 *
 * The store's origin flag says whose a Dataplane is, so nothing is remembered here but how many streams each
 * proxy has and when its time is up. One made through the API keeps that origin when its proxy brings a newer
 * text, and is never removed. Removal does not happen at a shutdown; what a restart finds without a proxy
 * gets a longer grace. Used on the loop's thread only. */
#ifndef URSA_XDS_REGISTER_H
#define URSA_XDS_REGISTER_H

#include "ursa/base/list.h"
#include "ursa/base/map.h"

#include "node.h"

struct registry {
    const struct ads_options *options;
    struct map proxies;   /* "mesh.name" to struct registered */
    struct list expiring; /* of those without a stream, the earliest first */
    size_t n_under_way;   /* requests that the writer has not answered */
};
struct registered;   /* a proxy that has streams or waits for its removal */
struct registration; /* one request to store a Dataplane */

void registry_init(struct registry *,
                   const struct ads_options *); /* starts the clock of every stored Dataplane of a proxy */
void registry_fini(struct registry *);          /* nothing may be under way */
int64_t registry_deadline(const struct registry *);
void registry_run_timers(struct registry *, int64_t now_ns);

/* A stream of this proxy begins or ends; NULL when it has too many. */
struct registered *registry_hold(struct registry *, const struct proxy_node *);
void registry_release(struct registry *, struct registered *);
size_t registered_streams(const struct registered *); /* that it has now */

/* Bytes that subscribed names may cost, on one stream and on all of a proxy's: an Envoy with 10,000 services
 * needs 3 MiB. */
#define STREAM_NAMES_MAX ((size_t)8 << 20)
#define PROXY_NAMES_MAX ((size_t)64 << 20)
/* What a stream's names cost has changed; 0 before it ends. False when they have grown, and are too many. */
bool registered_name(struct registered *, size_t before, size_t after);

/* Stores the Dataplane (takes a reference) of a proxy that the caller holds, provided that what the caller
 * found stored, if anything, is still that: else ERR_STALE. 'done' runs later on the loop's thread, unless
 * cancelled before. */
struct registration *registry_submit(struct registry *, struct registered *, struct resource *dataplane,
                                     const struct resource *stored,
                                     void (*done)(void *ctx, enum err_kind, struct str text), void *ctx);
void registration_cancel(struct registration *); /* the answer is of no interest any more; NULL is ignored */

#endif
