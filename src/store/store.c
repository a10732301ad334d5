/* store.c -- the front: groups, client transactions, what makes history, and publishing.
 *
 * All reading is from snapshots. A group builds the next snapshot beside the back end's SQL transaction. A
 * client transaction changes that snapshot first; its rows are written when it is kept, and when it is undone
 * its changes are taken back in reverse order, so the back end needs no savepoints. Only after the back end's
 * commit is durable does the new snapshot become visible and the feed deliver. */
#include "ursa/store.h"

#include <assert.h>

#include "backend.h"
#include "feed.h"
#include "history.h"
#include "reader.h"
#include "snap.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "vips.h"

struct vip_change {
    enum change_op op;
    struct str mesh; /* the writer's */
    struct vip *vip; /* referenced */
};

struct store {
    struct backend *backend;
    struct snap_slot slot;
    struct reader *reader;
    struct feed feed;
    uint64_t history_revisions;
    int64_t history_age_ns;

    /* The writer's. */
    struct snap *pending; /* the group's state; NULL outside a group */
    enum err_kind lost;   /* the group cannot be committed, and why */
    struct VEC(struct change) changes;
    struct VEC(struct vip_change) vip_changes; /* of the open transaction */
    struct VEC(struct batch_tx) txs;           /* kept in this group, those that changed something */
    struct {
        bool open;
        struct store_origin origin;
        uint64_t revision;  /* 0: nothing in it made history yet */
        uint64_t before;    /* the group's revision when it began */
        size_t n_changes;   /* of the group when it began */
        struct ptree *vips; /* as they were when it began; referenced */
    } tx;
    uint64_t group_transactions; /* kept in this group */
    bool group_vips;             /* one of them changed VIPs */
    int64_t group_time_ns; /* wall clock of the group's last transaction that made history; 0: none did */

    /* Any thread. */
    atomic_uint_fast64_t commits, transactions;
    atomic_int_fast64_t last_commit_ns;
    atomic_bool failed;
};

static void load_one(void *ctx, struct resource *r)
{
    snap_put(ctx, r);
    resource_unref(r);
}

static void load_vip(void *ctx, const struct vip_row *row)
{
    struct snap *snap = ctx;
    struct vip *v = vip_new(row->kind, row->name, row->address, row->unused_ns);
    snap->vips = vips_put(snap->vips, row->mesh, v);
    vip_unref(v);
}

enum err_kind store_open(const struct store_options *options, struct store **out, struct err *e)
{
    struct backend *backend = NULL;
    if (options->kind == STORE_MEMORY)
        backend = memory_open();
    else if (sqlite_open(options, &backend, e) != ERR_NONE)
        return e->kind;

    struct snap *first = snap_new();
    first->sequence = 1;
    if (backend->ops->load(backend, load_one, first, &first->revision, e) != ERR_NONE ||
        backend->ops->load_vips(backend, load_vip, first, e) != ERR_NONE) {
        snap_unref(first);
        backend->ops->close(backend);
        return e->kind;
    }
    struct store *s = xcalloc(1, sizeof(*s));
    s->backend = backend;
    s->history_revisions = options->history_revisions;
    s->history_age_ns = options->history_age_ns;
    feed_init(&s->feed);
    snap_slot_init(&s->slot, first);
    if (reader_start(backend, &s->slot, &s->reader, e) != ERR_NONE) {
        store_close(s);
        return e->kind;
    }
    *out = s;
    return ERR_NONE;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    assert(!s->pending);
    reader_stop(s->reader);
    s->backend->ops->close(s->backend);
    snap_slot_fini(&s->slot);
    feed_fini(&s->feed);
    VEC_FINI(&s->changes);
    VEC_FINI(&s->vip_changes);
    VEC_FINI(&s->txs);
    free(s);
}

struct snap *store_snap(struct store *s)
{
    return snap_slot_get(&s->slot);
}

struct snap *store_subscribe(struct store *s, void (*deliver)(void *ctx, struct batch *), void *ctx)
{
    assert(!s->pending);
    VEC_PUSH(&s->feed.subscribers, ((struct feed_subscriber){.deliver = deliver, .ctx = ctx}));
    return store_snap(s);
}

bool store_submit(struct store *s, struct store_job *job)
{
    return reader_submit(s->reader, job);
}

/* ---- groups ---- */

/* Takes note of a back end's fault. A write or sync that failed leaves the file's state unknown: retrying
 * could acknowledge what never reached the disk, so the store stays read-only. A full disk is no such thing.
 */
static enum err_kind note_fault(struct store *s, enum err_kind kind)
{
    if (kind != ERR_IO && kind != ERR_NO_SPACE)
        return kind;
    s->lost = kind;
    if (kind == ERR_IO)
        atomic_store(&s->failed, true);
    COUNT(store_write_faults);
    return kind;
}

