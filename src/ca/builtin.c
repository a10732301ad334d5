/* builtin.c -- the CA that Ursa makes for a mesh: its names, its rules, its root certificate. */
#include "backend.h"

#include "cert.h"

struct res_key ca_builtin_cert_secret(struct arena *a, struct str mesh, struct str backend)
{
    return backend_secret(a, mesh, "builtin", "cert", backend);
}

struct res_key ca_builtin_key_secret(struct arena *a, struct str mesh, struct str backend)
{
    return backend_secret(a, mesh, "builtin", "key", backend);
}

/* ---- checks ---- */

void builtin_check(struct str mesh, const struct ca_backend *backend, const struct path *conf, struct err *e)
{
    struct res_key secret = ca_builtin_cert_secret(e->arena, mesh, backend->name);
    struct builtin_conf ignored;

    if (builtin_conf_read(&backend->conf, conf, &ignored, e) != ERR_MALFORMED)
        backend_check_name(&secret, backend->name, conf, e);
}

/* ---- its secrets ---- */

bool builtin_uses_secret(struct str mesh, const struct ca_backend *backend, struct str secret)
{
    struct arena arena;
    bool uses;

    arena_init(&arena);
    uses = str_eq(ca_builtin_cert_secret(&arena, mesh, backend->name).name, secret) ||
           str_eq(ca_builtin_key_secret(&arena, mesh, backend->name).name, secret);
    arena_fini(&arena);
    return uses;
}

const struct ca_backend *ca_builtin_of_secret(struct str mesh, const struct mesh_spec *spec,
                                              struct str secret)
{
    const struct ca_backend *found = NULL;
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; spec->mtls && i < spec->mtls->n_backends && !found; i++) {
        const struct ca_backend *backend = &spec->mtls->backends[i];

        if (str_eq(backend->type, STR("builtin")) &&
            str_eq(ca_builtin_cert_secret(&arena, mesh, backend->name).name, secret))
            found = backend;
    }
    arena_fini(&arena);
    return found;
}

static enum err_kind load_secret(const struct snap *snap, const struct res_key *key, struct str *out,
                                 struct err *e)
{
    const struct resource *secret = snap_find(snap, key->type, key->mesh, key->name);

    if (!secret)
        return err_set(e, ERR_NOT_FOUND, "secret \"" STR_FMT "\" is missing", STR_ARG(key->name));
    *out = resource_secret(secret)->data;
    return ERR_NONE;
}

enum err_kind builtin_load(const struct snap *snap, struct str mesh, const struct ca_backend *backend,
                           struct str *cert, struct str *key, struct err *e)
{
    struct res_key cert_key = ca_builtin_cert_secret(e->arena, mesh, backend->name);
    struct res_key key_key = ca_builtin_key_secret(e->arena, mesh, backend->name);

    if (load_secret(snap, &cert_key, cert, e) || load_secret(snap, &key_key, key, e))
        return e->kind;
    return ERR_NONE;
}

/* ---- making one ---- */

bool ca_builtin_is_slow(const struct ca_backend *backend)
{
    struct arena arena;
    struct err e;
    struct builtin_conf conf;
    bool slow;

    if (!str_eq(backend->type, STR("builtin")))
        return false;
    arena_init(&arena);
    err_init(&e, &arena);
    slow = builtin_conf_read(&backend->conf, AT_FIELD(NULL, "conf"), &conf, &e) == ERR_NONE && conf.rsa_bits;
    arena_fini(&arena);
    return slow;
}

static enum err_kind new_key(const struct builtin_conf *conf, EVP_PKEY **key, struct err *e)
{
    if (conf->rsa_bits)
        return pkey_new_rsa(conf->rsa_bits, key, e);
    return conf->p384 ? pkey_new_p384(key, e) : pkey_new_ec(key, e);
}

enum err_kind ca_builtin_new(struct str mesh, const struct ca_backend *backend, struct arena *a,
                             struct str *cert_pem, struct str *key_pem, struct err *e)
{
    NAMES_AUTO names = sk_GENERAL_NAME_new_null();
    PKEY_AUTO key = NULL;
    int64_t now = clock_wall_ns();
    struct blob *cert_text, *key_text;
    struct builtin_conf conf;
    struct cert_plan plan;

    if (builtin_conf_read(&backend->conf, AT_FIELD(NULL, "conf"), &conf, e))
        return e->kind;
    if (new_key(&conf, &key, e))
        return e->kind;
    if (!names_add_text(names, GEN_URI, arena_printf(a, "spiffe://" STR_FMT, STR_ARG(mesh))))
        return ERR_BUG_HERE(e, "mesh \"" STR_FMT "\" makes no trust domain", STR_ARG(mesh));
    plan = (struct cert_plan){.key = key,
                              .common_name = mesh,
                              .not_before_ns = now - CERT_SKEW_NS,
                              .not_after_ns = now + conf.life_ns,
                              .names = names};
    if (root_build(&plan, &cert_text, &key_text, e))
        return e->kind;
    *cert_pem = text_take(a, cert_text);
    *key_pem = text_take(a, key_text);
    return ERR_NONE;
}
