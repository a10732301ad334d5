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

/* Calls 'each' (may be NULL) for every root that is wanted; whether there was one. */
static bool walk(const struct admit_request *req, struct store *store,
                 void (*each)(void *ctx, struct str mesh, const struct ca_backend *), void *ctx)
{
    bool any = false;
    struct snap *snap = store_snap(store);
    for (size_t i = 0; i < req->n_ops; i++) {
        const struct admit_op *op = &req->ops[i];
        bool is_mesh = op->kind == ADMIT_PUT && op->res->key.type == RES_MESH;
        const struct mesh_mtls *mtls = is_mesh ? resource_mesh(op->res)->mtls : NULL;
        for (size_t k = 0; mtls && k < mtls->n_backends; k++) {
            if (!is_wanted(snap, op->res->key.name, &mtls->backends[k]))
                continue;
            any = true;
            if (each)
                each(ctx, op->res->key.name, &mtls->backends[k]);
        }
    }
    snap_unref(snap);
    return any;
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
    *root = (struct root){.mesh = mesh, .backend = backend->name, .next = roots->first};
    if (come_by(roots, mesh, backend, root, &e) == ERR_NONE)
        roots->first = root;
    else
        defaults_wipe(root->key_pem);
}

static void make_all(struct work *work)
{
    struct roots *roots = CONTAINER_OF(work, struct roots, work);
    (void)walk(roots->request, roots->store, make, roots);
}

bool roots_begin(struct workers *workers, struct store *store, const struct str_list *ca_folders,
                 struct admit_request *req, struct mailbox *writer)
{
    if (!walk(req, store, NULL, NULL))
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
        defaults_wipe(root->key_pem);
    req->roots = NULL;
}
