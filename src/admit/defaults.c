/* defaults.c -- what a mesh gets from Ursa: CA secrets of its builtin backends, a signing key, default
 * policies.
 *
 * They go into the transaction that writes the mesh, so all is visible at once or nothing is. */
#include "defaults.h"

#include <string.h>

#include "policies.h"
#include "roots.h"
#include "ursa/auth.h"
#include "ursa/ca.h"

static bool exists(const struct snap *snap, const struct res_key *key)
{
    return snap_find(snap, key->type, key->mesh, key->name) != NULL;
}

static enum err_kind put_secret(struct store *s, const struct res_key *key, struct str data, struct err *e)
{
    struct resource *secret = resource_from_spec(key, &(struct secret_spec){.data = data});
    enum err_kind kind = store_tx_put(s, secret, e);
    resource_unref(secret);
    return kind;
}

static enum err_kind put_builtin_ca(struct store *s, const struct admit_request *req, struct str mesh,
                                    const struct ca_backend *backend, struct arena *scratch, struct err *e)
{
    struct res_key cert_key = ca_builtin_cert_secret(scratch, mesh, backend->name);
    struct res_key key_key = ca_builtin_key_secret(scratch, mesh, backend->name);
    struct str cert, key;
    if (!roots_take(req, mesh, backend->name, &cert, &key) &&
        ca_builtin_new(mesh, backend, scratch, &cert, &key, e) != ERR_NONE)
        return e->kind;
    enum err_kind kind = put_secret(s, &cert_key, cert, e);
    if (kind == ERR_NONE)
        kind = put_secret(s, &key_key, key, e);
    str_wipe(key);
    return kind;
}

/* Both secrets are there, or both are made anew: half a CA is none. */
static enum err_kind ensure_builtin_ca(struct store *s, const struct admit_request *req, struct str mesh,
                                       const struct ca_backend *backend, struct arena *scratch, struct err *e)
{
    struct res_key cert_key = ca_builtin_cert_secret(scratch, mesh, backend->name);
    struct res_key key_key = ca_builtin_key_secret(scratch, mesh, backend->name);
    const struct snap *snap = store_pending(s);
    if (!str_eq(backend->type, STR("builtin")) || (exists(snap, &cert_key) && exists(snap, &key_key)))
        return ERR_NONE;
    return put_builtin_ca(s, req, mesh, backend, scratch, e);
}

enum err_kind defaults_renew_ca(struct store *s, const struct admit_request *req, struct str mesh,
                                const struct ca_backend *backend, struct err *e)
{
    struct arena scratch;
    arena_init(&scratch);
    enum err_kind kind = put_builtin_ca(s, req, mesh, backend, &scratch, e);
    arena_fini(&scratch);
    return kind;
}

/* Unchanged ones are not written: a Mesh is often applied, and its CA hardly ever another one. */
static enum err_kind put_if_other(struct store *s, const struct res_key *key, struct str data, struct err *e)
{
    const struct resource *stored = snap_find(store_pending(s), key->type, key->mesh, key->name);
    if (!data.p || (stored && str_eq(resource_secret(stored)->data, data)))
        return ERR_NONE;
    return put_secret(s, key, data, e);
}

static enum err_kind take_files(struct store *s, const struct admit_request *req,
                                const struct str_list *folders, struct str mesh,
                                const struct ca_backend *backend, size_t index, bool restored,
                                struct arena *scratch, struct err *e)
{
    struct res_key cert_key = ca_provided_cert_secret(scratch, mesh, backend->name);
    struct res_key key_key = ca_provided_key_secret(scratch, mesh, backend->name);
    const struct snap *snap = store_pending(s);
    if (!ca_backend_has_files(backend) || (restored && (exists(snap, &cert_key) || exists(snap, &key_key))))
        return ERR_NONE;
    struct ca_files files;
    if (!roots_take(req, mesh, backend->name, &files.cert, &files.key) &&
        ca_files_read(folders, backend, index, scratch, &files, e) != ERR_NONE)
        return e->kind;
    enum err_kind kind = put_if_other(s, &cert_key, files.cert, e);
    if (kind == ERR_NONE)
        kind = put_if_other(s, &key_key, files.key, e);
    str_wipe(files.key);
    return kind;
}

