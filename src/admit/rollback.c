/* rollback.c -- the operations that make a state what it was, found out from how the two differ.
 *
 * On the writer's thread, so nothing can come between: the state right after is the one gone back to, but for
 * what stays as it is. */
#include "ursa/admit.h"
#include "ursa/base/vec.h"

struct rollback {
    struct snap *to;
    struct str mesh;
    bool may_make_mesh;
    struct VEC(struct admit_op) ops;
    struct VEC(struct admit_kept) kept;
};

static void rollback_free(void *ctx)
{
    struct rollback *rb = ctx;
    snap_unref(rb->to);
    VEC_FINI(&rb->ops);
    VEC_FINI(&rb->kept);
    free(rb);
}

static struct res_key copy_key(struct admit_request *req, const struct res_key *key)
{
    return (struct res_key){
        .type = key->type,
        .mesh = key->mesh.n ? arena_str(&req->arena, key->mesh) : STR_NONE,
        .name = arena_str(&req->arena, key->name),
    };
}

static void keep(struct admit_request *req, const struct res_key *key, struct str reason)
{
    struct rollback *rb = req->plan_ctx;
    VEC_PUSH(&rb->kept, ((struct admit_kept){
                            .key = copy_key(req, key), .outcome = OUTCOME_UNCHANGED, .reason = reason}));
}

static enum err_kind deny(const void *ctx, const struct resource *stored, struct err *e)
{
    (void)ctx, (void)stored;
    return err_set(e, ERR_DENIED,
                   "the Mesh itself would be made or removed, which is not a mesh administrator's");
}

static void put(struct rollback *rb, const struct resource *then)
{
    struct admit_op op = {
        .kind = ADMIT_PUT, .res = resource_ref((struct resource *)(uintptr_t)then), .restores = true};
    VEC_PUSH(&rb->ops, op);
}

static void remove_one(struct admit_request *req, const struct resource *now)
{
    struct rollback *rb = req->plan_ctx;
    VEC_PUSH(&rb->ops, ((struct admit_op){.kind = ADMIT_DELETE, .key = copy_key(req, &now->key)}));
}

static bool signs_tokens(struct admit_request *req, const struct res_key *secret)
{
    struct res_key first = signing_key_secret(&req->arena, TOKEN_DATAPLANE, secret->mesh, 1);
    return str_has_prefix(secret->name, str_slice(first.name, 0, first.name.n - 1)); /* without its serial */
}

static void plan_secret(struct admit_request *req, const struct snap *newest, const struct snap_change *c)
{
    struct rollback *rb = req->plan_ctx;
    const struct res_key *key = c->before ? &c->before->key : &c->after->key;
    bool mesh_stays = snap_find_mesh(newest, key->mesh) && snap_find_mesh(rb->to, key->mesh);
    if (c->before && !mesh_stays)
        VEC_PUSH(&rb->kept, ((struct admit_kept){.key = copy_key(req, key),
                                                 .outcome = OUTCOME_DELETED,
                                                 .reason = STR("it goes with its mesh")}));
    else if (c->before)
        keep(req, key, STR("secrets that are there stay as they are"));
    else if (mesh_stays && signs_tokens(req, key))
        keep(req, key,
             STR("a signing key that was removed stays removed: the tokens it signed would be good again"));
    else
        put(rb, c->after);
}

static void plan_change(struct admit_request *req, const struct snap *newest, const struct snap_change *c)
{
    struct rollback *rb = req->plan_ctx;
    const struct res_key *key = c->before ? &c->before->key : &c->after->key;
    if (key->type == RES_SECRET) {
        plan_secret(req, newest, c);
        return;
    }
    if (key->type == RES_GLOBAL_SECRET) {
        keep(req, key, STR("secrets of the control plane stay as they are"));
        return;
    }
    if (!c->before && snap_find(newest, key->type, key->mesh, key->name)) {
        keep(req, key, STR("a proxy has brought it"));
        return;
    }
    if (c->after)
        put(rb, c->after);
    else
        remove_one(req, c->before);
    if (key->type == RES_MESH && !rb->may_make_mesh && (!c->before || !c->after))
        rb->ops.v[rb->ops.n - 1].condition = deny;
}

static void plan(struct admit_request *req, const struct snap *newest)
{
    struct rollback *rb = req->plan_ctx;
    struct snap_diff d = snap_diff(newest, rb->to, rb->mesh);
    for (struct snap_change c; snap_diff_next(&d, &c);)
        plan_change(req, newest, &c);
    req->ops = rb->ops.v;
    req->n_ops = rb->ops.n;
}

struct admit_request *admit_rollback_new(struct snap *to, struct str mesh, bool may_make_mesh)
{
    struct admit_request *req = admit_request_new(0);
    struct rollback *rb = xcalloc(1, sizeof(*rb));
    rb->to = snap_ref(to);
    rb->mesh = mesh.p ? arena_str(&req->arena, mesh) : STR_NONE;
    rb->may_make_mesh = may_make_mesh;
    req->plan = plan;
    req->plan_ctx = rb;
    req->plan_free = rollback_free;
    return req;
}

const struct admit_kept *admit_rollback_kept(const struct admit_request *req, size_t *n)
{
    const struct rollback *rb = req->plan_ctx;
    *n = rb->kept.n;
    return rb->kept.v;
}
