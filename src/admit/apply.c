/* apply.c -- one request, all of it or nothing.
 *
 * The operations run in an order that lets a document precede what it needs (a Dataplane its Mesh); rules
 * look at the state that the earlier operations made. An operation at fault is left out and the others still
 * run, so that the client gets every fault at once; the transaction is then undone. */
#include "apply.h"

#include "defaults.h"
#include "rules.h"
#include "transitions.h"
#include "ursa/base/clock.h"
#include "ursa/base/map.h"
#include "ursa/posture.h"
#include "vips.h"

struct apply {
    struct store *store;
    struct admit_request *req;
    struct str zone;
    int64_t now_ns;
    const struct str_list *ca_folders;
    struct map meshes; /* name to the Mesh that this request puts, valid or not */
};

/* A Mesh is finished after all puts: the defaults it would get may be among them. What goes may be in the way
 * of what comes; Secrets and Meshes go last, when nothing refers to them any more. */
enum phase {
    DELETE_OTHER,
    PUT_MESH,
    PUT_SECRET,
    PUT_OTHER,
    FINISH_MESH,
    DELETE_SECRET,
    DELETE_MESH,
    N_PHASES
};

static const struct res_key *op_key(const struct admit_op *op)
{
    return op->kind == ADMIT_PUT ? &op->res->key : &op->key;
}

static bool in_phase(const struct admit_op *op, enum phase phase)
{
    enum res_type type = op_key(op)->type;
    bool is_mesh = type == RES_MESH, is_secret = type == RES_SECRET || type == RES_GLOBAL_SECRET;
    bool is_put = op->kind != ADMIT_DELETE;
    switch (phase) {
    case PUT_MESH:
    case FINISH_MESH:
        return is_put && is_mesh;
    case PUT_SECRET:
        return is_put && is_secret;
    case PUT_OTHER:
        return is_put && !is_mesh && !is_secret;
    case DELETE_OTHER:
        return !is_put && !is_mesh && !is_secret;
    case DELETE_SECRET:
        return !is_put && is_secret;
    case DELETE_MESH:
        return !is_put && is_mesh;
    case N_PHASES:
        break;
    }
    return false;
}

static const struct resource *find(const struct apply *a, const struct res_key *key)
{
    return snap_find(store_pending(a->store), key->type, key->mesh, key->name);
}

/* ---- puts ---- */

/* The resource with what is filled in when it is stored; a new reference. */
static struct resource *complete(const struct apply *a, struct resource *res, bool is_new)
{
    if (res->key.type == RES_MESH)
        return mesh_apply_defaults(res);
    if (res->key.type == RES_DATAPLANE)
        return dataplane_apply_defaults(res, a->zone, is_new);
    return resource_ref(res);
}

static enum err_kind check_put(const struct apply *a, const struct resource *res, const struct resource *mesh,
                               struct err *e)
{
    if (res->key.type == RES_DATAPLANE)
        return mesh_check_membership(resource_mesh(mesh), res->key.mesh, resource_dataplane(res), e);
    if (res->key.type == RES_RATE_LIMIT)
        return rule_rate_limit(store_pending(a->store), res, e);
    if (res->key.type == RES_EXTERNAL_SERVICE)
        return rule_external_service(store_pending(a->store), res, e);
    return ERR_NONE;
}

/* Equal text is not all: a Dataplane that a proxy brought becomes one that stays when it is put by hand. */
static bool is_unchanged(const struct apply *a, const struct resource *res, const struct resource *before)
{
    return before && blob_eq(before->spec_json, res->spec_json) &&
           (before->origin == ORIGIN_PROXY) == (a->req->origin == ORIGIN_PROXY);
}

static enum err_kind put_complete(struct apply *a, struct admit_op *op, struct resource *res,
                                  const struct resource *before)
{
    const struct resource *mesh = NULL;
    bool mesh_is_stored = true;
    if (res_type_info(res->key.type)->scope == SCOPE_MESH) {
        mesh = snap_find_mesh(store_pending(a->store), res->key.mesh);
        mesh_is_stored = mesh != NULL;
        if (!mesh)
            mesh = map_find(&a->meshes, res->key.mesh);
        if (!mesh)
            return rule_no_mesh(res->key.mesh, &op->err);
    }
    /* What stays as it is was let in when it came: a proxy that comes back after its mesh's constraints have
     * changed is no new member, and is not thrown out. */
    if (op->keep_unchanged && is_unchanged(a, res, before)) {
        op->outcome = OUTCOME_UNCHANGED;
        return ERR_NONE;
    }
    if (check_put(a, res, mesh, &op->err) != ERR_NONE)
        return op->err.kind;
    if (!mesh_is_stored)
        return ERR_NONE; /* the fault is its Mesh's, in this very request */
    return store_tx_put(a->store, res, &op->err);
}

