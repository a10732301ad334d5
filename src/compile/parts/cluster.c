/* The cluster of a destination and its endpoints: shared by every proxy that has the destination under the
 * same policies. */
#include "../functions.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"

#include <arpa/inet.h>

/* "backend{mesh=default,version=v1}": the destination's tags but its service, and the mesh, by key. */
static struct str server_name(struct arena *a, struct str mesh, struct str service, const struct tags *tags)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    buf_printf(&b, STR_FMT, STR_ARG(service));
    char before = '{';
    bool mesh_done = false;
    for (size_t i = 0; i <= tags->n; i++) {
        const struct tag *t = i < tags->n ? &tags->v[i] : NULL;
        if (!mesh_done && (!t || str_cmp(t->key, STR("mesh")) > 0)) {
            buf_printf(&b, "%cmesh=" STR_FMT, before, STR_ARG(mesh));
            before = ',';
            mesh_done = true;
        }
        if (!t || str_eq(t->key, TAG_SERVICE))
            continue;
        buf_printf(&b, "%c" STR_FMT "=" STR_FMT, before, STR_ARG(t->key), STR_ARG(t->value));
        before = ',';
    }
    buf_add_byte(&b, '}');
    struct str name = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return name;
}

static bool wants_tls(struct memo_ctx *ctx, const struct mesh_input *mesh, struct str service)
{
    if (!mesh->mtls || !mesh->permissive)
        return mesh->mtls;
    key_str(memo_call(ctx, FN_IN_TLS_READY), service);
    return memo_get(ctx);
}

static struct memo_value run_cluster(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str name = key_get_str(&r), service = key_get_str(&r);
    struct tags tags = key_get_tags(&r, a);
    const struct resource *policies[POLICY_N];
    ask_policies(ctx, &r, TARGET_CLUSTER, policies);

    json_t *cluster = envoy_eds_cluster(name);
    envoy_cluster_set_http(cluster, "http2ProtocolOptions");
    policies_apply(policies, TARGET_CLUSTER, ask_protocol(ctx, service), cluster);
    const struct mesh_input *mesh = ask_mesh(ctx);
    if (wants_tls(ctx, mesh, service)) {
        struct envoy_tls tls = {
            .identity_secret = name_identity_secret(a, mesh->name),
            .ca_secret = name_ca_secret(a, mesh->name),
            .san_type = "URI",
            .san_match = "exact",
            .san = arena_printf(a, "spiffe://" STR_FMT "/" STR_FMT, STR_ARG(mesh->name), STR_ARG(service)),
        };
        envoy_cluster_set_tls(cluster,
                              envoy_upstream_tls(&tls, "kuma", server_name(a, mesh->name, service, &tags)));
    }
    return value_resource(ctx, XDS_CLUSTER, cluster);
}
const struct memo_fn fn_cluster = {.name = "cluster", .run = run_cluster, .drop = drop_resource};

/* ---- endpoints ---- */
static bool is_ip(struct arena *a, struct str address)
{
    unsigned char binary[sizeof(struct in6_addr)];
    const char *text = arena_cstr(a, address);
    return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

static json_t *metadata(const struct tags *tags)
{
    json_t *own = tags_to_json(tags, TAG_SERVICE);
    json_t *both = NULL;
    if (json_object_size(own))
        both = envoy_pack("{s: {s: O, s: O}}", "filterMetadata", "envoy.lb", own,
                          "envoy.transport_socket_match", own);
    json_decref(own);
    return both;
}

/* COMPAT: a standalone control plane's own zone is "", so with locality awareness every named zone comes
 * second. */
static json_t *locality(struct str zone, bool aware, json_t *endpoints)
{
    json_t *group = envoy_pack("{s: o}", "lbEndpoints", endpoints);
    if (zone.n) {
        json_object_set_new(group, "locality", envoy_pack("{s: s%}", "zone", PACK_STR(zone)));
        if (aware)
            json_object_set_new(group, "priority", json_integer(1));
    }
    return group;
}

/* The zone that comes after 'last' (p == NULL: the first), of the endpoints that match. */
static bool next_zone(const struct service *s, struct str last, struct str *zone)
{
    bool found = false;
    for (size_t i = 0; i < s->n_endpoints; i++) {
        struct str z = tags_get(s->endpoints[i].tags, TAG_ZONE);
        if (!z.p)
            z = STR("");
        if ((!last.p || str_cmp(z, last) > 0) && (!found || str_cmp(z, *zone) < 0)) {
            *zone = z;
            found = true;
        }
    }
    return found;
}

static json_t *zone_endpoints(struct arena *a, const struct service *s, const struct tags *subset,
                              struct str zone)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_endpoints; i++) {
        const struct endpoint *e = &s->endpoints[i];
        struct str z = tags_get(e->tags, TAG_ZONE);
        if (!selector_matches(subset, e->tags) || !str_eq(z.p ? z : STR(""), zone))
            continue;
        if (!is_ip(a, e->address)) {
            log_warn("compile",
                     "service=" STR_FMT " address=" STR_FMT " left out: host names are not resolved",
                     STR_ARG(s->name), STR_ARG(e->address));
            continue;
        }
        json_array_append_new(list, envoy_endpoint(e->address, e->port, 1, metadata(e->tags)));
    }
    return list;
}

static struct memo_value run_endpoints(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct arena *a = memo_arena(ctx);
    struct str name = key_get_str(&r), service = key_get_str(&r);
    struct tags subset = key_get_tags(&r, a);
    key_str(memo_call(ctx, FN_IN_SERVICE), service);
    const struct service *s = memo_get(ctx);
    bool aware = ask_mesh(ctx)->locality_aware;

    json_t *groups = json_array();
    struct str zone, last = STR_NONE;
    while (s && next_zone(s, last, &zone)) {
        json_t *list = zone_endpoints(a, s, &subset, zone);
        if (json_array_size(list))
            json_array_append_new(groups, locality(zone, aware, json_incref(list)));
        json_decref(list);
        last = zone;
    }
    return value_resource(ctx, XDS_ENDPOINT, envoy_endpoints(name, groups));
}
const struct memo_fn fn_endpoints = {.name = "endpoints", .run = run_endpoints, .drop = drop_resource};
