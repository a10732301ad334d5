/* insight/online.h -- the status of a proxy as the reference derives it: shared by the overviews and the
 * sums. Pure. */
#ifndef URSA_INSIGHT_ONLINE_H
#define URSA_INSIGHT_ONLINE_H

#include "ursa/insight.h"

enum proxy_status { PROXY_OFFLINE, PROXY_DEGRADED, PROXY_ONLINE };

/* What is stored of the proxy; NULL when it was never connected. Borrowed from the snapshot. */
const struct dataplane_insight_spec *online_find(const struct snap *, const struct resource *dataplane);
enum proxy_status online_status(const struct resource *dataplane, const struct dataplane_insight_spec *);
/* The newest subscription's version, or NULL. */
const struct proxy_version *online_version(const struct dataplane_insight_spec *);

/* How many proxies, by status; printed as an object without its zeros. */
struct proxy_stat {
    size_t total, online, offline, degraded;
};
void proxy_stat_add(struct proxy_stat *, enum proxy_status);
json_t *proxy_stat_json(const struct proxy_stat *);
/* Sets key to n unless n is 0. */
void put_count(json_t *o, const char *key, size_t n);

/* The meta part of a computed object: as old as its mesh, as new as its newest input. */
json_t *derived_meta_json(enum res_type, struct str name, const struct resource *mesh, int64_t modified_ns);
/* The newest modification of a mesh's resources of a type, or 'least'. */
int64_t newest_of(const struct snap *, enum res_type, struct str mesh, int64_t least);

#endif
