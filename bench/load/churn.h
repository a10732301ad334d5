/* churn.h -- changes at a constant rate through the REST API, and how long each takes to every proxy.
 *
 * The victims of the churn are stored Dataplanes that no proxy stands for, "victim-K" of the mesh, a
 * service's endpoint each. A change moves one to its next port. When endpoints reach a proxy, the port says
 * which changes it has now seen: all that are newly seen count, so that nothing is lost where several were
 * sent as one. */
#ifndef URSA_BENCH_CHURN_H
#define URSA_BENCH_CHURN_H

#include "catalog.h"

struct load;
struct proxy;

struct churn_plan {
    uint64_t rate, seconds;
    uint64_t n_victims, n_services; /* victim K offers svc-(K mod n_services) */
    struct str mesh, protocol;
};
/* Begins at once; prints "churned" when the time is over, all is answered and nothing more is received. */
void churn_start(struct load *, const struct churn_plan *);
/* A proxy received endpoints among which are victims. */
void churn_take(struct load *, struct proxy *, const struct content *);

#endif
