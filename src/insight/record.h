/* insight/record.h -- what is known of one proxy's connections: the DataplaneInsight under construction.
 *
 * Plain data, one thread. While a proxy has streams its record is the truth and the stored resource its copy;
 * a record begins with what is stored. */
#ifndef URSA_INSIGHT_RECORD_H
#define URSA_INSIGHT_RECORD_H

#include "ursa/base/list.h"
#include "ursa/insight.h"

/* Finished subscriptions that are kept (metrics.dataplane.subscriptionLimit of the reference). */
#define FINISHED_MAX 2
/* Subscriptions written out: a proxy that opens streams without end must not make its record grow. */
#define WRITTEN_MAX 10

struct record;
struct connection { /* one subscription */
    struct list node;
    struct record *record;
    struct arena arena; /* holds the texts of 'v' */
    struct dp_subscription v;
    struct subscription_status status; /* of 'v' */
    uint64_t rejected[XDS_N];          /* refusals that were told */
    bool live;
};
struct record {
    struct list connections; /* the oldest first */
    size_t n_live;
    struct arena backend_arena; /* holds the texts of 'mtls' */
    struct dp_mtls_insight mtls;
    bool has_certificate;
    uint64_t
        certificate; /* version of the certificate that 'mtls' speaks of; 0: one of an earlier instance */
};

void record_init(struct record *);
void record_fini(struct record *);
/* Takes over what is stored; connections that are open there belong to an instance that is gone and end
 * 'now'. True when there were such. */
bool record_load(struct record *, const struct dataplane_insight_spec *, int64_t now_ns);
struct connection *record_connect(struct record *, const struct xds_status *, struct str instance_id);
void record_disconnect(struct connection *, int64_t now_ns);
/* True when a counter moved. */
bool record_count(struct connection *, const struct xds_counters counters[XDS_N], int64_t now_ns);
/* What the configuration says of the proxy's certificate; true when that changed. 'supported' are the mesh's
 * backends. */
bool record_certificate(struct record *, const struct config_set *, const struct str_list *supported);
/* A new resource for the store. */
struct resource *record_to_resource(const struct record *, struct str mesh, struct str name);

#endif
