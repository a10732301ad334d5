/* The authorities of meshes: reading a key takes longer than issuing with it, and each pass asks for each
 * proxy. */
#include "authorities.h"

#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"
#include "ursa/base/log.h"

struct loaded {
    struct authority *authority; /* NULL: it cannot be used */
    uint64_t sequence;           /* of the snapshot that was looked at last; 0: none yet */
    uint64_t source;             /* what it is made of */
    char mesh[];
};

void authorities_init(struct authorities *as)
{
    map_init(&as->by_mesh);
}

static void loaded_free(struct loaded *l)
{
    if (l)
        authority_unref(l->authority);
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

static void load(struct loaded *l, const struct view *v, const struct ca_backend *backend)
{
    struct str mesh = view_mesh_name(v);
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct authority *fresh = NULL;
    if (authority_load(view_snap(v), mesh, backend, &fresh, &e)) {
        struct str text = err_render(&e, &a);
        log_error("compile", "mesh=" STR_FMT " backend=" STR_FMT " CA not usable: " STR_FMT, STR_ARG(mesh),
                  STR_ARG(backend->name), STR_ARG(text));
    }
    authority_unref(l->authority);
    l->authority = fresh;
    arena_fini(&a);
}

struct authority *authorities_get(struct authorities *as, const struct view *v,
                                  const struct ca_backend *backend)
{
    struct loaded *l = find_or_add(as, view_mesh_name(v));
    uint64_t sequence = snap_sequence(view_snap(v));
    if (l->sequence == sequence)
        return l->authority;
    uint64_t source = authority_source(view_snap(v), view_mesh_name(v), backend);
    if (l->sequence == 0 || l->source != source)
        load(l, v, backend);
    l->sequence = sequence;
    l->source = source;
    return l->authority;
}
