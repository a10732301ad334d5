/* fixture.h -- a writer over a store in memory, and requests written as documents. */
#ifndef TESTS_ADMIT_FIXTURE_H
#define TESTS_ADMIT_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "../../lib/test.h"
#include "ursa/admit.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"

struct fixture {
    struct store *store;
    struct admit *admit;
    struct admit_options options;
    struct arena arena;
    struct err err;
};

static inline void writer_start(struct fixture *f)
{
    err_init(&f->err, &f->arena);
    if (admit_start(&f->options, &f->admit, &f->err) != ERR_NONE)
        FAIL("admit_start: " STR_FMT, STR_ARG(err_render(&f->err, &f->arena)));
}

static inline void fixture_prepare(struct fixture *f)
{
    static const struct store_options memory = {.kind = STORE_MEMORY, .history_revisions = 1000};
    log_set_level(LOG_ERROR);
    *f = (struct fixture){0};
    arena_init(&f->arena);
    err_init(&f->err, &f->arena);
    if (store_open(&memory, &f->store, &f->err) != ERR_NONE)
        FAIL("store_open");
    f->options.store = f->store;
}

/* A fresh store with the mesh "default". */
static inline void fixture_init(struct fixture *f)
{
    fixture_prepare(f);
    writer_start(f);
}

static inline void fixture_fini(struct fixture *f)
{
    admit_stop(f->admit);
    store_close(f->store);
    arena_fini(&f->arena);
}

/* The resource that a document describes. */
static inline struct resource *decoded(const char *text)
{
    struct arena arena;
    struct err e;
    struct resource *r = NULL;
    JSON_AUTO doc = NULL;
    arena_init(&arena);
    err_init(&e, &arena);
    if (json_parse(str_from_c(text), &doc, &e) != ERR_NONE)
        FAIL("%s: " STR_FMT, text, STR_ARG(e.text));
    enum res_type type = res_type_by_name(json_str(json_get(doc, "type")));
    if (type == RES_N || resource_decode(type, doc, &r, &e) != ERR_NONE)
        FAIL("%s: " STR_FMT, text, STR_ARG(err_render(&e, &arena)));
    arena_fini(&arena);
    return r;
}

/* "-Type/mesh/name" */
static inline struct res_key deleted(const char *text)
{
    struct str rest = str_from_c(text + 1), type, mesh;
    str_next(&rest, '/', &type);
    str_next(&rest, '/', &mesh);
    return (struct res_key){.type = res_type_by_name(type), .mesh = mesh, .name = rest};
}

/* A document is put; "-Type/mesh/name" is deleted. The list ends with NULL; it must outlive the request. */
static inline struct admit_request *request_of(const char *const *docs)
{
    size_t n = 0;
    while (docs[n])
        n++;
    struct admit_request *req = admit_request_new(n);
    req->author = STR("tester");
    req->origin = ORIGIN_API;
    for (size_t i = 0; i < n; i++) {
        if (docs[i][0] == '-')
            req->ops[i] = (struct admit_op){.kind = ADMIT_DELETE, .key = deleted(docs[i])};
        else
            req->ops[i] = (struct admit_op){.kind = ADMIT_PUT, .res = decoded(docs[i])};
    }
    return req;
}
#define DOCS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* "created, updated; 2: mesh: ..." : outcomes of the operations, then the faults with their operation's
 * number. */
static inline struct str answer(const struct admit_request *req, struct arena *a)
{
    static const char *const outcomes[] = {[OUTCOME_NONE] = "none",
                                           [OUTCOME_CREATED] = "created",
                                           [OUTCOME_UPDATED] = "updated",
                                           [OUTCOME_UNCHANGED] = "unchanged",
                                           [OUTCOME_DELETED] = "deleted"};
    struct str text = STR_NONE;
    for (size_t i = 0; i < req->n_ops; i++)
        text = arena_printf(a, STR_FMT "%s%s", STR_ARG(text), i ? ", " : "", outcomes[req->ops[i].outcome]);
    for (size_t i = 0; i < req->n_ops; i++)
        if (req->ops[i].err.kind != ERR_NONE)
            text = arena_printf(a, STR_FMT "; %zu: " STR_FMT, STR_ARG(text), i,
                                STR_ARG(err_render(&req->ops[i].err, a)));
    return text;
}

/* Runs a request to its end and gives its answer. */
static inline struct str run_request(struct fixture *f, struct admit_request *req)
{
    admit_run(f->admit, req);
    struct str text = answer(req, &f->arena);
    admit_request_free(req);
    return text;
}

static inline struct str run_docs(struct fixture *f, const char *const *docs)
{
    return run_request(f, request_of(docs));
}

/* "name name": what there is of a type, in a mesh. */
static inline struct str names_of(struct fixture *f, enum res_type type, const char *mesh)
{
    struct snap *snap = store_snap(f->store);
    struct snap_range range = snap_range(snap, type, str_from_c(mesh));
    struct snap_iter it = snap_iter(&range);
    struct str text = STR_NONE;
    for (const struct resource *r; (r = snap_next(&it));)
        text = arena_printf(&f->arena, STR_FMT "%s" STR_FMT, STR_ARG(text), text.n ? " " : "",
                            STR_ARG(r->key.name));
    snap_unref(snap);
    return text;
}

/* The spec as GET shows it; "" when the resource is not there. */
static inline struct str spec_of(struct fixture *f, enum res_type type, const char *mesh, const char *name)
{
    struct snap *snap = store_snap(f->store);
    const struct resource *r = snap_find(snap, type, str_from_c(mesh), str_from_c(name));
    struct str text = STR_NONE;
    if (r) {
        JSON_AUTO spec = resource_spec_to_json(r);
        text = json_format(&f->arena, spec);
    }
    snap_unref(snap);
    return text;
}

static inline uint64_t revision_of(struct fixture *f)
{
    struct store_stats stats;
    store_stats(f->store, &stats);
    return stats.revision;
}

#define DATAPLANE(mesh, name, service)                                                                       \
    "{\"type\":\"Dataplane\",\"mesh\":\"" mesh "\",\"name\":\"" name                                         \
    "\",\"networking\":{\"address\":\"10.0.0.1\","                                                           \
    "\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/service\":\"" service "\"}}]}}"
#define MESH(name) "{\"type\":\"Mesh\",\"name\":\"" name "\"}"
#define MESH_WITH(name, spec) "{\"type\":\"Mesh\",\"name\":\"" name "\"," spec "}"
#define MTLS(backend)                                                                                        \
    "\"mtls\":{\"enabledBackend\":\"" backend "\",\"backends\":[{\"name\":\"" backend                        \
    "\",\"type\":\"builtin\"}]}"
#define SECRET(mesh, name)                                                                                   \
    "{\"type\":\"Secret\",\"mesh\":\"" mesh "\",\"name\":\"" name "\",\"data\":\"YQ==\"}"

#endif
