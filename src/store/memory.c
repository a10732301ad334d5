/* memory.c -- the back end that keeps nothing over a restart: store.type memory, and the model that tests
 * hold SQLite against.
 *
 * The front's snapshots already are the state, with its revision and the way back. What is left to keep is
 * history: a group's rows are the writer's until it commits, and the reader copies the list of those that are
 * committed. */
#include <stdlib.h>

#include "history.h"
#include "ursa/base/alloc.h"
#include "ursa/base/vec.h"

struct revision_row {
    uint64_t revision;
    struct blob *author;
    enum res_origin origin;
    int64_t time_ns;
};

struct superseded_row {
    struct resource *res;
    uint64_t superseded;
};

struct rows {
    struct VEC(struct revision_row) revisions;   /* by revision */
    struct VEC(struct superseded_row) resources; /* by 'superseded' */
    uint64_t newest, pruned;
};

struct memory {
    struct backend base;
    struct rows fresh;   /* the group's */
    uint64_t prune_upto; /* what the group's commit forgets */
    int64_t prune_before_ns;

    struct lock lock; /* protects committed */
    struct rows committed;
    struct rows forgotten; /* the writer's: what a commit took out */
    struct rows reading;   /* the reader's copy */
};

static struct memory *of(struct backend *b)
{
    return CONTAINER_OF(b, struct memory, base);
}

/* ---- lists of rows ---- */

/* Without the first ones, which are somebody else's from now on. */
static void rows_cut(struct rows *rows, size_t n_revisions, size_t n_resources)
{
    for (size_t i = n_revisions; i < rows->revisions.n; i++)
        rows->revisions.v[i - n_revisions] = rows->revisions.v[i];
    for (size_t i = n_resources; i < rows->resources.n; i++)
        rows->resources.v[i - n_resources] = rows->resources.v[i];
    rows->revisions.n -= n_revisions;
    rows->resources.n -= n_resources;
}

static void rows_clear(struct rows *rows)
{
    for (size_t i = 0; i < rows->revisions.n; i++)
        blob_unref(rows->revisions.v[i].author);
    for (size_t i = 0; i < rows->resources.n; i++)
        resource_unref(rows->resources.v[i].res);
    VEC_CLEAR(&rows->revisions);
    VEC_CLEAR(&rows->resources);
}

static void rows_fini(struct rows *rows)
{
    rows_clear(rows);
    VEC_FINI(&rows->revisions);
    VEC_FINI(&rows->resources);
}

static void rows_copy(struct rows *to, const struct rows *from)
{
    for (size_t i = 0; i < from->revisions.n; i++) {
        VEC_PUSH(&to->revisions, from->revisions.v[i]);
        blob_ref(from->revisions.v[i].author);
    }
    for (size_t i = 0; i < from->resources.n; i++) {
        VEC_PUSH(&to->resources, from->resources.v[i]);
        resource_ref(from->resources.v[i].res);
    }
    to->newest = from->newest;
    to->pruned = from->pruned;
}

static void memory_close(struct backend *b)
{
    struct memory *m = of(b);
    rows_fini(&m->fresh);
    rows_fini(&m->committed);
    rows_fini(&m->forgotten);
    rows_fini(&m->reading);
    lock_fini(&m->lock);
    free(m);
}

static enum err_kind memory_load(struct backend *b, void (*each)(void *ctx, struct resource *), void *ctx,
                                 uint64_t *revision, struct err *e)
{
    (void)b, (void)each, (void)ctx, (void)e;
    *revision = 0;
    return ERR_NONE;
}

static enum err_kind memory_load_vips(struct backend *b, void (*each)(void *ctx, const struct vip_row *),
                                      void *ctx, struct err *e)
{
    (void)b, (void)each, (void)ctx, (void)e;
    return ERR_NONE;
}

/* ---- groups and transactions ---- */

static enum err_kind memory_begin(struct backend *b, struct err *e)
{
    struct memory *m = of(b);
    (void)e;
    m->prune_upto = 0;
    m->prune_before_ns = INT64_MIN;
    return ERR_NONE;
}

/* How many revisions at the beginning are due. */
static size_t count_due(const struct memory *m)
{
    size_t n = 0;
    while (n < m->committed.revisions.n && (m->committed.revisions.v[n].revision <= m->prune_upto ||
                                            m->committed.revisions.v[n].time_ns < m->prune_before_ns))
        n++;
    return n;
}

/* Takes them out; they are freed after the lock. */
static void forget_due(struct memory *m)
{
    struct rows *from = &m->committed, *to = &m->forgotten;
    size_t n_revisions = count_due(m), n_resources = 0;
    uint64_t due = n_revisions ? from->revisions.v[n_revisions - 1].revision : 0;
    if (due < m->prune_upto)
        due = m->prune_upto;
    if (from->pruned < due)
        from->pruned = due;
    while (n_resources < from->resources.n && from->resources.v[n_resources].superseded <= due)
        n_resources++;
    for (size_t i = 0; i < n_revisions; i++)
        VEC_PUSH(&to->revisions, from->revisions.v[i]);
    for (size_t i = 0; i < n_resources; i++)
        VEC_PUSH(&to->resources, from->resources.v[i]);
    rows_cut(from, n_revisions, n_resources);
}

