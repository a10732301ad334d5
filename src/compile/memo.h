/* The memo: remembered pure functions, invalidated by push, evaluated by pull.
 *
 * A function sees its arguments and what it asks of the memo, and nothing else; asking records the
 * dependency, so a forgotten one cannot be expressed. Inputs are entries too: they read the world. When an
 * input changes its version, everything behind it is marked stale; a stale entry that is asked for first
 * checks its dependencies in order and runs only if one of them has another version than it saw. An equal
 * result keeps its version (early cut-off).
 *
 * A call (a function with its arguments) is one object, however many name it. So calls are passed about by
 * reference: as arguments of other calls, which keeps keys short, and in values, which then say what there is
 * without anything of it being evaluated. One thread. */
#ifndef URSA_COMPILE_MEMO_H
#define URSA_COMPILE_MEMO_H

#include <jansson.h>

#include "key.h"

struct memo;
struct memo_ctx; /* one run of one function */
struct call;     /* a function and its arguments */

/* A result. Equal versions mean equal values; 0 is "nothing". */
struct memo_value {
    void *p;
    uint64_t version;
};

/* At most one of run and read is set; a function without either is only named, for its arguments. */
struct memo_fn {
    const char *name;
    struct memo_value (*run)(struct memo_ctx *, struct str args);
    struct memo_value (*read)(void *world, struct str args); /* an input */
    void (*drop)(void *value);                               /* NULL: nothing to free */
    bool asks_all; /* it asks for every call among its arguments, in order: see memo_advance() */
};

struct memo *memo_new(const struct memo_fn *const *functions, size_t n, void *world);
void memo_free(struct memo *); /* NULL is ignored */
void memo_clear(struct memo *);

/* ---- inside a function ---- */
/* Starts a call. Its arguments follow: first other calls, then, with key_* into the buffer, anything else. */
struct buf *memo_call(struct memo_ctx *, unsigned function);
void memo_add_call(struct memo_ctx *, const struct call *);
/* Finishes it: the value, borrowed until the memo is changed. */
const void *memo_get(struct memo_ctx *);
/* Finishes it without a value: the call, good until the memo is collected, or as long as it is kept. */
struct call *memo_name(struct memo_ctx *);
/* The value of a call that was named before. */
const void *memo_get_call(struct memo_ctx *, struct call *);
/* The value of this run holds the call, which therefore lives as long. */
void memo_keep(struct memo_ctx *, struct call *);
uint64_t memo_last_version(const struct memo_ctx *); /* of the value that was got last */
/* Those of the function's own arguments that are calls; the others are its 'args'. */
size_t memo_n_calls(const struct memo_ctx *);
struct call *memo_call_at(const struct memo_ctx *, size_t i);
struct arena *memo_arena(struct memo_ctx *); /* lives as long as the run */
void *memo_world(struct memo_ctx *);         /* for what has no content: tables of shared objects */

/* ---- about a call ---- */
unsigned call_function(const struct call *);
struct str call_args(const struct call *); /* those that are no calls */
/* No two calls that the memo ever knew have the same: what versions of values that hold calls are made of. */
uint64_t call_id(const struct call *);

/* ---- from outside ---- */
/* The same as memo_call, for the functions below. */
struct buf *memo_outer_call(struct memo *, unsigned function);
/* Evaluates, and keeps the entry until it is released. */
const void *memo_hold(struct memo *);
void memo_release(struct memo *);
/* Evaluates, and keeps nothing: for the next step. */
const void *memo_look(struct memo *);
/* Evaluates one after the other what a function that asks_all will ask for, as long as there is time, and at
 * least one of it; false: there is more. Asking for the call itself is then a small step. */
bool memo_advance(struct memo *, struct call *, int64_t until_ns);
/* The version of the call that was started, as it was evaluated last; 0 when it was not. */
uint64_t memo_version(struct memo *);
/* An input may have changed: if anybody asked for it, it is read again before anything else is evaluated. */
void memo_touch(struct memo *);
void memo_touch_all(struct memo *, unsigned function);
/* The arguments of a call that is held and became stale since it was evaluated; each comes once. False: there
 * is no further one. Valid until the memo is changed. */
bool memo_next_stale(struct memo *, struct str *args);
/* Drops what nobody depends on. */
void memo_collect(struct memo *);
/* {"function": {"runs", "hits", "entries"}}; caller owns it. */
json_t *memo_stats(const struct memo *);

#endif
