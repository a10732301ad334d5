/* ursa/insight.h -- what is going on: proxies' status as DataplaneInsights, and the overviews computed from a
 * snapshot. */
#ifndef URSA_INSIGHT_H
#define URSA_INSIGHT_H

#include "ursa/events.h"
#include "ursa/xds.h"

struct insight;
struct insight_options {
    struct admit *admit;
    struct store *store;
    struct events *events; /* told what happens to proxies; NULL: nobody is */
    struct str instance_id;
    int64_t flush_ns; /* counters are written at most this often; connects, disconnects and certificates at
                         once, but for those of a proxy that has many of them */
};
struct insight *insight_new(const struct insight_options *);
void insight_free(struct insight *);
/* The ads_options.observe function; ctx is the struct insight. */
void insight_observe(void *ctx, enum xds_event, const struct xds_status *);
/* Timers, run by the same loop as the streams. Of a crowd only some at a time: then the deadline stays in the
 * past. */
int64_t insight_deadline(const struct insight *);
void insight_run_timers(struct insight *, int64_t now_ns);

/* ---- read side: pure functions of a snapshot, any thread; the caller owns the JSON ---- */
/* Appends the overview of one Dataplane, Zone, ZoneIngress or ZoneEgress, as resource_print() does. 'always'
 * prints its insight as {} when there is none (item, not list). */
void overview_print(const struct snap *, const struct resource *, bool always, size_t level, struct buf *out);
/* Some control plane of that zone is connected. */
bool zone_is_online(const struct snap *, const struct resource *zone);
bool dataplane_is_online(const struct snap *, const struct resource *dataplane);
json_t *insight_mesh(const struct snap *, const struct resource *mesh);
/* One entry of the expanded service insights; 'service' sorted list of a mesh. */
struct str *insight_service_names(const struct snap *, struct str mesh, struct arena *, size_t *n);
json_t *insight_service(const struct snap *, struct str mesh, struct str service);
/* What there is of the global types; 'count' says how many of one the reader may know of. */
json_t *insight_global(size_t (*count)(void *ctx, enum res_type), void *ctx);

#endif
