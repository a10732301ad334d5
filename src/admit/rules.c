/* rules.c -- the cross-resource rules, one function each. */
#include "rules.h"

#include "ursa/base/map.h"
#include "ursa/ca.h"

enum err_kind rule_writable(enum res_type type, enum res_origin origin, struct err *e)
{
    unsigned traits = res_type_info(type)->traits;
    if ((traits & RES_DERIVED) || ((traits & RES_READ_ONLY) && origin != ORIGIN_SYSTEM))
        return err_set(e, ERR_METHOD, "Method not allowed");
    return ERR_NONE;
}

enum err_kind rule_no_mesh(struct str mesh, struct err *e)
{
    err_cause(e, AT_FIELD(NULL, "mesh"), "mesh of name " STR_FMT " is not found", STR_ARG(mesh));
    return err_set(e, ERR_INVALID, "Mesh is not found");
}

enum err_kind rule_mesh_delete(const struct snap *snap, struct str mesh, struct err *e)
{
    if (snap_range(snap, RES_DATAPLANE, mesh).n)
        err_cause(e, AT_FIELD(NULL, "mesh"),
                  "unable to delete mesh, there are still some dataplanes attached");
    return e->kind;
}

static const struct ca_backend *find_backend(const struct mesh_mtls *mtls, struct str name)
{
    for (size_t i = 0; mtls && i < mtls->n_backends; i++)
        if (str_eq(mtls->backends[i].name, name))
            return &mtls->backends[i];
    return NULL;
}

enum err_kind rule_ca_backends(const struct snap *snap, const struct mesh_spec *before,
                               const struct resource *mesh, struct err *e)
{
    const struct mesh_mtls *mtls = resource_mesh(mesh)->mtls;
    for (size_t i = 0; mtls && i < mtls->n_backends; i++) {
        const struct ca_backend *backend = &mtls->backends[i];
        const struct ca_backend *known = find_backend(before ? before->mtls : NULL, backend->name);
        if (ca_check_backend(snap, mesh->key.name, backend, known, i, e) != ERR_NONE)
            continue; /* the causes are in e; the next backend may have more */
    }
    return e->kind;
}

enum err_kind rule_secret_delete(const struct snap *snap, const struct res_key *secret, struct err *e)
{
    const struct resource *mesh = snap_find_mesh(snap, secret->mesh);
    const struct mesh_mtls *mtls = mesh ? resource_mesh(mesh)->mtls : NULL;
    for (size_t i = 0; mtls && i < mtls->n_backends; i++) {
        struct str backend = mtls->backends[i].name;
        if (ca_backend_uses_secret(secret->mesh, &mtls->backends[i], secret->name))
            err_cause(e, AT_FIELD(NULL, "name"),
                      "The secret \"" STR_FMT
                      "\" that you are trying to remove is currently in use in Mesh \"" STR_FMT
                      "\" in mTLS backend \"" STR_FMT "\". Please remove the reference from the \"" STR_FMT
                      "\" backend before removing the secret.",
                      STR_ARG(secret->name), STR_ARG(secret->mesh), STR_ARG(backend), STR_ARG(backend));
    }
    return e->kind;
}

/* ---- RateLimits of ExternalServices ---- */

/* Tags beside the service, or without one. */
static bool has_other_tags(const struct selector *destination)
{
    return destination->match.n > (tags_get(&destination->match, TAG_SERVICE).p ? 1 : 0);
}

static struct str service_of(const struct selector *destination)
{
    return tags_get(&destination->match, TAG_SERVICE);
}

static void add_external_services(const struct snap *snap, struct str mesh, struct map *services)
{
    struct snap_range range = snap_range(snap, RES_EXTERNAL_SERVICE, mesh);
    struct snap_iter it = snap_iter(&range);
    for (const struct resource *r; (r = snap_next(&it));)
        map_put(services, tags_get(&resource_external_service(r)->tags, TAG_SERVICE), services);
}

enum err_kind rule_rate_limit(const struct snap *snap, const struct resource *rate_limit, struct err *e)
{
    const struct policy_spec *spec = resource_policy(rate_limit);
    struct map services;
    map_init(&services);
    add_external_services(snap, rate_limit->key.mesh, &services);
    for (size_t i = 0; services.n > 0 && i < spec->n_destinations; i++) {
        struct str service = service_of(&spec->destinations[i]);
        if (has_other_tags(&spec->destinations[i]) &&
            (str_eq(service, STR("*")) || map_find(&services, service)))
            err_cause(
                e, AT_FIELD(NULL, "ratelimit"),
                "RateLimit applied to external service only supports kuma.io/service as destination match");
    }
    map_fini(&services);
    return e->kind;
}

enum err_kind rule_external_service(const struct snap *snap, const struct resource *service, struct err *e)
{
    struct str name = tags_get(&resource_external_service(service)->tags, TAG_SERVICE);
    struct snap_range range = snap_range(snap, RES_RATE_LIMIT, service->key.mesh);
    struct snap_iter it = snap_iter(&range);
    for (const struct resource *r; (r = snap_next(&it));) {
        const struct policy_spec *spec = resource_policy(r);
        for (size_t i = 0; i < spec->n_destinations; i++) {
            struct str limited = service_of(&spec->destinations[i]);
            if (has_other_tags(&spec->destinations[i]) &&
                (str_eq(limited, STR("*")) || str_eq(limited, name)))
                err_cause(e, AT_FIELD(NULL, "externalservice"),
                          "ExternalService would match RateLimit '" STR_FMT
                          "' which includes incompatible destination matches",
                          STR_ARG(r->key.name));
        }
    }
    return e->kind;
}
