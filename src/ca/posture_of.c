/* posture_of.c -- the posture of a mesh: wanted by its Mesh, or recorded while it is on its way. */
#include "ursa/base/clock.h"
#include "ursa/posture.h"

#include "backend.h"

/* ---- the record ---- */

struct res_key posture_key(struct str mesh)
{
    return (struct res_key){.type = RES_MESH_POSTURE, .mesh = mesh, .name = mesh};
}

const struct resource *posture_record(const struct snap *snap, struct str mesh)
{
    return snap_find(snap, RES_MESH_POSTURE, mesh, mesh);
}

/* ---- what the Mesh wants ---- */

static enum tls_serve wanted_serve(const struct ca_backend *enabled)
{
    if (!enabled)
        return SERVE_PLAIN;
    return enabled->mode == CA_PERMISSIVE ? SERVE_BOTH : SERVE_TLS;
}

static enum tls_dial wanted_dial(const struct ca_backend *enabled)
{
    if (!enabled)
        return DIAL_PLAIN;
    return enabled->mode == CA_PERMISSIVE ? DIAL_READY : DIAL_TLS;
}

static enum err_kind check_alive(const struct authority *authority, struct err *e)
{
    return authority_expires_ns(authority) > clock_wall_ns() ? ERR_NONE
                                                             : err_set(e, ERR_INVALID, "it has expired");
}

/* Reads one backend's CA: what trusting it means, and with 'issuer' what issuing from it takes. */
static enum err_kind read_backend(const struct snap *snap, struct str mesh, const struct ca_backend *backend,
                                  struct arena *a, struct posture_root *root, struct posture_issuer *issuer,
                                  struct err *e)
{
    struct authority *authority = NULL;
    struct str cert, key;

    if (backend_load(snap, mesh, backend, &cert, &key, e) || authority_read(mesh, cert, key, &authority, e) ||
        (issuer && check_alive(authority, e))) {
        authority_unref(authority);
        err_add_context(e, "CA \"" STR_FMT "\" of mesh \"" STR_FMT "\"", STR_ARG(backend->name),
                        STR_ARG(mesh));
        return e->kind;
    }
    root->backend = arena_str(a, backend->name);
    root->roots = arena_str(a, blob_str(authority_bundle(authority)));
    if (issuer)
        *issuer = (struct posture_issuer){.backend = root->backend,
                                          .cert = arena_str(a, cert),
                                          .key = arena_str(a, key),
                                          .roots = root->roots,
                                          .leaf_life = {true, ca_leaf_life_ns(backend)}};
    authority_unref(authority);
    return ERR_NONE;
}

enum err_kind posture_wanted(const struct snap *snap, const struct resource *mesh, struct arena *a,
                             struct mesh_posture_spec *out, struct err *e)
{
    const struct mesh_mtls *mtls = resource_mesh(mesh)->mtls;
    const struct ca_backend *enabled = mesh_enabled_backend(resource_mesh(mesh));

    *out = (struct mesh_posture_spec){.serve = wanted_serve(enabled), .dial = wanted_dial(enabled)};
    if (!enabled)
        return ERR_NONE;
    out->issuer = ARENA_NEW(a, struct posture_issuer);
    out->trusted = ARENA_ARRAY(a, struct posture_root, mtls->n_backends);
    for (size_t i = 0; i < mtls->n_backends; i++) {
        const struct ca_backend *backend = &mtls->backends[i];
        struct posture_issuer *issuer = backend == enabled ? out->issuer : NULL;

        if (read_backend(snap, mesh->key.name, backend, a, &out->trusted[out->n_trusted++], issuer, e))
            return e->kind;
    }
    return ERR_NONE;
}

enum err_kind posture_present(const struct snap *snap, const struct resource *mesh, struct arena *a,
                              struct mesh_posture_spec *out, struct err *e)
{
    const struct resource *record = posture_record(snap, mesh->key.name);

    if (!record)
        return posture_wanted(snap, mesh, a, out, e);
    *out = *resource_mesh_posture(record);
    return ERR_NONE;
}

/* ---- without reading a CA ---- */

struct stance stance_of(const struct snap *snap, struct str mesh, const struct mesh_spec *spec)
{
    const struct resource *record = posture_record(snap, mesh);
    const struct mesh_posture_spec *p = record ? resource_mesh_posture(record) : NULL;
    const struct ca_backend *enabled = mesh_enabled_backend(spec);

    if (p)
        return (struct stance){p->serve, p->dial, p->issuer ? p->issuer->backend : STR_NONE};
    return (struct stance){wanted_serve(enabled), wanted_dial(enabled), enabled ? enabled->name : STR_NONE};
}

bool stance_trusts(const struct snap *snap, struct str mesh, const struct mesh_spec *spec, struct str backend)
{
    const struct resource *record = posture_record(snap, mesh);
    const struct mesh_posture_spec *p = record ? resource_mesh_posture(record) : NULL;
    const struct mesh_mtls *mtls = spec->mtls;

    for (size_t i = 0; p && i < p->n_trusted; i++)
        if (str_eq(p->trusted[i].backend, backend))
            return true;
    for (size_t i = 0; !p && mtls && i < mtls->n_backends; i++)
        if (str_eq(mtls->backends[i].name, backend))
            return true;
    return false;
}
