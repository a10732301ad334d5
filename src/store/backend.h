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

struct backend_ops {
    void (*close)(struct backend *);
    /* Everything there is; 'each' takes over the resource. */
    enum err_kind (*load)(struct backend *, void (*each)(void *ctx, struct resource *), void *ctx,
                          uint64_t *revision, struct err *e);

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
    /* Keeps in history what is updated or removed. */
    enum err_kind (*archive)(struct backend *, const struct resource *, uint64_t superseded, struct err *e);
    /* Forgets, in bounded steps, what was superseded by a revision up to 'upto' or made before 'before_ns'.
     */
    enum err_kind (*prune)(struct backend *, uint64_t upto, int64_t before_ns, struct err *e);

    uint64_t (*file_bytes)(struct backend *); /* any thread */
};

MUST_USE enum err_kind sqlite_open(const struct store_options *, struct backend **out, struct err *e);
struct backend *memory_open(void);

#endif
