/* The memo: remembered pure functions, invalidated by push, evaluated by pull.
 *
 * A function sees its arguments and what it asks of the memo, and nothing else; asking records the
 * dependency, so a forgotten one cannot be expressed. Inputs are entries too: they read the world. When an
 * input changes its version, everything behind it is marked stale; a stale entry that is asked for first
 * checks its dependencies in order and runs only if one of them has another version than it saw. An equal
 * result keeps its version (early cut-off). One thread. */
#ifndef URSA_COMPILE_MEMO_H
#define URSA_COMPILE_MEMO_H

#include <jansson.h>

#include "key.h"

struct memo;
struct memo_ctx; /* one run of one function */

/* A result. Equal versions mean equal values; 0 is "nothing". */
struct memo_value {
    void *p;
    uint64_t version;
};

/* Exactly one of run and read is set. */
struct memo_fn {
    const char *name;
    struct memo_value (*run)(struct memo_ctx *, struct str args);
    struct memo_value (*read)(void *world, struct str args); /* an input */
    void (*drop)(void *value);                               /* NULL: nothing to free */
};

struct memo *memo_new(const struct memo_fn *const *functions, size_t n, void *world);
void memo_free(struct memo *); /* NULL is ignored */
void memo_clear(struct memo *);

/* ---- inside a function ---- */
/* Starts a call: the arguments are then added to the buffer with key_*. */
struct buf *memo_call(struct memo_ctx *, unsigned function);
/* Finishes it: the value, borrowed until the memo is changed. */
const void *memo_get(struct memo_ctx *);
/* The bytes of the call that was started, to be kept instead of finished; and finishing such a call. */
struct str memo_call_bytes(struct memo_ctx *);
const void *memo_get_call(struct memo_ctx *, struct str call);
uint64_t memo_last_version(const struct memo_ctx *); /* of the value that was got last */
struct arena *memo_arena(struct memo_ctx *);         /* lives as long as the run */
void *memo_world(struct memo_ctx *);                 /* for what has no content: tables of shared objects */

/* ---- from outside ---- */
/* The same as memo_call, for the functions below. */
struct buf *memo_outer_call(struct memo *, unsigned function);
/* Evaluates, and keeps the entry until it is released. */
const void *memo_hold(struct memo *);
void memo_release(struct memo *);
/* An input may have changed: if anybody asked for it, it is read again before anything else is evaluated. */
void memo_touch(struct memo *);
void memo_touch_all(struct memo *, unsigned function);
/* Drops what nobody depends on. */
void memo_collect(struct memo *);
/* {"function": {"runs", "hits", "entries"}}; caller owns it. */
json_t *memo_stats(const struct memo *);

#endif
