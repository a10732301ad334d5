/* ursa/store.h -- what is durable: resources as rows, revisions, history, and the change feed.
 *
 * One writer (admit's thread) changes the store through a transaction; everyone else reads immutable
 * snapshots and listens to the feed. A snapshot holds every resource of every mesh at one revision in
 * persistent trees: taking one is a reference, the next one shares all that did not change. SQL is spoken in
 * src/store/ only.
 *
 * Two numbers date a snapshot. The revision is durable and counts client transactions that made history. What
 * makes none -- types with RES_NO_HISTORY, Dataplanes that a proxy brought (ORIGIN_PROXY), and what an Envoy
 * tells of its Dataplane's health -- leaves it as it is. The sequence counts published batches since the
 * store was opened, whatever they held: it is what to wait for. A proxy's Dataplane that replaces one that
 * was made by hand, or is replaced by one, is history; one proxy's after another's is not. */
#ifndef URSA_STORE_H
#define URSA_STORE_H

#include "ursa/base/mailbox.h"
#include "ursa/base/ptree.h"
#include "ursa/resource.h"

struct store;
struct snap;

enum store_kind { STORE_SQLITE, STORE_MEMORY };

struct store_options {
    enum store_kind kind;
    const char *path;     /* SQLite file, created with mode 0600; ignored by STORE_MEMORY, as the rest */
    const char *key_file; /* the keys (ursa/base/seal.h) with which what may be a key is sealed */
    bool makes_key_file;  /* when there is none, and nothing that needs an older one */
    uint64_t history_revisions; /* keep at most this many revisions of history (0: none) */
    int64_t history_age_ns;     /* and none older than this (0: of any age) */
};

/* Opens, migrates, reads everything into the first snapshot. A file of a newer schema or of another
 * application is refused untouched: ERR_STALE / ERR_INVALID with a text that says what to do. In use by
 * another process: ERR_CONFLICT. Damage found: ERR_IO. Sealed with a key that the key file does not have:
 * ERR_DENIED, and nothing was changed. What is not sealed with its first key is so afterwards, and no trace
 * is left of what was there. */
MUST_USE enum err_kind store_open(const struct store_options *, struct store **out, struct err *e);
void store_close(struct store *); /* NULL is ignored; all transactions must have ended */

/* ---- snapshots: any thread ---- */
struct snap *store_snap(struct store *); /* the newest; caller unrefs */
struct snap *snap_ref(struct snap *);
void snap_unref(struct snap *);
uint64_t snap_revision(const struct snap *);
uint64_t snap_sequence(const struct snap *); /* grows with every batch; 1 for the state found at open */
/* Borrowed: valid while the snapshot is held. */
const struct resource *snap_find(const struct snap *, enum res_type, struct str mesh, struct str name);
const struct resource *snap_find_mesh(const struct snap *, struct str mesh);
/* A range of one type, sorted by mesh then name: of one mesh, or of all meshes when mesh.p == NULL (global
 * types: always). */
struct snap_range {
    const struct ptree *tree;
    size_t first, n; /* positions in the tree */
};
struct snap_range snap_range(const struct snap *, enum res_type, struct str mesh);
/* Those of one mesh (of a global type: mesh STR_NONE) whose names begin with 'prefix'. */
struct snap_range snap_range_prefix(const struct snap *, enum res_type, struct str mesh, struct str prefix);
const struct resource *snap_at(const struct snap_range *, size_t i); /* i < n; O(log n) */
/* for (struct snap_iter it = snap_iter(&range); (r = snap_next(&it));) */
struct snap_iter {
    struct ptree_iter it;
    size_t left;
};
struct snap_iter snap_iter(const struct snap_range *);
const struct resource *snap_next(struct snap_iter *);
/* Walks in the order of keys over what differs between two snapshots in a mesh (its Mesh included), or
 * everywhere (mesh.p == NULL): in its spec, not in when it was written. What makes no history is as if it
 * were not there. for (struct snap_diff d = snap_diff(a, b, mesh); snap_diff_next(&d, &change);) */
struct snap_change {
    const struct resource *before, *after; /* one of them may be NULL */
};
struct snap_diff {
    const struct snap *before, *after;
    struct str mesh;
    enum res_type type;
    struct snap_iter left, right;
    const struct resource *next_left, *next_right;
};
struct snap_diff snap_diff(const struct snap *before, const struct snap *after, struct str mesh);
bool snap_diff_next(struct snap_diff *, struct snap_change *out);
/* Tests and offline tools: a snapshot from a list of resources (referenced), at the given revision. */
struct snap *snap_from_list(struct resource *const *, size_t n, uint64_t revision);

/* ---- VIPs: the addresses that names of a mesh stand for (docs/decisions/0013) ----
 * A name keeps its address until it is deleted, over restarts too; no two names of a mesh share one. They are
 * part of a snapshot, make no history and no revision, are in no batch, and go with their Mesh. */
