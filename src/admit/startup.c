/* startup.c -- what a fresh store lacks: the mesh "default", the global secrets, the first admin's token.
 *
 * Each is made when it is missing, so what was deleted comes back with the next start, as with the reference.
 */
#include "startup.h"

#include "defaults.h"
#include "ursa/base/clock.h"
#include "ursa/base/log.h"

#define ADMIN_TOKEN_LIFE_NS (10 * 365 * 24 * 3600 * NS_PER_S)

static const enum token_kind global_keys[] = {TOKEN_USER, TOKEN_ZONE, TOKEN_ZONE_INGRESS};
static const struct {
    struct str name, common_name;
} global_cas[] = {
    {STR_INIT("envoy-admin-ca"), STR_INIT("Envoy Admin CA")},
    {STR_INIT("inter-cp-ca"), STR_INIT("Control Plane Intercommunication CA")},
};
#define MAX_OBJECTS (1 + ARRAY_LEN(global_keys) + ARRAY_LEN(global_cas))

static struct admit_request *request_new(size_t max_ops)
{
    struct admit_request *req = admit_request_new(max_ops);
    req->author = STR("ursa");
    req->origin = ORIGIN_SYSTEM;
    req->n_ops = 0;
    return req;
}

static void request_put(struct admit_request *req, struct resource *res)
{
    req->ops[req->n_ops++] = (struct admit_op){.kind = ADMIT_PUT, .res = res};
}

/* Wipes 'data'. */
static void request_put_secret(struct admit_request *req, const struct res_key *key, struct str data)
{
    request_put(req, resource_from_spec(key, &(struct secret_spec){.data = data}));
    str_wipe(data);
}

static void add_mesh(struct admit_request *req, const struct snap *snap)
{
    struct res_key key = {.type = RES_MESH, .name = STR("default")};
    if (!snap_find_mesh(snap, key.name))
        request_put(req, resource_from_spec(&key, &(struct mesh_spec){0}));
}

static enum err_kind add_signing_key(struct admit_request *req, const struct snap *snap, enum token_kind kind,
                                     struct err *e)
{
    struct res_key key = signing_key_secret(&req->arena, kind, STR_NONE, 1);
    struct str pem;
    if (defaults_has_signing_key(snap, &key))
        return ERR_NONE;
    if (signing_key_new(&req->arena, &pem, e) != ERR_NONE)
        return e->kind;
    request_put_secret(req, &key, pem);
    return ERR_NONE;
}

static enum err_kind add_ca(struct admit_request *req, const struct snap *snap, struct str name,
                            struct str common_name, struct err *e)
{
    struct res_key key = {.type = RES_GLOBAL_SECRET, .name = name};
    struct str pem;
    if (snap_find(snap, key.type, key.mesh, key.name))
        return ERR_NONE;
    if (admin_ca_new(&req->arena, common_name, &pem, e) != ERR_NONE)
        return e->kind;
    request_put_secret(req, &key, pem);
    return ERR_NONE;
}

static enum err_kind add_objects(struct admit_request *req, const struct admit_options *options,
                                 const struct snap *snap, struct err *e)
{
    if (!options->skip_mesh_creation)
        add_mesh(req, snap);
    for (size_t i = 0; i < ARRAY_LEN(global_keys); i++)
        if (add_signing_key(req, snap, global_keys[i], e) != ERR_NONE)
            return e->kind;
    for (size_t i = 0; i < ARRAY_LEN(global_cas); i++)
        if (add_ca(req, snap, global_cas[i].name, global_cas[i].common_name, e) != ERR_NONE)
            return e->kind;
    return ERR_NONE;
}

static enum err_kind add_admin_token(struct admit_request *req, const struct snap *snap, struct err *e)
{
    struct res_key key = {.type = RES_GLOBAL_SECRET, .name = STR("admin-user-token")};
    struct str group =
        STR("mesh-system:admin"); /* "authenticated" is added to who shows the token, not written in it */
    struct token_claims claims = {.name = user_admin.name, .groups = {.v = &group, .n = 1}};
    struct str jwt;
    if (snap_find(snap, key.type, key.mesh, key.name))
        return ERR_NONE;
    if (token_issue(snap, TOKEN_USER, &claims, ADMIN_TOKEN_LIFE_NS, &req->arena, &jwt, e) != ERR_NONE)
        return e->kind;
    request_put_secret(req, &key, jwt);
    log_info("admit",
             "secret=" STR_FMT " made: the first admin's token; on this machine read it with "
             "\"curl http://localhost:5681/global-secrets/" STR_FMT " | jq -r .data | base64 -d\"",
             STR_ARG(key.name), STR_ARG(key.name));
    return ERR_NONE;
}

static enum err_kind finish(struct admit_request *req, enum err_kind kind, struct admit_request **out)
{
    *out = NULL;
    if (kind == ERR_NONE && req->n_ops)
        *out = req;
    else
        admit_request_free(req);
    return kind;
}

enum err_kind startup_objects(const struct admit_options *options, struct admit_request **out, struct err *e)
{
    struct admit_request *req = request_new(MAX_OBJECTS);
    struct snap *snap = store_snap(options->store);
    enum err_kind kind = add_objects(req, options, snap, e);
    snap_unref(snap);
    return finish(req, kind, out);
}

enum err_kind startup_admin_token(const struct admit_options *options, struct admit_request **out,
                                  struct err *e)
{
    struct admit_request *req = request_new(1);
    struct snap *snap = store_snap(options->store);
    enum err_kind kind = options->bootstrap_admin_token ? add_admin_token(req, snap, e) : ERR_NONE;
    snap_unref(snap);
    return finish(req, kind, out);
}