enum err_kind defaults_take_files(struct store *s, const struct admit_request *req,
                                  const struct str_list *folders, const struct resource *mesh, bool restored,
                                  struct err *e)
{
    const struct mesh_mtls *mtls = resource_mesh(mesh)->mtls;
    struct arena scratch;
    arena_init(&scratch);
    for (size_t i = 0; mtls && i < mtls->n_backends; i++)
        if (take_files(s, req, folders, mesh->key.name, &mtls->backends[i], i, restored, &scratch, e))
            continue; /* the causes are in e; the next backend may have more */
    arena_fini(&scratch);
    return e->kind;
}

bool defaults_has_signing_key(const struct snap *snap, const struct res_key *first)
{
    struct str prefix = str_slice(first->name, 0, first->name.n - 1); /* without the serial, 1 */
    return snap_range_prefix(snap, first->type, first->mesh, prefix).n > 0;
}

static enum err_kind ensure_signing_key(struct store *s, struct str mesh, struct arena *scratch,
                                        struct err *e)
{
    struct res_key key = signing_key_secret(scratch, TOKEN_DATAPLANE, mesh, 1);
    if (defaults_has_signing_key(store_pending(s), &key))
        return ERR_NONE;
    struct str pem;
    if (signing_key_new(scratch, &pem, e) != ERR_NONE)
        return e->kind;
    enum err_kind kind = put_secret(s, &key, pem, e);
    str_wipe(pem);
    return kind;
}

static bool is_skipped(const struct str_list *skip, struct str type_name)
{
    for (size_t i = 0; i < skip->n; i++)
        if (str_eq(skip->v[i], STR("*")) || str_eq(skip->v[i], type_name))
            return true;
    return false;
}

static enum err_kind ensure_policies(struct store *s, const struct resource *mesh, struct arena *scratch,
                                     struct err *e)
{
    const struct str_list *skip = &resource_mesh(mesh)->skip_creating_initial_policies;
    for (size_t i = 0; i < n_default_policies; i++) {
        const struct default_policy *policy = &default_policies[i];
        struct res_key key = {
            .type = policy->type,
            .mesh = mesh->key.name,
            .name = arena_printf(scratch, "%s-" STR_FMT, policy->prefix, STR_ARG(mesh->key.name)),
        };
        if (is_skipped(skip, res_type_info(policy->type)->name) || exists(store_pending(s), &key))
            continue;
        struct resource *made = resource_from_spec(&key, policy->spec);
        enum err_kind kind = store_tx_put(s, made, e);
        resource_unref(made);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}

static enum err_kind finish_mesh(struct store *s, const struct admit_request *req,
                                 const struct resource *mesh, bool is_new, struct arena *scratch,
                                 struct err *e)
{
    const struct mesh_mtls *mtls = resource_mesh(mesh)->mtls;
    for (size_t i = 0; mtls && i < mtls->n_backends; i++)
        if (ensure_builtin_ca(s, req, mesh->key.name, &mtls->backends[i], scratch, e) != ERR_NONE)
            return e->kind;
    if (!is_new)
        return ERR_NONE;
    if (ensure_signing_key(s, mesh->key.name, scratch, e) != ERR_NONE)
        return e->kind;
    return ensure_policies(s, mesh, scratch, e);
}

enum err_kind defaults_finish_mesh(struct store *s, const struct admit_request *req,
                                   const struct resource *mesh, bool is_new, struct err *e)
{
    struct arena scratch;
    arena_init(&scratch);
    enum err_kind kind = finish_mesh(s, req, mesh, is_new, &scratch, e);
    arena_fini(&scratch);
    return kind;
}
