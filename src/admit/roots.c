/* roots.c -- see roots.h. */
#include "roots.h"

#include "defaults.h"
#include "ursa/ca.h"

struct root {
    struct str mesh, backend, cert_pem, key_pem;
    struct root *next;
};

/* In the arena of its request. */
struct roots {
    struct work work;
    struct admit_request *request;
    struct store *store;
    const struct str_list *ca_folders;
    struct root *first;
};

/* ---- which are wanted ---- */

static bool is_stored(const struct snap *snap, const struct res_key *secret)
{
    return snap_find(snap, secret->type, secret->mesh, secret->name) != NULL;
}

static bool is_wanted(const struct snap *snap, struct str mesh, const struct ca_backend *backend)
{
    if (ca_backend_has_files(backend))
        return true;
    if (!ca_builtin_is_slow(backend))
        return false;
    struct arena a;
    arena_init(&a);
    struct res_key cert = ca_builtin_cert_secret(&a, mesh, backend->name);
    struct res_key key = ca_builtin_key_secret(&a, mesh, backend->name);
    bool stored = is_stored(snap, &cert) && is_stored(snap, &key);
    arena_fini(&a);
    return !stored;
}

/* What is to be done for each root that is wanted. */
struct walk {
    void (*each)(void *ctx, struct str mesh, const struct ca_backend *); /* may be NULL */
    void *ctx;
    bool any;
};

static void visit(struct walk *w, struct str mesh, const struct ca_backend *backend)
{
    w->any = true;
    if (w->each)
        w->each(w->ctx, mesh, backend);
}

static void visit_missing(struct walk *w, const struct snap *snap, const struct resource *mesh)
{
    const struct mesh_mtls *mtls = resource_mesh(mesh)->mtls;
    for (size_t i = 0; mtls && i < mtls->n_backends; i++)
        if (is_wanted(snap, mesh->key.name, &mtls->backends[i]))
            visit(w, mesh->key.name, &mtls->backends[i]);
}

static void visit_renewed(struct walk *w, const struct snap *snap, const struct res_key *secret)
{
    const struct resource *mesh = snap_find_mesh(snap, secret->mesh);
    const struct ca_backend *backend =
        mesh ? ca_builtin_of_secret(secret->mesh, resource_mesh(mesh), secret->name) : NULL;
    if (backend && ca_builtin_is_slow(backend))
        visit(w, secret->mesh, backend);
}

static void walk(struct walk *w, const struct admit_request *req, struct store *store)
{
    struct snap *snap = store_snap(store);
    for (size_t i = 0; i < req->n_ops; i++) {
        const struct admit_op *op = &req->ops[i];
        if (op->kind == ADMIT_PUT && op->res->key.type == RES_MESH)
            visit_missing(w, snap, op->res);
        else if (op->kind == ADMIT_RENEW_CA)
            visit_renewed(w, snap, &op->key);
    }
    snap_unref(snap);
}

/* ---- making and reading them, on a worker ---- */

static enum err_kind come_by(const struct roots *roots, struct str mesh, const struct ca_backend *backend,
                             struct root *root, struct err *e)
{
    struct ca_files files;
    if (!ca_backend_has_files(backend))
        return ca_builtin_new(mesh, backend, e->arena, &root->cert_pem, &root->key_pem, e);
    enum err_kind kind = ca_files_read(roots->ca_folders, backend, 0, e->arena, &files, e);
    root->cert_pem = files.cert;
    root->key_pem = files.key;
    return kind;
}

/* What cannot be made or read has a fault that the writer will find too. */
static void make(void *ctx, struct str mesh, const struct ca_backend *backend)
{
    struct roots *roots = ctx;
    struct arena *a = &roots->request->arena;
    struct root *root = ARENA_NEW(a, struct root);
    struct err e;
    err_init(&e, a);
    *root = (struct root){
        .mesh = arena_str(a, mesh), .backend = arena_str(a, backend->name), .next = roots->first};
    if (come_by(roots, mesh, backend, root, &e) == ERR_NONE)
        roots->first = root;
    else
        str_wipe(root->key_pem);
}

static void make_all(struct work *work)
{
    struct roots *roots = CONTAINER_OF(work, struct roots, work);
    struct walk w = {.each = make, .ctx = roots};
    walk(&w, roots->request, roots->store);
}

bool roots_begin(struct workers *workers, struct store *store, const struct str_list *ca_folders,
                 struct admit_request *req, struct mailbox *writer)
{
    struct walk w = {.any = false};
    walk(&w, req, store);
    if (!w.any)
        return false;
    req->roots = ARENA_NEW(&req->arena, struct roots);
    *req->roots = (struct roots){.work = {.run = make_all, .mail = &req->mail, .box = writer},
                                 .request = req,
                                 .store = store,
                                 .ca_folders = ca_folders};
    workers_give(workers, &req->roots->work, req->author, WORK_NOW);
    return true;
}

/* ---- what was made ---- */

bool roots_take(const struct admit_request *req, struct str mesh, struct str backend, struct str *cert_pem,
                struct str *key_pem)
{
    for (const struct root *root = req->roots ? req->roots->first : NULL; root; root = root->next) {
        if (!str_eq(root->mesh, mesh) || !str_eq(root->backend, backend))
            continue;
        *cert_pem = root->cert_pem;
        *key_pem = root->key_pem;
        return true;
    }
    return false;
}

void roots_wipe(struct admit_request *req)
{
    for (const struct root *root = req->roots ? req->roots->first : NULL; root; root = root->next)
        str_wipe(root->key_pem);
    req->roots = NULL;
}
