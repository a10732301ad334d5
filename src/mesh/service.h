/* A service with all that offers it; private to mesh/. */
#ifndef URSA_MESH_SERVICE_H
#define URSA_MESH_SERVICE_H

#include "ursa/base/vec.h"
#include "ursa/mesh.h"

/* One inbound with the service's tag, healthy or not. */
struct offer {
    struct resource *dataplane; /* a reference, in a service */
    const struct dp_inbound *inbound;
};
struct offers VEC(struct offer);

/* Sorts and references the offers; refs == 1. */
struct service *service_new(struct str name, struct offer *, size_t n);
const struct offer *service_offers(const struct service *, size_t *n);
extern const struct ptree_ops service_tree; /* key: struct str * */

#endif