/* A transaction that was written in part leaves the back end with other rows than the snapshot: the group is
 * lost whatever the fault was. */
static enum err_kind note_write_fault(struct store *s, enum err_kind kind)
{
    if (kind != ERR_NONE)
        s->lost = kind;
    return note_fault(s, kind);
}

static enum err_kind lost_fault(const struct store *s, struct err *e)
{
    return err_set(e, s->lost, "the commit group was given up after an earlier fault");
}

static void changes_drop(struct store *s, size_t from)
{
    for (size_t i = from; i < s->changes.n; i++)
        change_fini(&s->changes.v[i]);
    s->changes.n = from;
}

static void tx_close(struct store *s)
{
    s->tx.open = false;
    vips_unref(s->tx.vips);
    s->tx.vips = NULL;
    for (size_t i = 0; i < s->vip_changes.n; i++)
        vip_unref(s->vip_changes.v[i].vip);
    VEC_CLEAR(&s->vip_changes);
}

static void group_forget(struct store *s)
{
    tx_close(s);
    changes_drop(s, 0);
    for (size_t i = 0; i < s->txs.n; i++)
        blob_unref(s->txs.v[i].author);
    VEC_CLEAR(&s->txs);
    snap_unref(s->pending);
    s->pending = NULL;
}

enum err_kind store_begin(struct store *s, struct err *e)
{
    assert(!s->pending);
    if (atomic_load(&s->failed))
        return err_set(e, ERR_IO, "the store is read-only since a write failed: see the log, then restart");
    enum err_kind kind = s->backend->ops->begin(s->backend, e);
    if (kind != ERR_NONE)
        return note_fault(s, kind);
    struct snap *newest = store_snap(s);
    s->pending = snap_copy(newest);
    snap_unref(newest);
    s->lost = ERR_NONE;
    s->group_transactions = 0;
    s->group_vips = false;
    s->group_time_ns = 0;
    return ERR_NONE;
}

const struct snap *store_pending(struct store *s)
{
    assert(s->pending);
    return s->pending;
}

void store_rollback(struct store *s)
{
    assert(s->pending);
    s->backend->ops->rollback(s->backend);
    group_forget(s);
}

/* The group's changes become a batch, its state the newest snapshot. */
static void publish(struct store *s)
{
    s->pending->sequence++;
    struct batch *batch = batch_new(s->pending, s->changes.v, s->changes.n, s->txs.v, s->txs.n);
    VEC_CLEAR(&s->changes);
    VEC_CLEAR(&s->txs);
    snap_slot_publish(&s->slot, s->pending);
    s->pending = NULL;
    feed_deliver(&s->feed, batch);
    batch_unref(batch);
}

static enum err_kind commit_durably(struct store *s, struct err *e)
{
    if (s->lost != ERR_NONE) {
        s->backend->ops->rollback(s->backend);
        return lost_fault(s, e);
    }
    enum err_kind kind = ERR_NONE;
    if (s->group_time_ns) {
        uint64_t newest = s->pending->revision;
        uint64_t upto = newest > s->history_revisions ? newest - s->history_revisions : 0;
        int64_t before_ns = s->history_age_ns ? s->group_time_ns - s->history_age_ns : INT64_MIN;
        kind = s->backend->ops->prune(s->backend, upto, before_ns, e);
    }
    if (kind != ERR_NONE) {
        s->backend->ops->rollback(s->backend);
        return note_fault(s, kind);
    }
    return note_fault(s, s->backend->ops->commit(s->backend, e));
}

enum err_kind store_commit(struct store *s, struct err *e)
{
    assert(s->pending && !s->tx.open);
    int64_t start = clock_mono_ns();
    enum err_kind kind = commit_durably(s, e);
    if (kind != ERR_NONE) {
        group_forget(s);
        return kind;
    }
    atomic_store(&s->last_commit_ns, clock_mono_ns() - start);
    atomic_fetch_add(&s->commits, 1);
    atomic_fetch_add(&s->transactions, s->group_transactions);
    COUNT(store_commits);
    if (s->changes.n || s->group_vips)
        publish(s);
    else
        group_forget(s);
    return ERR_NONE;
}

/* ---- client transactions ---- */

enum err_kind store_tx_begin(struct store *s, const struct store_origin *origin, struct err *e)
{
    assert(s->pending && !s->tx.open);
    if (s->lost != ERR_NONE)
        return lost_fault(s, e);
    s->tx.open = true;
    s->tx.origin = *origin;
    s->tx.revision = 0;
    s->tx.before = s->pending->revision;
    s->tx.n_changes = s->changes.n;
    s->tx.vips = vips_ref(s->pending->vips);
    return ERR_NONE;
}

static bool is_history(const struct resource *r)
{
    return r && makes_history(&r->key, r->origin);
}

