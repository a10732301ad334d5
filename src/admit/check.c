/* check.c -- a request judged by the writer's own rules where no control plane is. */
#include "apply.h"
#include "ursa/base/clock.h"

static enum err_kind put_meshes(struct store *store, const struct offline *offline, struct err *e)
{
    const struct store_origin origin = {
        .author = STR("ursa"), .origin = ORIGIN_SYSTEM, .now_ns = clock_wall_ns()};
    uint64_t revision;

    if (store_tx_begin(store, &origin, e) != ERR_NONE)
        return e->kind;
    for (size_t i = 0; i < offline->n_meshes; i++) {
        const struct res_key key = {.type = RES_MESH, .name = offline->meshes[i]};
        struct resource *mesh = resource_from_spec(&key, &(struct mesh_spec){0});
        enum err_kind kind = store_tx_put(store, mesh, e);

        resource_unref(mesh);
        if (kind != ERR_NONE)
            return kind;
    }
    return store_tx_end(store, true, &revision, e);
}

static enum err_kind check_in(struct store *store, struct admit_request *req, struct err *e)
{
    if (store_begin(store, e) != ERR_NONE)
        return e->kind;
    const struct apply_options options = {.zone = STR("")};
    enum err_kind kind = put_meshes(store, req->offline, e);
    if (kind == ERR_NONE)
        kind = apply_request(store, &options, req, e);
    store_rollback(store);
    return kind;
}

enum err_kind admit_check(const struct offline *offline, struct admit_request *req, struct err *e)
{
    static const struct store_options memory = {.kind = STORE_MEMORY};
    struct store *store;

    req->dry_run = true;
    req->offline = offline;
    req->author = STR("ursa");
    if (store_open(&memory, &store, e) != ERR_NONE)
        return e->kind;
    enum err_kind kind = check_in(store, req, e);
    store_close(store);
    return kind;
}
