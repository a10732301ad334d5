/* world.h -- what the tests of doctor stand on: a snapshot from short texts, with the CAs that its Meshes
 * name, and what an examination finds in it. */
#ifndef URSA_TESTS_DOCTOR_WORLD_H
#define URSA_TESTS_DOCTOR_WORLD_H

#include "../../lib/test.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/doctor.h"

#define MADE_NS (INT64_C(1800000000) * NS_PER_S) /* when all of it is made */
#define DAY_NS (24 * 3600 * NS_PER_S)
#define WORLD_MAX 64

struct world {
    struct arena arena;
    struct resource *v[WORLD_MAX];
    size_t n;
    struct snap *snap;
    struct doctor_facts facts;
    json_t *config;
    int64_t now_ns;
    const struct ads_laggard *laggards;
    size_t n_laggards;
};

static inline void world_init(struct world *w)
{
    *w = (struct world){.now_ns = MADE_NS};
    arena_init(&w->arena);
    clock_fake(0, MADE_NS);
}

static inline void world_fini(struct world *w)
{
    snap_unref(w->snap);
    for (size_t i = 0; i < w->n; i++)
        resource_unref(w->v[i]);
    json_decref(w->config);
    arena_fini(&w->arena);
    clock_fake(-1, -1);
}

/* JSON with single quotes. */
static inline json_t *world_json(struct world *w, const char *text)
{
    char *quoted = arena_cstr(&w->arena, str_from_c(text));
    json_error_t fault;
    json_t *o;

    for (char *p = quoted; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    o = json_loads(quoted, 0, &fault);
    if (!o)
        FAIL("%s: %s", text, fault.text);
    return o;
}

static inline struct resource *world_keep(struct world *w, struct resource *r)
{
    r->created_ns = r->modified_ns = MADE_NS;
    w->v[w->n++] = r;
    return r;
}

static inline void world_put_secret(struct world *w, struct res_key key, struct str data)
{
    world_keep(w, resource_from_spec(&key, &(struct secret_spec){.data = data}));
}

/* A Mesh's builtin CAs, made at MADE_NS. */
static inline void world_make_authorities(struct world *w, const struct resource *mesh)
{
    const struct mesh_mtls *mtls = resource_mesh(mesh)->mtls;

    for (size_t i = 0; mtls && i < mtls->n_backends; i++) {
        const struct ca_backend *b = &mtls->backends[i];
        struct str cert, key, name = mesh->key.name;
        struct err e;

        err_init(&e, &w->arena);
        if (!str_eq(b->type, STR("builtin")))
            continue;
        if (ca_builtin_new(name, b, &w->arena, &cert, &key, &e) != ERR_NONE)
            FAIL(STR_FMT, STR_ARG(err_render(&e, &w->arena)));
        world_put_secret(w, ca_builtin_cert_secret(&w->arena, name, b->name), cert);
        world_put_secret(w, ca_builtin_key_secret(&w->arena, name, b->name), key);
    }
}

/* A resource from such a text; what only the control plane writes too. */
static inline struct resource *world_add(struct world *w, const char *text)
{
    JSON_AUTO doc = world_json(w, text);
    struct resource *r = NULL;
    struct err e;

    err_init(&e, &w->arena);
    if (resource_decode(res_type_by_name(json_str(json_get(doc, "type"))), doc, &r, &e) != ERR_NONE)
        FAIL("%s: " STR_FMT, text, STR_ARG(err_render(&e, &w->arena)));
    world_keep(w, r);
    if (r->key.type == RES_MESH)
        world_make_authorities(w, r);
    return r;
}

/* "id severity mesh resource", a line each; in the arena. */
static inline struct str world_findings(struct world *w, const struct doctor_reader *reader,
                                        struct findings *out)
{
    struct doctor_world world = {.now_ns = w->now_ns, .facts = &w->facts};
    struct str text = STR("");

    if (!w->snap)
        w->snap = snap_from_list(w->v, w->n, 1);
    w->facts.config = w->config;
    world.snap = w->snap;
    world.laggards = w->laggards;
    world.n_laggards = w->n_laggards;
    doctor_examine(&world, reader, &w->arena, out);
    for (size_t i = 0; i < out->n; i++) {
        const struct finding *f = &out->v[i];

        text =
            arena_printf(&w->arena, STR_FMT STR_FMT " " STR_FMT " " STR_FMT ": " STR_FMT "\n", STR_ARG(text),
                         STR_ARG(finding_id_name(f->id)), STR_ARG(finding_severity_name(f->severity)),
                         STR_ARG(f->mesh), STR_ARG(f->resource));
    }
    return text;
}

#endif
