/* model.h -- meshes without a store, for tests of the compiler: resources, what one step changed, and
 * compilers that follow. For one file a program. */
#ifndef TESTS_UNIT_COMPILE_MODEL_H
#define TESTS_UNIT_COMPILE_MODEL_H

#include <string.h>

#include "../../lib/test.h"
#include "../../tools/fixed_certs.h"
#include "ursa/base/json.h"
#include "ursa/base/vec.h"

/* ---- the world: resources by key, and what one step changed ---- */
struct model {
    struct VEC(struct resource *) v;
    struct VEC(struct change) changes;
    uint64_t revision;
    struct snap *vips; /* a snapshot of nothing else; NULL: none were given */
    bool vips_changed; /* in this step */
};

static size_t model_at(const struct model *m, const struct res_key *key)
{
    size_t i = 0;
    while (i < m->v.n && res_key_cmp(&m->v.v[i]->key, key) != 0)
        i++;
    return i;
}

static void model_put(struct model *m, struct resource *r)
{
    size_t at = model_at(m, &r->key);
    struct resource *before = at < m->v.n ? m->v.v[at] : NULL;
    r->revision = ++m->revision;
    r->created_ns = before ? before->created_ns : (int64_t)(m->revision / 3); /* some are of one age */
    if (before)
        m->v.v[at] = r;
    else
        VEC_PUSH(&m->v, r);
    VEC_PUSH(&m->changes, ((struct change){CHANGE_PUT, before, resource_ref(r)}));
}

static void model_delete(struct model *m, const struct res_key *key)
{
    size_t at = model_at(m, key);
    if (at == m->v.n)
        return;
    VEC_PUSH(&m->changes, ((struct change){CHANGE_DELETE, m->v.v[at], NULL}));
    m->v.v[at] = m->v.v[--m->v.n];
}

static void model_end_step(struct model *m)
{
    for (size_t i = 0; i < m->changes.n; i++) {
        resource_unref(m->changes.v[i].before);
        resource_unref(m->changes.v[i].after);
    }
    VEC_CLEAR(&m->changes);
    m->vips_changed = false;
}

/* As the writer would, but at any time: gives a name an address, its first or another one. */
static void model_put_vip(struct model *m, struct str mesh, enum vip_kind kind, struct str name,
                          uint32_t lowest)
{
    uint32_t address;
    if (!m->vips)
        m->vips = snap_from_list(NULL, 0, 0);
    if (!snap_vips_free(m->vips, mesh, lowest, 1000, &address))
        FAIL("no address is left");
    snap_add_vip(m->vips, mesh, kind, name, address);
    m->vips_changed = true;
}

static struct snap *model_snap(const struct model *m)
{
    struct snap *snap = snap_from_list(m->v.v, m->v.n, m->revision);
    if (m->vips)
        snap_share_vips(snap, m->vips);
    return snap;
}

static void model_fini(struct model *m)
{
    for (size_t i = 0; i < m->v.n; i++)
        resource_unref(m->v.v[i]);
    VEC_FINI(&m->v);
    VEC_FINI(&m->changes);
    snap_unref(m->vips);
}

/* 'spec': the members of the document beside type, mesh and name. */
static void model_put_spec(struct model *m, enum res_type type, struct str mesh, struct str name,
                           struct str spec)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct str of = res_type_info(type)->scope == SCOPE_MESH
                        ? arena_printf(&a, ", \"mesh\": \"" STR_FMT "\"", STR_ARG(mesh))
                        : STR("");
    struct str text =
        arena_printf(&a, "{\"type\": \"" STR_FMT "\"" STR_FMT ", \"name\": \"" STR_FMT "\", " STR_FMT "}",
                     STR_ARG(res_type_info(type)->name), STR_ARG(of), STR_ARG(name), STR_ARG(spec));
    json_t *doc = NULL;
    struct resource *r = NULL;
    if (json_parse(text, &doc, &e) || resource_decode(type, doc, &r, &e))
        FAIL(STR_FMT ": " STR_FMT, STR_ARG(text), STR_ARG(err_render(&e, &a)));
    json_decref(doc);
    model_put(m, r);
    arena_fini(&a);
}

/* ---- compiling ---- */
static struct config_set *config(struct compiler *c, struct str mesh, struct str proxy)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    uint32_t dns = proxy.p[proxy.n - 1] % 2 ? 15054 : 0; /* some answer DNS */
    struct proxy_params params = {
        .mesh = mesh, .name = proxy, .admin_port = 9901, .dns_port = dns, .empty_dns_port = 15055};
    struct config_set *set = NULL;
    enum err_kind kind = compiler_config(c, &params, &set, &e);
    if (kind == ERR_BUG)
        FAIL(STR_FMT, STR_ARG(e.text));
    arena_fini(&a);
    return set;
}

static void expect_same(struct str proxy, const struct config_set *got, const struct config_set *want)
{
    EXPECT_TRUE("both or none", !got == !want);
    for (size_t t = 0; got && t < XDS_N; t++) {
        const struct xds_list *x = got->lists[t], *y = want->lists[t];
        EXPECT_INT(xds_type_info((enum xds_type)t)->short_name.p, x->n, y->n);
        EXPECT_TRUE("list version", x->version == y->version);
        for (size_t i = 0; i < x->n; i++) {
            EXPECT_TRUE("name", str_eq(x->v[i]->name, y->v[i]->name));
            if (!blob_eq(x->v[i]->any, y->v[i]->any))
                FAIL("proxy " STR_FMT ": " STR_FMT " differs", STR_ARG(proxy), STR_ARG(x->v[i]->name));
        }
    }
}

/* ---- a mesh that is compiled step by step ---- */
struct follower {
    struct str mesh;
    struct view *view; /* NULL: no such mesh */
    struct compiler *compiler;
};

static void follower_init(struct follower *f, struct str mesh)
{
    *f = (struct follower){.mesh = mesh, .compiler = compiler_new(mesh, &fixed_certs)};
}

static void follower_fini(struct follower *f)
{
    compiler_free(f->compiler);
    view_unref(f->view);
}

/* Moves to the model's present state. */
static void follow(struct follower *f, struct snap *snap, const struct model *m)
{
    struct view *next =
        f->view ? view_next(f->view, snap, m->changes.v, m->changes.n, NULL, NULL) : view_new(snap, f->mesh);
    compiler_update(f->compiler, next, m->changes.v, m->changes.n);
    view_unref(f->view);
    f->view = next;
}

/* What the proxy gets is, byte for byte, what 'full', which was built from nothing, gives. */
static void expect_full(struct follower *f, struct follower *full, struct str proxy)
{
    struct config_set *got = config(f->compiler, f->mesh, proxy);
    struct config_set *want = config(full->compiler, f->mesh, proxy);
    expect_same(proxy, got, want);
    config_set_unref(got);
    config_set_unref(want);
}

#endif