/* The same document with another health. */
static bool is_told(const struct change *c)
{
    return c->before && c->after && c->before->revision == c->after->revision && is_history(c->before);
}

/* What this very transaction wrote was never visible and is no history. */
static bool is_superseded(const struct store *s, const struct change *c)
{
    return s->history_revisions && c->before && c->before->revision != s->tx.revision && !is_told(c) &&
           (is_history(c->before) || is_history(c->after));
}

static enum err_kind write_change(struct store *s, const struct change *c, struct err *e)
{
    const struct backend_ops *ops = s->backend->ops;
    enum err_kind kind = ERR_NONE;
    if (is_superseded(s, c))
        kind = ops->archive(s->backend, c->before, s->tx.revision, e);
    if (kind != ERR_NONE)
        return kind;
    if (c->op == CHANGE_DELETE)
        return ops->remove(s->backend, &c->before->key, e);
    return c->before ? ops->update(s->backend, c->after, e) : ops->insert(s->backend, c->after, e);
}

static enum err_kind write_vip(struct store *s, const struct vip_change *c, struct err *e)
{
    const struct backend_ops *ops = s->backend->ops;
    const struct vip_row row = {.mesh = c->mesh,
                                .name = c->vip->name,
                                .kind = c->vip->kind,
                                .address = c->vip->address,
                                .unused_ns = c->vip->unused_ns};
    return c->op == CHANGE_DELETE ? ops->remove_vip(s->backend, &row, e) : ops->put_vip(s->backend, &row, e);
}

static enum err_kind tx_write(struct store *s, struct err *e)
{
    enum err_kind kind = ERR_NONE;
    if (s->tx.revision)
        kind = s->backend->ops->revise(s->backend, &s->tx.origin, s->tx.revision, e);
    for (size_t i = s->tx.n_changes; i < s->changes.n && kind == ERR_NONE; i++)
        kind = write_change(s, &s->changes.v[i], e);
    for (size_t i = 0; i < s->vip_changes.n && kind == ERR_NONE; i++)
        kind = write_vip(s, &s->vip_changes.v[i], e);
    return note_write_fault(s, kind);
}

static void tx_undo(struct store *s)
{
    for (size_t i = s->changes.n; i-- > s->tx.n_changes;) {
        const struct change *c = &s->changes.v[i];
        if (c->before)
            snap_put(s->pending, c->before);
        else
            snap_del(s->pending, &c->after->key);
    }
    changes_drop(s, s->tx.n_changes);
    vips_unref(s->pending->vips);
    s->pending->vips = vips_ref(s->tx.vips);
    s->pending->revision = s->tx.before;
}

static void tx_note(struct store *s)
{
    size_t before = s->txs.n ? s->txs.v[s->txs.n - 1].end : 0;
    if (s->changes.n == before)
        return;
    const struct str author = s->tx.origin.author;
    VEC_PUSH(&s->txs, ((struct batch_tx){.revision = s->pending->revision,
                                         .is_history = s->tx.revision != 0,
                                         .time_ns = s->tx.origin.now_ns,
                                         .end = s->changes.n,
                                         .author = blob_new(author.p, author.n)}));
}

enum err_kind store_tx_end(struct store *s, bool keep, uint64_t *revision, struct err *e)
{
    assert(s->tx.open);
    enum err_kind kind = keep ? tx_write(s, e) : ERR_NONE;
    if (!keep || kind != ERR_NONE) {
        tx_undo(s);
    } else {
        s->group_transactions++;
        s->group_vips |= s->vip_changes.n > 0;
        tx_note(s);
        if (s->tx.revision)
            s->group_time_ns = s->tx.origin.now_ns;
    }
    *revision = s->pending->revision;
    tx_close(s);
    return kind;
}

/* Gives the transaction a revision when the change from 'before' to 'after' is history. */
static void tx_revise(struct store *s, const struct resource *before, const struct resource *after)
{
    if (s->tx.revision || (!is_history(before) && !is_history(after)))
        return;
    s->tx.revision = s->pending->revision = s->tx.before + 1;
}

static enum err_kind check_place(const struct store *s, const struct res_key *key, struct err *e)
{
    const struct res_type_info *info = res_type_info(key->type);
    if (info->traits & RES_DERIVED)
        return ERR_BUG_HERE(e, "%.*s is never stored", STR_ARG(info->name));
    if (info->scope == SCOPE_GLOBAL && key->mesh.n)
        return ERR_BUG_HERE(e, "%.*s is in no mesh", STR_ARG(info->name));
    if (info->scope == SCOPE_MESH && !snap_find_mesh(s->pending, key->mesh))
        return err_set(e, ERR_INVALID, "mesh of name " STR_FMT " is not found", STR_ARG(key->mesh));
    return ERR_NONE;
}

