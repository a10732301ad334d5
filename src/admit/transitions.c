/* transitions.c -- see transitions.h. */
#include "transitions.h"

#include "ursa/base/log.h"
#include "ursa/posture.h"

/* ---- which meshes ---- */

static bool uses(const struct resource *mesh, struct str secret)
{
    const struct mesh_mtls *mtls = resource_mesh(mesh)->mtls;
    for (size_t i = 0; mtls && i < mtls->n_backends; i++)
        if (ca_backend_uses_secret(mesh->key.name, &mtls->backends[i], secret))
            return true;
    return false;
}

/* The mesh whose posture the operation may change; STR_NONE: none. */
static struct str mesh_of(const struct admit_op *op)
{
    const struct res_key *key = op->kind == ADMIT_PUT ? &op->res->key : &op->key;
    if (op->kind == ADMIT_PUT && key->type == RES_MESH)
        return key->name;
    return key->type == RES_SECRET ? key->mesh : STR_NONE;
}

/* That Mesh before the operation, if it was there: one that is created is at its posture at once, since
 * nobody is told another. */
static const struct resource *concerned(const struct snap *snap, const struct admit_op *op)
{
    struct str name = mesh_of(op);
    const struct resource *mesh = name.p ? snap_find_mesh(snap, name) : NULL;
    if (mesh && op->kind == ADMIT_PUT && op->res->key.type == RES_MESH)
        return mesh;
    return mesh && uses(mesh, op->kind == ADMIT_PUT ? op->res->key.name : op->key.name) ? mesh : NULL;
}

static void note(struct transitions *t, const struct snap *snap, const struct resource *mesh)
{
    struct mesh_posture_spec *present = ARENA_NEW(&t->arena, struct mesh_posture_spec);
    struct str name = arena_str(&t->arena, mesh->key.name);
    struct err e;
    err_init(&e, &t->arena);
    if (map_find(&t->meshes, name))
        return;
    /* What cannot be told now, proxies are not told either: there is nothing to lead away from. */
    if (posture_present(snap, mesh, &t->arena, present, &e) == ERR_NONE)
        map_put(&t->meshes, name, present);
}

void transitions_begin(struct transitions *t, struct store *store, const struct admit_request *req)
{
    *t = (struct transitions){.store = store};
    arena_init(&t->arena);
    map_init(&t->meshes);
    for (size_t i = 0; i < req->n_ops; i++) {
        const struct snap *snap = store_pending(store);
        const struct resource *mesh = concerned(snap, &req->ops[i]);
        if (mesh)
            note(t, snap, mesh);
    }
}

void transitions_fini(struct transitions *t)
{
    map_fini(&t->meshes);
    arena_wipe(&t->arena);
}

/* ---- records ---- */

static enum err_kind put_record(struct store *store, struct str mesh, struct mesh_posture_spec *posture,
                                int64_t now_ns, struct err *e)
{
    struct res_key key = posture_key(mesh);
    posture->since = (struct opt_time){true, now_ns};
    struct resource *record = resource_from_spec(&key, posture);
    enum err_kind kind = store_tx_put(store, record, e);
    resource_unref(record);
    return kind;
}

static enum err_kind remove_record(struct store *store, struct str mesh, struct err *e)
{
    struct res_key key = posture_key(mesh);
    return posture_record(store_pending(store), mesh) ? store_tx_delete(store, &key, e) : ERR_NONE;
}

/* Who wants what cannot be had stays where it is, until somebody puts it right. */
static bool is_wanted(const struct snap *snap, const struct resource *mesh, struct arena *a,
                      struct mesh_posture_spec *wanted)
{
    struct err e;
    err_init(&e, a);
    if (posture_wanted(snap, mesh, a, wanted, &e) == ERR_NONE)
        return true;
    struct str text = err_render(&e, a), name = mesh->key.name;
    log_error("admit", "mesh=" STR_FMT " keeps its CA: " STR_FMT, STR_ARG(name), STR_ARG(text));
    return false;
}

/* ---- steps ---- */

/* Leads the mesh from 'present' as far as it may go now. */
static enum err_kind step(struct store *store, struct str mesh_name, const struct mesh_posture_spec *present,
                          bool acked, int64_t now_ns, enum admit_outcome *outcome, struct err *e)
{
    const struct snap *snap = store_pending(store);
    const struct resource *mesh = snap_find_mesh(snap, mesh_name);
    const struct resource *record = posture_record(snap, mesh_name);
    struct mesh_posture_spec wanted, next = *present;
    struct arena a;
    enum err_kind kind = ERR_NONE;
    *outcome = OUTCOME_UNCHANGED;
    if (!mesh)
        return ERR_NONE;
    arena_init(&a);
    bool known = is_wanted(snap, mesh, &a, &wanted);
    if (known)
        posture_next(present, &wanted, acked, &a, &next);
    if (next.n_trusted > POSTURE_TRUSTED_MAX)
        kind =
            err_set(e, ERR_CONFLICT,
                    "mesh \"" STR_FMT "\" would trust %zu CAs: wait until its proxies have followed the last "
                    "changes",
                    STR_ARG(mesh_name), next.n_trusted);
    else if (known && posture_eq(&next, &wanted)) {
        *outcome = record ? OUTCOME_DELETED : OUTCOME_UNCHANGED;
        kind = remove_record(store, mesh_name, e);
    } else if (!record || !posture_eq(&next, resource_mesh_posture(record))) {
        *outcome = OUTCOME_UPDATED;
        kind = put_record(store, mesh_name, &next, now_ns, e);
    }
    arena_wipe(&a);
    return kind;
}

void transitions_end(struct transitions *t, struct admit_request *req, int64_t now_ns)
{
    enum admit_outcome ignored;
    for (size_t i = 0; i < req->n_ops; i++) {
        struct admit_op *op = &req->ops[i];
        struct str mesh = mesh_of(op);
        const struct mesh_posture_spec *present = mesh.p ? map_del(&t->meshes, mesh) : NULL;
        if (present && step(t->store, mesh, present, false, now_ns, &ignored, &op->err) != ERR_NONE)
            return;
    }
}

enum err_kind transition_advance(struct store *store, const struct resource *record, int64_t now_ns,
                                 enum admit_outcome *outcome, struct err *e)
{
    struct resource *held = resource_ref((struct resource *)(uintptr_t)record); /* the step may remove it */
    enum err_kind kind = step(store, held->key.mesh, resource_mesh_posture(held), true, now_ns, outcome, e);
    resource_unref(held);
    return kind;
}
