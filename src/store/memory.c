/* memory.c -- the back end that keeps nothing: store.type memory, and the model that tests hold SQLite
 * against.
 *
 * The front's snapshots already are the state, with its revision and the way back. */
#include <stdlib.h>

#include "backend.h"
#include "ursa/base/alloc.h"

static void memory_close(struct backend *b)
{
    free(b);
}

static enum err_kind memory_load(struct backend *b, void (*each)(void *ctx, struct resource *), void *ctx,
                                 uint64_t *revision, struct err *e)
{
    (void)b, (void)each, (void)ctx, (void)e;
    *revision = 0;
    return ERR_NONE;
}

static enum err_kind memory_begin(struct backend *b, struct err *e)
{
    (void)b, (void)e;
    return ERR_NONE;
}

static enum err_kind memory_commit(struct backend *b, struct err *e)
{
    (void)b, (void)e;
    return ERR_NONE;
}

static void memory_rollback(struct backend *b)
{
    (void)b;
}

static enum err_kind memory_revise(struct backend *b, const struct store_origin *origin, uint64_t revision,
                                   struct err *e)
{
    (void)b, (void)origin, (void)revision, (void)e;
    return ERR_NONE;
}

static enum err_kind memory_write(struct backend *b, const struct resource *r, struct err *e)
{
    (void)b, (void)r, (void)e;
    return ERR_NONE;
}

static enum err_kind memory_remove(struct backend *b, const struct res_key *key, struct err *e)
{
    (void)b, (void)key, (void)e;
    return ERR_NONE;
}

static enum err_kind memory_archive(struct backend *b, const struct resource *r, uint64_t superseded,
                                    struct err *e)
{
    (void)b, (void)r, (void)superseded, (void)e;
    return ERR_NONE;
}

static enum err_kind memory_prune(struct backend *b, uint64_t upto, int64_t before_ns, struct err *e)
{
    (void)b, (void)upto, (void)before_ns, (void)e;
    return ERR_NONE;
}

static uint64_t memory_file_bytes(struct backend *b)
{
    (void)b;
    return 0;
}

struct backend *memory_open(void)
{
    static const struct backend_ops ops = {
        .close = memory_close,
        .load = memory_load,
        .begin = memory_begin,
        .commit = memory_commit,
        .rollback = memory_rollback,
        .revise = memory_revise,
        .insert = memory_write,
        .update = memory_write,
        .remove = memory_remove,
        .archive = memory_archive,
        .prune = memory_prune,
        .file_bytes = memory_file_bytes,
    };
    struct backend *b = xcalloc(1, sizeof(*b));
    b->ops = &ops;
    return b;
}