static enum err_kind check_condition(struct admit_op *op, const struct resource *before)
{
    if (op->if_base && before != op->base)
        return err_set(&op->err, ERR_STALE, "it was changed at the same time");
    return op->condition ? op->condition(op->condition_ctx, before, &op->err) : ERR_NONE;
}

static enum err_kind op_put(struct apply *a, struct admit_op *op)
{
    const struct res_key *key = &op->res->key;
    if (rule_writable(key->type, a->req->origin, &op->err) != ERR_NONE)
        return op->err.kind;
    /* The status of a proxy that is gone by now: nobody's fault, and nothing to keep. */
    if (key->type == RES_DATAPLANE_INSIGHT &&
        !snap_find(store_pending(a->store), RES_DATAPLANE, key->mesh, key->name)) {
        op->outcome = OUTCOME_NONE;
        return ERR_NONE;
    }
    const struct resource *before = find(a, key);
    op->outcome = before ? OUTCOME_UPDATED : OUTCOME_CREATED;
    if (check_condition(op, before) != ERR_NONE)
        return op->err.kind;
    struct resource *res = op->restores ? resource_ref(op->res) : complete(a, op->res, !before);
    if (key->type == RES_DATAPLANE) {
        struct resource *document = res;
        res = dataplane_keep_health(document, before);
        resource_unref(document);
    }
    enum err_kind kind = put_complete(a, op, res, before);
    resource_unref(res);
    return kind;
}

/* No rule has a say in it: it is how things are. */
static enum err_kind op_health(struct apply *a, struct admit_op *op)
{
    const struct resource *before = find(a, &op->key);
    op->outcome = OUTCOME_UPDATED;
    if (check_condition(op, before) != ERR_NONE)
        return op->err.kind;
    if (before && str_eq(before->health, op->health)) {
        op->outcome = OUTCOME_UNCHANGED;
        return ERR_NONE;
    }
    return store_tx_health(a->store, &op->key, op->health, &op->err);
}

static enum err_kind check_backends(const struct apply *a, const struct resource *mesh, struct err *e)
{
    const struct offline *offline = a->req->offline;
    const struct snap *secrets = offline && offline->secrets_elsewhere ? NULL : store_pending(a->store);
    struct snap *published = store_snap(a->store);
    const struct resource *before = snap_find_mesh(published, mesh->key.name);
    enum err_kind kind = rule_ca_backends(secrets, before ? resource_mesh(before) : NULL, mesh, e);
    snap_unref(published);
    return kind;
}

static enum err_kind op_finish(struct apply *a, struct admit_op *op)
{
    if (op->err.kind != ERR_NONE)
        return ERR_NONE; /* counted already */
    const struct resource *mesh = find(a, &op->res->key);
    if (!a->req->offline &&
        defaults_take_files(a->store, a->req, a->ca_folders, mesh, op->restores, &op->err) != ERR_NONE)
        return op->err.kind;
    if (check_backends(a, mesh, &op->err) != ERR_NONE || a->req->offline)
        return op->err.kind;
    return defaults_finish_mesh(a->store, a->req, mesh, op->outcome == OUTCOME_CREATED && !op->restores,
                                &op->err);
}

/* ---- deletes ---- */

static enum err_kind check_delete(const struct apply *a, const struct res_key *key, struct err *e)
{
    if (key->type == RES_MESH)
        return rule_mesh_delete(store_pending(a->store), key->name, e);
    if (key->type == RES_SECRET)
        return rule_secret_delete(store_pending(a->store), key, e);
    return ERR_NONE;
}

static enum err_kind delete_insight(struct apply *a, const struct res_key *dataplane, struct err *e)
{
    struct res_key insight = {
        .type = RES_DATAPLANE_INSIGHT, .mesh = dataplane->mesh, .name = dataplane->name};
    return find(a, &insight) ? store_tx_delete(a->store, &insight, e) : ERR_NONE;
}

static enum err_kind op_delete(struct apply *a, struct admit_op *op)
{
    op->outcome = OUTCOME_DELETED;
    if (rule_writable(op->key.type, a->req->origin, &op->err) != ERR_NONE)
        return op->err.kind;
    const struct resource *before = find(a, &op->key);
    if (op->if_origin_proxy && (!before || before->origin != ORIGIN_PROXY)) {
        op->outcome = OUTCOME_NONE;
        return ERR_NONE;
    }
    if (check_condition(op, before) != ERR_NONE)
        return op->err.kind;
    if (!before)
        return err_set(&op->err, ERR_NOT_FOUND, "Not found");
    if (check_delete(a, &op->key, &op->err) != ERR_NONE)
        return op->err.kind;
    if (op->key.type == RES_DATAPLANE && delete_insight(a, &op->key, &op->err) != ERR_NONE)
        return op->err.kind;
    return store_tx_delete(a->store, &op->key, &op->err);
}

/* ---- a mesh on its way ---- */

