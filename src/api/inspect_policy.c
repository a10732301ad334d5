/* inspect_policy.c -- which proxies a policy, a gateway or a gateway's route hits. */
#include "inspect.h"

/* Answers 404 for a mesh that is not there. COMPAT: a policy that is not there hits nobody. */
static bool mesh_is_there(struct request *r)
{
    if (snap_find_mesh(r->snap, r->mesh))
        return true;
    answer_fault(r, ERR_NOT_FOUND, "not found");
    return false;
}

/* ---- a policy ---- */

static json_t *sidecar(struct request *r, const struct mesh_policies *policies, const struct resource *dp)
{
    struct attachments all = matched_policies(&r->arena, policies, resource_dataplane(dp), r->type);
    json_t *attachments = json_array(), *o = NULL;

    for (size_t i = 0; i < all.n; i++) {
        if (str_eq(all.v[i].policy->key.name, r->name))
            json_array_append_new(attachments, inspect_attachment(&all.v[i]));
    }
    if (json_array_size(attachments) > 0) {
        o = json_object();
        json_object_set_new(o, "kind", json_string("SidecarDataplane"));
        json_object_set_new(o, "dataplane", inspect_key(dp));
        json_object_set(o, "attachments", attachments);
    }
    json_decref(attachments);
    return o;
}

/* The tags alone, when the policy stands before the destination. */
static json_t *destination_of_policy(void *ctx, const struct gateway_hit *h)
{
    const struct request *r = ctx;

    for (size_t i = 0; i < h->n; i++) {
        if (h->policies[i]->key.type == r->type && str_eq(h->policies[i]->key.name, r->name))
            return inspect_tags(&h->destination);
    }
    return NULL;
}

/* COMPAT: policies with a targetRef are not told for builtin gateways. */
static bool hits_whole_gateway(struct request *r, const struct mesh_policies *policies,
                               const struct dataplane_spec *dp)
{
    const struct resource **whole;

    for (size_t n = matched_gateway_whole(&r->arena, policies, dp, &whole), i = 0; i < n; i++) {
        if (whole[i]->key.type == r->type && str_eq(whole[i]->key.name, r->name))
            return true;
    }
    return false;
}

static json_t *gateway_proxy(struct request *r, const struct mesh_policies *policies,
                             const struct resource *res)
{
    const struct dataplane_spec *dp = resource_dataplane(res);
    const struct resource *gateway = gateway_choose(&r->arena, policies->of[RES_MESH_GATEWAY], dp);

    if (!gateway)
        return NULL;
    struct gateway_hits hits = matched_gateway(&r->arena, policies, dp, gateway);
    json_t *listeners = inspect_listeners(gateway, &hits, false, destination_of_policy, r), *o = NULL;
    if (json_array_size(listeners) > 0 || hits_whole_gateway(r, policies, dp)) {
        o = json_object();
        json_object_set_new(o, "kind", json_string("MeshGatewayDataplane"));
        json_object_set_new(o, "dataplane", inspect_key(res));
        json_object_set_new(o, "gateway", inspect_key(gateway));
        if (json_array_size(listeners) > 0)
            json_object_set(o, "listeners", listeners);
    }
    json_decref(listeners);
    return o;
}

void inspect_policy_proxies_get(struct request *r)
{
    struct snap_range range = snap_range(r->snap, RES_DATAPLANE, r->mesh);
    struct snap_iter it = snap_iter(&range);
    struct mesh_policies policies;

    r->title = "Could not list Dataplanes";
    if (!mesh_is_there(r))
        return;
    json_t *items = json_array();
    mesh_policies_read(&r->arena, r->snap, r->mesh, &policies);
    const struct resource *policy = res_list_find(policies.of[r->type], r->name);
    if (policy && (res_type_info(r->type)->traits & RES_TARGET_REF))
        policies.of[r->type] = (struct res_list){1, &policy}; /* whom it means does not depend on others */
    for (const struct resource *dp; policy && (dp = snap_next(&it));) {
        const struct dp_gateway *gateway = resource_dataplane(dp)->networking->gateway;
        bool builtin = gateway && gateway->type == GATEWAY_BUILTIN;
        json_t *item = builtin ? gateway_proxy(r, &policies, dp) : sidecar(r, &policies, dp);
        if (item)
            json_array_append_new(items, item);
    }
    answer_json(r, 200, inspect_list(NULL, items));
}

/* ---- gateways and their routes ---- */

static bool runs_route(struct request *r, const struct dataplane_spec *dp, const struct resource *gateway,
                       const struct resource *route)
{
    const struct gateway_conf *conf = resource_mesh_gateway(gateway)->conf;

    for (size_t i = 0; conf && i < conf->n_listeners; i++) {
        struct tags tags = gateway_listener_tags(&r->arena, dp, gateway, i);
        if (gateway_route_applies(route, &conf->listeners[i], &tags))
            return true;
    }
    return false;
}

/* Every builtin gateway that runs the MeshGateway, or has a listener with the MeshGatewayRoute. */
static void answer_proxies_of(struct request *r, enum res_type type, const char *title)
{
    const struct resource *wanted = snap_find(r->snap, type, r->mesh, r->name);
    struct snap_range range = snap_range(r->snap, RES_DATAPLANE, r->mesh);
    struct snap_iter it = snap_iter(&range);
    struct mesh_policies policies;

    r->title = title;
    if (!wanted) {
        answer_fault(r, ERR_NOT_FOUND, "not found");
        return;
    }
    json_t *items = json_array();
    mesh_policies_read(&r->arena, r->snap, r->mesh, &policies);
    for (const struct resource *dp; (dp = snap_next(&it));) {
        const struct dataplane_spec *spec = resource_dataplane(dp);
        const struct resource *gateway = gateway_choose(&r->arena, policies.of[RES_MESH_GATEWAY], spec);
        if (!gateway ||
            (type == RES_MESH_GATEWAY ? gateway != wanted : !runs_route(r, spec, gateway, wanted)))
            continue;
        json_t *item = json_object();
        json_object_set_new(item, "dataplane", inspect_key(dp));
        json_array_append_new(items, item);
    }
    answer_json(r, 200, inspect_list(NULL, items));
}

void inspect_gateway_proxies_get(struct request *r)
{
    answer_proxies_of(r, RES_MESH_GATEWAY, "Could not find MeshGateway");
}

void inspect_gateway_route_proxies_get(struct request *r)
{
    answer_proxies_of(r, RES_MESH_GATEWAY_ROUTE, "Could not find MeshGatewayRoute");
}