static enum err_kind memory_commit(struct backend *b, struct err *e)
{
    struct memory *m = of(b);
    (void)e;
    lock_take(&m->lock);
    for (size_t i = 0; i < m->fresh.revisions.n; i++)
        VEC_PUSH(&m->committed.revisions, m->fresh.revisions.v[i]);
    for (size_t i = 0; i < m->fresh.resources.n; i++)
        VEC_PUSH(&m->committed.resources, m->fresh.resources.v[i]);
    if (m->fresh.revisions.n)
        m->committed.newest = m->fresh.revisions.v[m->fresh.revisions.n - 1].revision;
    forget_due(m);
    lock_drop(&m->lock);
    rows_clear(&m->forgotten);
    VEC_CLEAR(&m->fresh.revisions);
    VEC_CLEAR(&m->fresh.resources);
    return ERR_NONE;
}

static void memory_rollback(struct backend *b)
{
    struct memory *m = of(b);
    rows_clear(&m->fresh);
}

static enum err_kind memory_revise(struct backend *b, const struct store_origin *origin, uint64_t revision,
                                   struct err *e)
{
    struct memory *m = of(b);
    (void)e;
    struct revision_row row = {.revision = revision,
                               .author = blob_new(origin->author.p, origin->author.n),
                               .origin = origin->origin,
                               .time_ns = origin->now_ns};
    VEC_PUSH(&m->fresh.revisions, row);
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

static enum err_kind memory_vip(struct backend *b, const struct vip_row *row, struct err *e)
{
    (void)b, (void)row, (void)e;
    return ERR_NONE;
}

static enum err_kind memory_archive(struct backend *b, struct resource *r, uint64_t superseded, struct err *e)
{
    (void)e;
    VEC_PUSH(&of(b)->fresh.resources,
             ((struct superseded_row){.res = resource_ref(r), .superseded = superseded}));
    return ERR_NONE;
}

static enum err_kind memory_prune(struct backend *b, uint64_t upto, int64_t before_ns, struct err *e)
{
    (void)e;
    of(b)->prune_upto = upto;
    of(b)->prune_before_ns = before_ns;
    return ERR_NONE;
}

static uint64_t memory_file_bytes(struct backend *b)
{
    (void)b;
    return 0;
}

/* ---- reading ---- */

static enum err_kind memory_read_begin(struct backend *b, uint64_t *newest, uint64_t *pruned, struct err *e)
{
    struct memory *m = of(b);
    (void)e;
    lock_take(&m->lock);
    rows_copy(&m->reading, &m->committed);
    lock_drop(&m->lock);
    *newest = m->reading.newest;
    *pruned = m->reading.pruned;
    return ERR_NONE;
}

static void memory_read_end(struct backend *b)
{
    rows_clear(&of(b)->reading);
}

static enum err_kind memory_read_state(struct backend *b, uint64_t revision,
                                       const struct history_scope *scope,
                                       void (*each)(void *ctx, struct resource *), void *ctx, struct err *e)
{
    const struct rows *rows = &of(b)->reading;
    (void)e;
    for (size_t i = 0; i < rows->resources.n; i++) {
        struct resource *r = rows->resources.v[i].res;
        if (r->revision <= revision && revision < rows->resources.v[i].superseded &&
            history_is_in_scope(scope, &r->key))
            each(ctx, resource_ref(r));
    }
    return ERR_NONE;
}

static enum err_kind memory_read_rows(struct backend *b, uint64_t first, uint64_t last,
                                      const struct history_scope *scope,
                                      void (*each)(void *ctx, const struct history_row *), void *ctx,
                                      struct err *e)
{
    const struct rows *rows = &of(b)->reading;
    (void)e;
    for (size_t i = 0; i < rows->resources.n; i++) {
        const struct resource *r = rows->resources.v[i].res;
        uint64_t superseded = rows->resources.v[i].superseded;
        const struct history_row row = {
            .key = r->key, .origin = r->origin, .revision = r->revision, .superseded = superseded};
        bool is_touched =
            (r->revision >= first && r->revision <= last) || (superseded >= first && superseded <= last);
        if (is_touched && history_is_in_scope(scope, &r->key))
            each(ctx, &row);
    }
    return ERR_NONE;
}

static enum err_kind memory_read_revision(struct backend *b, uint64_t revision, struct arena *arena,
                                          struct history_entry *out, struct err *e)
{
    const struct rows *rows = &of(b)->reading;
    (void)e;
    out->revision = revision;
    for (size_t i = 0; i < rows->revisions.n; i++) {
        const struct revision_row *row = &rows->revisions.v[i];
        if (row->revision != revision)
            continue;
        out->author = arena_str(arena, blob_str(row->author));
        out->origin = row->origin;
        out->time_ns = row->time_ns;
    }
    return ERR_NONE;
}

static enum err_kind memory_backup(struct backend *b, int *fd, struct err *e)
{
    (void)b, (void)fd;
    return err_set(e, ERR_CONFLICT, "the store is kept in memory (store.type): there is no file to back up");
}

struct backend *memory_open(void)
{
    static const struct backend_ops ops = {
        .close = memory_close,
        .load = memory_load,
        .load_vips = memory_load_vips,
        .begin = memory_begin,
        .commit = memory_commit,
        .rollback = memory_rollback,
        .revise = memory_revise,
        .insert = memory_write,
        .update = memory_write,
        .remove = memory_remove,
        .put_vip = memory_vip,
        .remove_vip = memory_vip,
        .archive = memory_archive,
        .prune = memory_prune,
        .file_bytes = memory_file_bytes,
        .read_begin = memory_read_begin,
        .read_end = memory_read_end,
        .read_state = memory_read_state,
        .read_rows = memory_read_rows,
        .read_revision = memory_read_revision,
        .backup = memory_backup,
    };
    struct memory *m = xcalloc(1, sizeof(*m));
    lock_init(&m->lock);
    m->base.ops = &ops;
    return &m->base;
}