/* Another record is another step: whoever took over the last one has not taken over this one. */
static enum err_kind op_advance(struct apply *a, struct admit_op *op)
{
    const struct resource *record = find(a, &op->key);
    op->outcome = OUTCOME_UNCHANGED;
    if (!record || record != op->base)
        return ERR_NONE;
    return transition_advance(a->store, record, a->now_ns, &op->outcome, &op->err);
}

static enum err_kind op_renew_ca(struct apply *a, struct admit_op *op)
{
    const struct snap *snap = store_pending(a->store);
    const struct resource *mesh = snap_find_mesh(snap, op->key.mesh);
    const struct ca_backend *backend =
        mesh ? ca_builtin_of_secret(op->key.mesh, resource_mesh(mesh), op->key.name) : NULL;
    op->outcome = OUTCOME_UNCHANGED;
    if (!mesh)
        return rule_no_mesh(op->key.mesh, &op->err);
    if (!backend)
        return err_set(&op->err, ERR_NOT_FOUND,
                       "mesh \"" STR_FMT "\" has no builtin CA with the secret \"" STR_FMT "\"",
                       STR_ARG(op->key.mesh), STR_ARG(op->key.name));
    if (op->if_base && find(a, &op->key) != op->base)
        return ERR_NONE;
    if (posture_record(snap, op->key.mesh))
        return err_set(&op->err, ERR_CONFLICT,
                       "mesh \"" STR_FMT "\" is still on its way: see GET /meshes/" STR_FMT "/ca",
                       STR_ARG(op->key.mesh), STR_ARG(op->key.mesh));
    op->outcome = OUTCOME_UPDATED;
    return defaults_renew_ca(a->store, a->req, op->key.mesh, backend, &op->err);
}

/* ---- the request ---- */

/* A fault stays with its operation. */
static void run_op(struct apply *a, enum phase phase, struct admit_op *op)
{
    if (phase == FINISH_MESH)
        op_finish(a, op);
    else if (op->kind == ADMIT_PUT)
        op_put(a, op);
    else if (op->kind == ADMIT_HEALTH)
        op_health(a, op);
    else if (op->kind == ADMIT_ADVANCE)
        op_advance(a, op);
    else if (op->kind == ADMIT_RENEW_CA)
        op_renew_ca(a, op);
    else
        op_delete(a, op);
}

static void run_ops(struct apply *a)
{
    for (enum phase phase = 0; phase < N_PHASES; phase++)
        for (size_t i = 0; i < a->req->n_ops; i++)
            if (in_phase(&a->req->ops[i], phase))
                run_op(a, phase, &a->req->ops[i]);
}

static enum err_kind first_fault(const struct admit_request *req)
{
    for (size_t i = 0; i < req->n_ops; i++)
        if (req->ops[i].err.kind != ERR_NONE)
            return req->ops[i].err.kind;
    return ERR_NONE;
}

static void prepare(struct apply *a)
{
    map_init(&a->meshes);
    for (size_t i = 0; i < a->req->n_ops; i++) {
        struct admit_op *op = &a->req->ops[i];
        err_init(&op->err, &a->req->arena);
        op->outcome = OUTCOME_NONE;
        if (in_phase(op, PUT_MESH))
            map_put(&a->meshes, op->res->key.name, op->res);
    }
}

enum err_kind apply_request(struct store *store, const struct apply_options *options,
                            struct admit_request *req, struct err *e)
{
    struct apply a = {.store = store,
                      .req = req,
                      .zone = options->zone,
                      .now_ns = clock_wall_ns(),
                      .ca_folders = &options->ca_folders};
    struct store_origin origin = {.author = req->author, .origin = req->origin, .now_ns = a.now_ns};
    if (store_tx_begin(store, &origin, e) != ERR_NONE)
        return e->kind;
    if (req->plan)
        req->plan(req, store_pending(store));
    prepare(&a);
    struct transitions transitions;
    transitions_begin(&transitions, store, req);
    run_ops(&a);
    if (first_fault(req) == ERR_NONE && !req->offline)
        transitions_end(&transitions, req, a.now_ns);
    transitions_fini(&transitions);
    map_fini(&a.meshes);
    req->kind = first_fault(req);
    bool keep = req->kind == ERR_NONE && !req->dry_run;
    if (keep && options->vips.n)
        vips_assign(store, &options->vips, req, origin.now_ns);
    return store_tx_end(store, keep, &req->revision, e);
}

void apply_refuse(struct admit_request *req, enum err_kind kind, struct str text)
{
    req->kind = kind;
    for (size_t i = 0; i < req->n_ops; i++) {
        struct admit_op *op = &req->ops[i];
        err_init(&op->err, &req->arena);
        err_set(&op->err, kind, STR_FMT, STR_ARG(text));
        op->outcome = OUTCOME_NONE;
    }
}