enum vip_kind { VIP_SERVICE, VIP_DOMAIN }; /* stored: values are kept */
struct vip {
    atomic_uint refs;
    enum vip_kind kind;
    struct str name;   /* of the service, or the domain itself */
    uint32_t address;  /* IPv4, host byte order */
    int64_t unused_ns; /* wall clock: when nobody was found to use the name; 0: in use */
    char text[];       /* the name */
};
/* Borrowed: valid while the snapshot is held; NULL when the name has none. */
const struct vip *snap_vip(const struct snap *, struct str mesh, enum vip_kind, struct str name);
size_t snap_vips_count(const struct snap *, struct str mesh);
/* The lowest of the n addresses from 'first' on that no name has; false when all are taken. */
MUST_USE bool snap_vips_free(const struct snap *, struct str mesh, uint32_t first, uint32_t n, uint32_t *out);
/* The mesh's VIPs are the very same in both. */
bool snap_vips_same(const struct snap *, const struct snap *, struct str mesh);
/* By kind, then name. for (struct vip_iter it = snap_vips(snap, mesh); (v = vip_next(&it));) */
struct vip_iter {
    struct ptree_iter it;
};
struct vip_iter snap_vips(const struct snap *, struct str mesh);
const struct vip *vip_next(struct vip_iter *);
/* Tests, on a snapshot that nobody else has seen yet: gives a name an address; shares the VIPs of another. */
void snap_add_vip(struct snap *, struct str mesh, enum vip_kind, struct str name, uint32_t address);
void snap_share_vips(struct snap *, const struct snap *from);

/* ---- change feed ---- */
enum change_op { CHANGE_PUT, CHANGE_DELETE };
struct change {
    enum change_op op;
    struct resource *before; /* NULL when created */
    struct resource *after;  /* NULL when deleted */
};
/* A client transaction of a batch, and which changes are its: those up to 'end', from where the one before it
 * ended. */
struct batch_tx {
    uint64_t revision; /* its own; when it made no history that of the one before it */
    bool is_history;
    int64_t time_ns; /* wall clock */
    size_t end;
    struct blob *author;
};
/* What one commit group changed, in order; immutable, reference-counted. */
struct batch {
    atomic_uint refs;
    uint64_t revision; /* the store's revision after it: unchanged when nothing in the batch made history */
    uint64_t sequence; /* of this batch: one more than the last */
    struct snap *snap; /* the state after it */
    struct batch_tx *txs;
    size_t n_txs;
    size_t n_changes;
    struct change changes[];
};
struct batch *batch_ref(struct batch *);
void batch_unref(struct batch *);
const struct res_key *change_key(const struct change *);
/* 'deliver' runs on the writer thread right after the snapshot was published, before the writers are
 * answered; it must only hand over (take a reference, send mail). Subscribe before the writer starts. A new
 * reference to the state that the first batch is the successor of: nothing is lost between the two. */
MUST_USE struct snap *store_subscribe(struct store *, void (*deliver)(void *ctx, struct batch *), void *ctx);

/* ---- the writer: one thread at a time ----
 * ERR_IO and ERR_NO_SPACE from any of these, and any fault of store_tx_begin() and store_tx_end(), mean that
 * the whole group is lost: only store_rollback() may follow. After ERR_IO the store is read-only until it is
 * opened again (a failed fsync must not be retried); after ERR_NO_SPACE the next group may succeed. A put or
 * a delete at fault changes nothing. */
/* A commit group: one SQL transaction that may hold several client transactions, each with its own revision.
 */
MUST_USE enum err_kind store_begin(struct store *, struct err *e);
/* The state inside the group so far (uncommitted writes of earlier client transactions included); borrowed
 * until the next write. */
const struct snap *store_pending(struct store *);
struct store_origin {
    struct str author;      /* user name, proxy or "ursa"; must live until store_tx_end() */
    enum res_origin origin; /* what the transaction puts is of this origin */
    int64_t now_ns;         /* wall clock */
};
MUST_USE enum err_kind store_tx_begin(struct store *, const struct store_origin *, struct err *e);
/* Puts: the object becomes what is stored, with a reference of the store's own and its origin, times and
 * revision filled in; from here on nobody may change it. One that was stored before (its modified_ns is not
 * 0) is left as it is and copied. A mesh-scoped resource whose Mesh is not there is ERR_INVALID. */
MUST_USE enum err_kind store_tx_put(struct store *, struct resource *, struct err *e);
/* What its Envoy tells of a stored Dataplane (dataplane_with_health): no history, and its origin, revision
 * and times stay. ERR_NOT_FOUND when absent. */
MUST_USE enum err_kind store_tx_health(struct store *, const struct res_key *, struct str health,
                                       struct err *e);
/* ERR_NOT_FOUND when absent. A Mesh takes everything in it along; each key is a change of its own, the Mesh's
 * the last. */
MUST_USE enum err_kind store_tx_delete(struct store *, const struct res_key *, struct err *e);
/* Gives the name this address, which no other name of the mesh has, or notes that it is out of use. The Mesh
 * is there; its name must live until store_tx_end(). */
void store_tx_vip_put(struct store *, struct str mesh, enum vip_kind, struct str name, uint32_t address,
                      int64_t unused_ns);