/* The object itself, unless it was stored before and may be in some snapshot: then a copy. */
static struct resource *take_fresh(struct resource *r, struct err *e)
{
    if (r->modified_ns == 0)
        return resource_ref(r);
    struct resource *copy = resource_from_stored(&r->key, blob_str(r->spec_json), e);
    if (!copy)
        ERR_BUG_HERE(e, "a checked %.*s does not decode", STR_ARG(res_type_info(r->key.type)->name));
    return copy;
}

/* Takes over 'after'. */
static void put(struct store *s, struct resource *before, struct resource *after)
{
    struct change change = {.op = CHANGE_PUT, .before = before ? resource_ref(before) : NULL, .after = after};
    VEC_PUSH(&s->changes, change);
    snap_put(s->pending, after);
}

enum err_kind store_tx_health(struct store *s, const struct res_key *key, struct str health, struct err *e)
{
    assert(s->tx.open && key->type == RES_DATAPLANE);
    struct resource *before = snap_get(s->pending, key);
    if (!before)
        return err_set(e, ERR_NOT_FOUND, "Not found");
    put(s, before, dataplane_with_health(before, health));
    return ERR_NONE;
}

enum err_kind store_tx_put(struct store *s, struct resource *r, struct err *e)
{
    assert(s->tx.open);
    if (check_place(s, &r->key, e) != ERR_NONE)
        return e->kind;
    struct resource *after = take_fresh(r, e);
    if (!after)
        return e->kind;
    struct resource *before = snap_get(s->pending, &r->key);
    after->origin = s->tx.origin.origin;
    after->created_ns = before ? before->created_ns : s->tx.origin.now_ns;
    after->modified_ns = s->tx.origin.now_ns;
    tx_revise(s, before, after);
    after->revision = s->pending->revision;
    put(s, before, after);
    return ERR_NONE;
}

static void delete_one(struct store *s, struct resource *before)
{
    tx_revise(s, before, NULL);
    VEC_PUSH(&s->changes, ((struct change){.op = CHANGE_DELETE, .before = resource_ref(before)}));
    snap_del(s->pending, &before->key);
}

/* Row by row, since every removed key goes into the feed and into history; the foreign key proves that none
 * is forgotten. */
static void delete_content(struct store *s, struct str mesh)
{
    for (enum res_type type = 0; type < RES_N; type++) {
        if (res_type_info(type)->scope != SCOPE_MESH)
            continue;
        for (;;) {
            struct snap_range range = snap_range(s->pending, type, mesh);
            if (range.n == 0)
                break;
            delete_one(s, snap_get(s->pending, &snap_at(&range, range.n - 1)->key));
        }
    }
}

enum err_kind store_tx_delete(struct store *s, const struct res_key *key, struct err *e)
{
    assert(s->tx.open);
    struct resource *before = snap_get(s->pending, key);
    if (!before)
        return err_set(e, ERR_NOT_FOUND, "Not found");
    if (key->type == RES_MESH) {
        delete_content(s, before->key.name);
        s->pending->vips = vips_del_mesh(s->pending->vips, before->key.name);
    }
    delete_one(s, before);
    return ERR_NONE;
}

void store_tx_vip_put(struct store *s, struct str mesh, enum vip_kind kind, struct str name, uint32_t address,
                      int64_t unused_ns)
{
    assert(s->tx.open && snap_find_mesh(s->pending, mesh));
    struct vip *v = vip_new(kind, name, address, unused_ns);
    s->pending->vips = vips_put(s->pending->vips, mesh, v);
    VEC_PUSH(&s->vip_changes, ((struct vip_change){.op = CHANGE_PUT, .mesh = mesh, .vip = v}));
}

void store_tx_vip_delete(struct store *s, struct str mesh, enum vip_kind kind, struct str name)
{
    assert(s->tx.open && snap_vip(s->pending, mesh, kind, name));
    struct vip *key = vip_new(kind, name, snap_vip(s->pending, mesh, kind, name)->address, 0);
    s->pending->vips = vips_del(s->pending->vips, mesh, key);
    VEC_PUSH(&s->vip_changes, ((struct vip_change){.op = CHANGE_DELETE, .mesh = mesh, .vip = key}));
}

void store_stats(struct store *s, struct store_stats *out)
{
    struct snap *newest = store_snap(s);
    *out = (struct store_stats){
        .revision = snap_revision(newest),
        .sequence = snap_sequence(newest),
        .n_resources = snap_count(newest),
        .file_bytes = s->backend->ops->file_bytes(s->backend),
        .commits = atomic_load(&s->commits),
        .transactions = atomic_load(&s->transactions),
        .last_commit_ns = atomic_load(&s->last_commit_ns),
        .failed = atomic_load(&s->failed),
    };
    snap_unref(newest);
}
