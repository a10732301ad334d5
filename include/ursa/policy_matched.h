/* ursa/policy_matched.h -- everything that hits one proxy, for people who ask: which policies, and at what.
 *
 * Pure functions of a mesh's policies, any thread; the choices are made by the functions that the compiler
 * uses. What comes out lives in the arena or is borrowed from the snapshot. */
#ifndef URSA_POLICY_MATCHED_H
#define URSA_POLICY_MATCHED_H

#include "ursa/policy.h"

/* All policies of one mesh: read once, asked for many proxies. */
struct mesh_policies {
    struct res_list of[RES_N];
};
void mesh_policies_read(struct arena *, const struct snap *, struct str mesh, struct mesh_policies *out);
/* What of a type with a targetRef selects the places of a proxy. */
struct selection mesh_policies_select(struct arena *, const struct mesh_policies *, enum res_type,
                                      const struct places *);

/* ---- sidecars and delegated gateways ---- */
/* Sorted as they are shown. */
enum attachment_kind {
    ATTACHED_TO_DATAPLANE,
    ATTACHED_TO_INBOUND,
    ATTACHED_TO_OUTBOUND,
    ATTACHED_TO_SERVICE
};
struct attachment {
    enum attachment_kind kind;
    struct str name;    /* "ip:port:servicePort", "ip:port", the service; p == NULL: the whole proxy */
    struct str service; /* p == NULL likewise */
    const struct resource *policy;
    size_t at; /* within a type: its turn */
};
struct attachments {
    size_t n;
    struct attachment *v; /* by kind, name, service, type's name; within a type in order of use */
};
/* 'only': of this type; RES_N: of all. */
struct attachments matched_policies(struct arena *, const struct mesh_policies *,
                                    const struct dataplane_spec *, enum res_type only);

/* ---- builtin gateways ---- */
/* One destination of one route on one host of one listener, and the policies between. */
struct gateway_hit {
    uint32_t port, protocol; /* enum gateway_protocol */
    struct str host;
    const struct resource *route;
    struct tags destination;
    size_t n;
    const struct resource **policies; /* at most one of a type, by the type's name */
};
struct gateway_hits {
    size_t n;
    struct gateway_hit *v; /* by port, host, route's name; destinations as the route names them */
};
struct gateway_hits matched_gateway(struct arena *, const struct mesh_policies *,
                                    const struct dataplane_spec *, const struct resource *gateway);
/* The source/destination policies that concern the gateway as a whole, one of a type, by the type's name. */
size_t matched_gateway_whole(struct arena *, const struct mesh_policies *, const struct dataplane_spec *,
                             const struct resource ***out);

#endif
