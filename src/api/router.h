/* router.h -- routes.def as a table, and the look-up. */
#ifndef URSA_API_ROUTER_H
#define URSA_API_ROUTER_H

#include "operations.h"
#include "request.h"

enum route_flags {
    ROUTE_JSON_BODY = 1 << 0, /* Content-Type must be JSON (or YAML, where the handler takes it): else 415 */
    ROUTE_YAML_BODY = 1 << 1,
    ROUTE_ANY_ACCEPT = 1 << 2, /* no 406 */
    ROUTE_MESHES = 1 << 3,     /* about many meshes: the handler filters or checks each (visible.h, auth.h) */
    ROUTE_MESH_QUERY = 1 << 4  /* the mesh is that of ?mesh=, if it is given */
};

struct route {
    enum api_server port;
    enum method method;
    const char *pattern;
    enum access access;
    unsigned flags;
    void (*handle)(struct request *);
    unsigned operation; /* of the REST API: its row in operations.def */
};

/* METHOD_OTHER for methods that no route has. */
enum method router_method(struct str name);
/* "GET" ...: of a method below METHODS. */
const char *router_method_name(enum method);
/* A target with scheme and authority (RFC 9112, 3.2.2) becomes its path, when the authority is what the Host
 * field says: two readers of the request must not see two hosts. False when it is another one. */
MUST_USE bool router_take_absolute(struct request *, struct str host);
/* Splits the URI into decoded segments and query values. ERR_INVALID for bad escapes, control bytes, NUL, too
 * many parts. */
MUST_USE enum err_kind router_parse_uri(struct request *);
/* Finds the route, fills type, mesh and name. ERR_NOT_FOUND: no such path; ERR_METHOD: request->allow says
 * what there is. */
MUST_USE enum err_kind router_find(struct request *);
/* For tests: every row. */
const struct route *router_rows(size_t *n);

#define HANDLER(name) void name(struct request *);
HANDLER(index_get)
HANDLER(config_get)
HANDLER(policies_get)
HANDLER(who_am_i_get)
HANDLER(global_insights_get)
HANDLER(events_get)
HANDLER(status_get)
HANDLER(status_zones_get)
HANDLER(ca_get)
HANDLER(ca_rotate_post)
HANDLER(doctor_get)
HANDLER(resource_list)
HANDLER(resource_get)
HANDLER(resource_put)
HANDLER(resource_delete)
HANDLER(apply_post)
HANDLER(history_get)
HANDLER(diff_get)
HANDLER(rollback_post)
HANDLER(backup_post)
HANDLER(openapi_get)
HANDLER(schemas_get)
HANDLER(schema_get)
HANDLER(overview_list)
HANDLER(overview_get)
HANDLER(zone_overview_list)
HANDLER(zone_overview_get)
HANDLER(zone_ingress_overview_list)
HANDLER(zone_ingress_overview_get)
HANDLER(zone_egress_overview_list)
HANDLER(zone_egress_overview_get)
HANDLER(mesh_insight_list)
HANDLER(mesh_insight_get)
HANDLER(service_insight_list)
HANDLER(service_insight_get)
HANDLER(derived_refuse)
HANDLER(inspect_config_dump_get)
HANDLER(inspect_stats_get)
HANDLER(inspect_clusters_get)
HANDLER(inspect_policies_get)
HANDLER(inspect_rules_get)
HANDLER(inspect_policy_proxies_get)
HANDLER(inspect_gateway_proxies_get)
HANDLER(inspect_gateway_route_proxies_get)
HANDLER(token_dataplane_post)
HANDLER(token_user_post)
HANDLER(token_zone_post)
HANDLER(token_zone_ingress_post)
HANDLER(bootstrap_post)
HANDLER(discovery_post)
HANDLER(diag_alive)
HANDLER(diag_ready)
HANDLER(diag_metrics)
HANDLER(diag_engine)
HANDLER(diag_mesh)
HANDLER(diag_proxy)
HANDLER(diag_feed)
HANDLER(diag_memory)
HANDLER(diag_log)
HANDLER(diag_rebuild)
HANDLER(diag_wait)
#undef HANDLER

#endif