/* The name has one; it may be that very VIP's own. */
void store_tx_vip_delete(struct store *, struct str mesh, enum vip_kind, struct str name);
/* Ends the client transaction: keeps it and gives its revision (the store's when it made no history), or
 * undoes it. */
MUST_USE enum err_kind store_tx_end(struct store *, bool keep, uint64_t *revision, struct err *e);
/* Durable when it returns ERR_NONE; then the snapshot is published and the feed delivered, unless the group
 * changed nothing. On failure nothing of the group remains and the group has ended. */
MUST_USE enum err_kind store_commit(struct store *, struct err *e);
void store_rollback(struct store *);

/* ---- history: read beside the writer ----
 * A job runs on the store's reader thread, one at a time, and sees one moment of the store. What makes no
 * history (above) is no part of it. Of what the limits in store_options have made it forget, the state of the
 * oldest revision that is kept can still be told, and the changes of the revisions after that one. */
struct history;
struct store_job {
    struct mail mail; /* the reader's, while submitted */
    void (*run)(struct store_job *,
                struct history *); /* on the reader's thread; the job is its own from here on */
};
/* Any thread. False when too many wait: the job is the caller's again. */
MUST_USE bool store_submit(struct store *, struct store_job *);

/* Which resources are meant. Of a mesh means in it, and its Mesh. */
struct history_scope {
    enum res_type type;    /* RES_N: of any type */
    struct str mesh, name; /* p == NULL: any */
    /* Leaves out what the asker must not see; NULL: nothing is left out. */
    bool (*sees)(const void *ctx, const struct res_key *);
    const void *ctx;
};
enum history_op { HISTORY_CREATE, HISTORY_UPDATE, HISTORY_DELETE };
/* What it takes from 'before' to 'after'; NULL: there is none. Not both are NULL. */
enum history_op history_op_of(const struct resource *before, const struct resource *after);
struct str history_op_name(enum history_op); /* "create", "update", "delete" */
struct history_change {
    enum history_op op;
    struct res_key key;
};
struct history_entry {
    uint64_t revision;
    int64_t time_ns;
    struct str author;
    enum res_origin origin;
    struct history_change *changes; /* of the scope; sorted by key */
    size_t n_changes, n_omitted;    /* beyond HISTORY_CHANGES */
};
#define HISTORY_CHANGES 10000 /* in one answer; there is always one revision in it */
struct history_page {
    struct history_entry *entries; /* newest first */
    size_t n, total;               /* 'total': how many revisions changed something of the scope */
};

/* These are a job's. */
MUST_USE enum err_kind history_bounds(struct history *, uint64_t *oldest, uint64_t *newest, struct err *e);
/* The state at that revision: *out, which the caller unrefs, holds what the scope means as it was, and all
 * else as anything. ERR_NOT_FOUND, with a text that names what there is, for a revision that is no longer
 * kept or not made yet. 'sees' is not asked. */
MUST_USE enum err_kind history_at(struct history *, uint64_t revision, const struct history_scope *,
                                  struct snap **out, struct err *e);
/* At most 'size' of the revisions that changed something of the scope, from the offset-th newest on; fewer
 * when they hold too many changes. */
MUST_USE enum err_kind history_list(struct history *, const struct history_scope *, size_t offset,
                                    size_t size, struct arena *, struct history_page *out, struct err *e);
/* All of the store at one revision, as an SQLite file without a name: the caller closes *fd. It took its room
 * beside the store. ERR_CONFLICT for a store in memory. */
MUST_USE enum err_kind history_backup(struct history *, int *fd, uint64_t *revision, struct err *e);

/* Puts a new key in front of those in a key file, which is made when there is none, and says its number. The
 * store is sealed with it when it is opened next; the older keys open what older backups hold. */
MUST_USE enum err_kind store_add_key(const char *key_file, int64_t *number, struct err *e);

/* ---- restoring: no store may be open ----
 * Puts the backup 'from' in place of the store that the options name, all at once, after it has been opened
 * and read as a store would be; what was there is kept beside it, and 'kept' says as what ("" when nothing
 * was). The backup is only read. ERR_CONFLICT while a process has the store open. On any fault the store is
 * as it was. */
#define STORE_KEPT_MAX 4096
struct store_restored {
    uint64_t revision, n_resources;
    char kept[STORE_KEPT_MAX];
};
MUST_USE enum err_kind store_restore(const char *from, const struct store_options *,
                                     struct store_restored *out, struct err *e);

/* Copies the store at 'from', which no process has open, to a new file 'to' (mode 0600): for those who only
 * want to look. Nothing of the store is changed. ERR_CONFLICT: it is open; ERR_NOT_FOUND: there is none. The
 * caller removes the copy. */
MUST_USE enum err_kind store_copy(const char *from, const char *to, struct err *e);

/* Figures for /metrics and /debug: file size, resources, bytes; any thread. */
struct store_stats {
    uint64_t revision, sequence, n_resources, file_bytes, commits, transactions;
    int64_t last_commit_ns; /* duration of the last commit */
    bool failed;            /* a commit failed to reach the disk: the store is read-only until restart */
};
void store_stats(struct store *, struct store_stats *);

#endif
