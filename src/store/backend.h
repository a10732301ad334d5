/* backend.h -- what a back end does for the store: keep rows, the revision counter and history. Private to
 * src/store/.
 *
 * The front (store.c) knows the state from its snapshot and calls a back end only with what is true: insert
 * what is absent, update and remove what is there, a Mesh before what is in it. A back end is used by one
 * thread at a time. ERR_IO and ERR_NO_SPACE mean that the open transaction is lost. */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "ursa/store.h"

struct backend {
    const struct backend_ops *ops;
};

/* A row of history: what 'revision' wrote and 'superseded' replaced or removed. */
struct history_row {
    struct res_key key;
    enum res_origin origin;
    uint64_t revision, superseded;
};

struct vip_row {
    struct str mesh, name;
    enum vip_kind kind;
    uint32_t address;
    int64_t unused_ns;
};

struct backend_ops {
    void (*close)(struct backend *);
    /* Everything there is; 'each' takes over the resource. */
    enum err_kind (*load)(struct backend *, void (*each)(void *ctx, struct resource *), void *ctx,
                          uint64_t *revision, struct err *e);
    /* Every VIP; borrowed. */
    enum err_kind (*load_vips)(struct backend *, void (*each)(void *ctx, const struct vip_row *), void *ctx,
                               struct err *e);

    /* A group. After a failed commit the group is gone, as after rollback. */
    enum err_kind (*begin)(struct backend *, struct err *e);
    enum err_kind (*commit)(struct backend *, struct err *e);
    void (*rollback)(struct backend *);

    /* A client transaction inside it that made history has this revision, one more than the last. The group
     * holds the counter: nobody else counts meanwhile. */
    enum err_kind (*revise)(struct backend *, const struct store_origin *, uint64_t revision, struct err *e);

    enum err_kind (*insert)(struct backend *, const struct resource *, struct err *e);
    enum err_kind (*update)(struct backend *, const struct resource *, struct err *e);
    enum err_kind (*remove)(struct backend *, const struct res_key *, struct err *e);
    /* The VIP of this name, there already or not; a Mesh that is removed takes its own along. */
    enum err_kind (*put_vip)(struct backend *, const struct vip_row *, struct err *e);
    enum err_kind (*remove_vip)(struct backend *, const struct vip_row *, struct err *e);
    /* Keeps in history what is updated or removed. */
    enum err_kind (*archive)(struct backend *, struct resource *, uint64_t superseded, struct err *e);
    /* Forgets, in bounded steps, what was superseded by a revision up to 'upto' or made before 'before_ns',
     * and takes note of what can no longer be told. */
    enum err_kind (*prune)(struct backend *, uint64_t upto, int64_t before_ns, struct err *e);

    uint64_t (*file_bytes)(struct backend *); /* any thread */

    /* Reading history, on the reader's thread beside all of the above: between read_begin and read_end it
     * stays as it was committed then. 'newest' is the revision then, 'pruned' the oldest whose state can be
     * told. read_end may follow a read_begin that failed. */
    enum err_kind (*read_begin)(struct backend *, uint64_t *newest, uint64_t *pruned, struct err *e);
    void (*read_end)(struct backend *);
    /* Rows of the scope that were live at 'revision' and were superseded since; 'each' takes over the
     * resource. */
    enum err_kind (*read_state)(struct backend *, uint64_t revision, const struct history_scope *,
                                void (*each)(void *ctx, struct resource *), void *ctx, struct err *e);
    /* Rows of the scope that a revision in [first, last] wrote or superseded; borrowed. */
    enum err_kind (*read_rows)(struct backend *, uint64_t first, uint64_t last, const struct history_scope *,
                               void (*each)(void *ctx, const struct history_row *), void *ctx, struct err *e);
    /* Who made the revision, and when; the author is in the arena. */
    enum err_kind (*read_revision)(struct backend *, uint64_t revision, struct arena *,
                                   struct history_entry *, struct err *e);
    /* Copies all into a file without a name. */
    enum err_kind (*backup)(struct backend *, int *fd, struct err *e);
};

MUST_USE enum err_kind sqlite_open(const struct store_options *, struct backend **out, struct err *e);
struct backend *memory_open(void);

#endif
