/* xds/health.h -- what Envoy says on a health stream (envoy.service.health.v3), and what that makes of the
 * inbounds of its Dataplane. Pure. */
#ifndef URSA_XDS_HEALTH_H
#define URSA_XDS_HEALTH_H

#include "ursa/xds.h"

#define HEALTH_CHECKS_MAX 1000 /* in one report; more are a fault */

/* How the endpoints of each check are, by the check's name. */
struct health_report {
    size_t n;
    struct checked {
        struct str name;
        bool is_healthy;
    } * v; /* in the arena */
};

/* HealthCheckRequestOrEndpointHealthResponse: one of both. */
struct health_message {
    bool is_request;
    struct discovery_node node; /* a request's; fini */
    struct health_report report;
};
/* ERR_MALFORMED, ERR_LIMIT. Texts point into 'wire'. */
MUST_USE enum err_kind health_message_decode(struct str wire, struct arena *, struct health_message *,
                                             struct err *e);
void health_message_fini(struct health_message *);
/* The same in the arena. */
struct health_report health_report_copy(const struct health_report *, struct arena *);

/* The health that the report tells of the Dataplane (dataplane_with_health): an inbound is ready when its own
 * check is fine and Envoy is; one that is probed and of which the report says nothing stays as it was told
 * before. */
struct str health_told(const struct health_report *, const struct resource *dataplane, struct arena *);

#endif
