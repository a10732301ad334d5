/* What meshes issue from and whom they trust: reading a key takes longer than issuing with it, and each pass
 * asks for each proxy. */
#include "authorities.h"

#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"
#include "ursa/base/log.h"

struct loaded {
    struct mesh_authority now;
    uint64_t sequence; /* of the snapshot that was looked at last; 0: none yet */
    uint64_t source;   /* what it is made of */
    char mesh[];
};

void authorities_init(struct authorities *as)
{
    map_init(&as->by_mesh);
}

static void drop(struct mesh_authority *m)
{
    authority_unref(m->authority);
    blob_unref(m->trusted);
    *m = (struct mesh_authority){0};
}

static void loaded_free(struct loaded *l)
{
    if (l)
        drop(&l->now);
    free(l);
}

void authorities_fini(struct authorities *as)
{
    size_t at = 0;
    struct str mesh;
    void *l;
    while (map_next(&as->by_mesh, &at, &mesh, &l))
        loaded_free(l);
    map_fini(&as->by_mesh);
}

void authorities_forget(struct authorities *as, struct str mesh)
{
    loaded_free(map_del(&as->by_mesh, mesh));
}

static struct loaded *find_or_add(struct authorities *as, struct str mesh)
{
    struct loaded *l = map_find(&as->by_mesh, mesh);
    if (l)
        return l;
    l = xcalloc(1, sizeof *l + mesh.n + 1);
    memcpy(l->mesh, mesh.p, mesh.n);
    map_put(&as->by_mesh, str_from(l->mesh, mesh.n), l);
    return l;
}

/* ---- loading ---- */

static void report(const struct view *v, struct str backend, struct err *e)
{
    struct str text = err_render(e, e->arena), mesh = view_mesh_name(v);
    log_error("compile", "mesh=" STR_FMT " backend=" STR_FMT " CA not usable: " STR_FMT, STR_ARG(mesh),
              STR_ARG(backend), STR_ARG(text));
}

static void set_issuer(struct mesh_authority *m, struct authority *authority, struct str backend,
                       int64_t life_ns)
{
    m->authority = authority_ref(authority);
    m->backend_hash = hash_content(backend.p, backend.n);
    m->leaf_life_ns = life_ns;
}

/* Two backends may have one CA. */
static void trust(struct buf *trusted, struct str roots)
{
    if (str_find(buf_str(trusted), roots) == trusted->n)
        buf_add_str(trusted, roots);
}

static void load_recorded(struct mesh_authority *m, const struct view *v,
                          const struct mesh_posture_spec *posture, struct buf *trusted, struct err *e)
{
    const struct posture_issuer *from = posture->issuer;
    struct authority *authority = NULL;
    if (from && authority_read(view_mesh_name(v), from->cert, from->key, &authority, e) != ERR_NONE)
        report(v, from->backend, e);
    if (authority)
        set_issuer(m, authority, from->backend, from->leaf_life.ns);
    authority_unref(authority);
    for (size_t i = 0; i < posture->n_trusted; i++)
        trust(trusted, posture->trusted[i].roots);
}

static void load_backend(struct mesh_authority *m, const struct view *v, const struct ca_backend *backend,
                         bool issues, struct buf *trusted, struct err *e)
{
    struct authority *authority;
    if (authority_load(view_snap(v), view_mesh_name(v), backend, &authority, e) != ERR_NONE) {
        report(v, backend->name, e);
        return;
    }
    if (issues)
        set_issuer(m, authority, backend->name, ca_leaf_life_ns(backend));
    trust(trusted, blob_str(authority_bundle(authority)));
    authority_unref(authority);
}

static void load_listed(struct mesh_authority *m, const struct view *v, struct buf *trusted, struct arena *a)
{
    const struct ca_backend *enabled = mesh_enabled_backend(view_mesh(v));
    for (size_t i = 0; enabled && i < view_mesh(v)->mtls->n_backends; i++) {
        const struct ca_backend *backend = &view_mesh(v)->mtls->backends[i];
        struct err e;
        err_init(&e, a);
        load_backend(m, v, backend, backend == enabled, trusted, &e);
    }
}

static const struct resource *record_of(const struct view *v)
{
    return posture_record(view_snap(v), view_mesh_name(v));
}

static void load(struct mesh_authority *m, const struct view *v)
{
    struct arena a;
    struct err e;
    struct buf trusted;
    arena_init(&a);
    err_init(&e, &a);
    buf_init(&trusted, BUF_MAX_RESOURCE);
    drop(m);
    if (record_of(v))
        load_recorded(m, v, resource_mesh_posture(record_of(v)), &trusted, &e);
    else
        load_listed(m, v, &trusted, &a);
    m->trusted = trusted.n ? blob_from_buf(&trusted) : NULL;
    buf_fini(&trusted);
    arena_fini(&a);
}

/* Content hash of all that load() reads. */
static uint64_t source_of(const struct view *v)
{
    const struct resource *record = record_of(v);
    const struct ca_backend *enabled = mesh_enabled_backend(view_mesh(v));
    uint64_t source = 0;
    if (record)
        return record->spec_json->hash;
    for (size_t i = 0; enabled && i < view_mesh(v)->mtls->n_backends; i++) {
        const struct ca_backend *backend = &view_mesh(v)->mtls->backends[i];
        source = hash_mix(source, authority_source(view_snap(v), view_mesh_name(v), backend));
        if (backend == enabled)
            source = hash_mix(hash_mix(source, hash_content(backend->name.p, backend->name.n)),
                              (uint64_t)ca_leaf_life_ns(backend));
    }
    return source;
}

const struct mesh_authority *authorities_get(struct authorities *as, const struct view *v)
{
    struct loaded *l = find_or_add(as, view_mesh_name(v));
    uint64_t sequence = snap_sequence(view_snap(v));
    if (l->sequence == sequence)
        return &l->now;
    uint64_t source = source_of(v);
    if (l->sequence == 0 || l->source != source)
        load(&l->now, v);
    l->sequence = sequence;
    l->source = source;
    return &l->now;
}
