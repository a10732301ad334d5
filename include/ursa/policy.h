/* ursa/policy.h -- choosing policies, and what each one writes into Envoy's configuration.
 *
 * Choosing knows nothing of what a policy says, and a policy knows nothing of how it was chosen: one file
 * each, one row in policies.def. Pure functions; any thread. */
#ifndef URSA_POLICY_H
#define URSA_POLICY_H

#include "ursa/mesh.h"
#include "ursa/policy_target.h"

/* What a policy is chosen for (resources.md 6.2, 6.3). */
enum policy_scope {
    POLICY_PER_OUTBOUND,    /* each service that an outbound names */
    POLICY_PER_DESTINATION, /* each service that the chosen routes lead to */
    POLICY_PER_INBOUND      /* each inbound */
};

/* What a policy may change. */
enum policy_target {
    TARGET_CLUSTER = 1 << 0,      /* envoy.config.cluster.v3.Cluster of a destination */
    TARGET_OUTBOUND_HCM = 1 << 1, /* HttpConnectionManager of an outbound listener */
    TARGET_OUTBOUND_TCP = 1 << 2, /* TcpProxy of an outbound listener */
    TARGET_ROUTES = 1 << 3,       /* RouteConfiguration of an outbound */
    TARGET_INBOUND_RBAC = 1 << 4  /* envoy.config.rbac.v3.RBAC: who may call an inbound */
};

struct policy {
    enum res_type type;
    enum policy_scope scope;
    unsigned targets; /* set of enum policy_target */
    /* 'res' is the chosen one, NULL when none was: what no policy at all means is the policy's business too.
     */
    void (*apply)(const struct resource *res, enum policy_target, enum protocol, json_t *tree);
};

/* In order of application. */
enum policy_id {
#define POLICY(id, ...) POLICY_##id,
#include "ursa/policies.def"
#undef POLICY
    POLICY_N
};
const struct policy *policy_get(enum policy_id);
/* Applies to 'tree' every policy that may change the target, in order; res[POLICY_N] are the chosen ones. */
void policies_apply(const struct resource *const res[POLICY_N], enum policy_target, enum protocol,
                    json_t *tree);

/* ---- source/destination policies ---- */
/* The tag sets that a selector may match: of each inbound, then of the gateway (empty when there is none). */
struct tag_sets {
    size_t n;
    const struct tags *v;
};
struct tag_sets dataplane_tag_sets(struct arena *, const struct dataplane_spec *);
/* The service that traffic to nobody in the mesh belongs to. */
#define SERVICE_PASS_THROUGH STR("pass_through")
/* The best policy for a connection from a proxy to a service, of 'n' sorted by name; NULL when none matches.
 */
const struct resource *classic_choose_outbound(const struct resource *const *policies, size_t n,
                                               struct tag_sets source, struct str service);
/* The same in two steps, for who asks of many services: the policies that the source matches, by name, and
 * how well (as many as 'policies' at most); and of those the best for a service. */
struct source_match {
    const struct resource *policy;
    struct rank rank;
};
size_t classic_match_source(const struct resource *const *policies, size_t n, struct tag_sets source,
                            struct source_match *out);
const struct resource *classic_choose_matched(const struct source_match *, size_t n, struct str service);
/* The best policy for calls of an inbound. */
const struct resource *classic_choose_inbound(const struct resource *const *policies, size_t n,
                                              const struct tags *inbound);
/* Every policy for calls of an inbound, in the order in which they are tried: the first whose sources match
 * the client applies. */
struct inbound_choice {
    const struct resource *policy;
    const struct tags *source; /* of the policy's sources this one alone; NULL: all of them */
};
struct inbound_choices {
    size_t n;
    struct inbound_choice *v;
};
struct inbound_choices classic_choose_all_inbound(struct arena *, const struct resource *const *policies,
                                                  size_t n, const struct tags *inbound);
/* The best policy of one list of selectors for a proxy; NULL when none matches. */
const struct resource *classic_choose_proxy(const struct resource *const *policies, size_t n,
                                            struct tag_sets proxy);

/* ---- TrafficRoute: where an outbound leads ---- */
/* The default destinations in order, wildcards filled in from the outbound's tags; weight 1 for a single
 * destination. */
struct destination {
    struct tags tags;
    uint32_t weight;
};
size_t traffic_route_destinations(const struct traffic_route_spec *, const struct tags *outbound,
                                  struct arena *, struct destination **out);
/* Every service that it leads to, by default or for some requests. */
struct str_list traffic_route_services(const struct traffic_route_spec *, const struct tags *outbound,
                                       struct arena *);

/* ---- MeshGateway: what runs on a builtin gateway ---- */
/* Of a mesh's MeshGateways the one for this proxy; NULL for a proxy that is no builtin gateway, too. */
const struct resource *gateway_choose(struct arena *, struct res_list gateways,
                                      const struct dataplane_spec *);
/* What selectors are held against: the tags of the proxy's gateway, of the MeshGateway, of its listener. */
struct tags gateway_listener_tags(struct arena *, const struct dataplane_spec *,
                                  const struct resource *gateway, size_t listener);
/* Some selector of the MeshGatewayRoute matches the listener's tags, and its kind is the listener's. */
bool gateway_route_applies(const struct resource *route, const struct gateway_listener *listener,
                           const struct tags *tags);

#endif
