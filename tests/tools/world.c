/* A memory store and its writer, fed with YAML. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/json.h"
#include "ursa/posture.h"

struct world {
    enum res_origin origin; /* of what is applied */
    struct store *store;
    struct admit *admit;
};

void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static void check(enum err_kind kind, const struct err *e, const char *what)
{
    if (kind != ERR_NONE)
        die("%s: " STR_FMT, what, STR_ARG(err_render(e, e->arena)));
}

char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        die("%s: cannot be read", path);
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    char chunk[65536];
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(&b, chunk, got);
    fclose(f);
    char *text = xstrndup(buf_str(&b));
    *n = b.n;
    buf_fini(&b);
    return text;
}

struct world *world_new(void (*subscribe)(void *, struct store *), void *ctx)
{
    struct world *w = xcalloc(1, sizeof *w);
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    check(store_open(&(struct store_options){.kind = STORE_MEMORY}, &w->store, &e), &e, "store");
    if (subscribe)
        subscribe(ctx, w->store);
    check(admit_start(&(struct admit_options){.store = w->store}, &w->admit, &e), &e, "writer");
    arena_fini(&a);
    return w;
}

void world_free(struct world *w, void (*stop)(void))
{
    admit_stop(w->admit);
    if (stop)
        stop();
    store_close(w->store);
    free(w);
}

struct store *world_store(struct world *w)
{
    return w->store;
}

static void submit(struct world *w, struct admit_request *r, struct str what, enum res_type type)
{
    r->author = STR("test");
    r->origin = w->origin;
    if (res_type_info(type)->traits & RES_READ_ONLY) /* what the control plane itself writes */
        r->origin = ORIGIN_SYSTEM;
    admit_run(w->admit, r);
    if (r->kind != ERR_NONE)
        die(STR_FMT ": " STR_FMT, STR_ARG(what), STR_ARG(err_render(&r->ops[0].err, &r->arena)));
    admit_request_free(r);
}

static struct resource *decoded(const json_t *doc, struct arena *a)
{
    struct err e;
    err_init(&e, a);
    enum res_type type = res_type_by_name(resource_doc_type(doc));
    if (type == RES_N)
        die(STR_FMT ": no such type", STR_ARG(resource_doc_type(doc)));
    struct resource *res;
    check(resource_decode(type, doc, &res, &e), &e, "document");
    return res;
}

static bool is_dataplane(const struct yaml_doc *doc)
{
    return res_type_by_name(resource_doc_type(doc->root)) == RES_DATAPLANE;
}

/* One request. */
static void put(struct world *w, const struct yaml_doc *docs, size_t n, struct arena *a)
{
    struct admit_request *r = admit_request_new(n);
    for (size_t i = 0; i < n; i++) {
        r->ops[i].kind = ADMIT_PUT;
        r->ops[i].res = decoded(docs[i].root, a);
    }
    const struct res_key *first = &r->ops[0].res->key;
    submit(w, r, arena_str(a, first->name), first->type);
}

void world_delete(struct world *w, enum res_type type, struct str mesh, struct str name)
{
    struct admit_request *r = admit_request_new(1);
    r->ops[0].kind = ADMIT_DELETE;
    r->ops[0].key = (struct res_key){type, arena_str(&r->arena, mesh), arena_str(&r->arena, name)};
    submit(w, r, name, type);
}

static void advance(struct world *w, const struct resource *record)
{
    struct admit_request *r = admit_advance_new((struct resource *)(uintptr_t)record);
    admit_run(w->admit, r);
    if (r->ops[0].outcome == OUTCOME_UNCHANGED)
        die(STR_FMT ": no step was taken", STR_ARG(record->key.mesh));
    admit_request_free(r);
}

/* As if all proxies had taken over what they were told. */
static void advance_mesh(struct world *w, struct str mesh)
{
    struct snap *snap = store_snap(w->store);
    const struct resource *record = posture_record(snap, mesh);
    if (!record)
        die(STR_FMT ": the mesh is not on its way", STR_ARG(mesh));
    advance(w, record);
    snap_unref(snap);
}

void world_arrive(struct world *w)
{
    for (;;) {
        struct snap *snap = store_snap(w->store);
        struct snap_range left = snap_range(snap, RES_MESH_POSTURE, STR_NONE);
        if (left.n > 0)
            advance(w, snap_at(&left, 0));
        snap_unref(snap);
        if (left.n == 0)
            return;
    }
}

void world_apply(struct world *w, struct str yaml)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct yaml_doc *docs;
    size_t n, n_taken;
    check(yaml_parse(yaml, 10000, &docs, &n, &e), &e, "YAML");
    for (size_t i = 0; i < n; i += n_taken) {
        const json_t *doc = docs[i].root;
        n_taken = 1;
        if (str_eq(resource_doc_type(doc), STR("Delete"))) {
            world_delete(w, res_type_by_name(json_str(json_get(doc, "kind"))),
                         json_str(json_get(doc, "mesh")), json_str(json_get(doc, "name")));
            continue;
        }
        if (str_eq(resource_doc_type(doc), STR("Advance"))) {
            advance_mesh(w, json_str(json_get(doc, "mesh")));
            continue;
        }
        while (is_dataplane(&docs[i]) && i + n_taken < n && is_dataplane(&docs[i + n_taken]))
            n_taken++;
        put(w, &docs[i], n_taken, &a);
    }
    for (size_t i = 0; i < n; i++)
        json_decref(docs[i].root);
    arena_fini(&a);
}

void world_bring(struct world *w, struct str yaml)
{
    w->origin = ORIGIN_PROXY;
    world_apply(w, yaml);
    w->origin = ORIGIN_API;
}
