/* feed.c -- the ordered change feed: one batch a commit group, delivered by the writer to whoever subscribed.
 */
#include "feed.h"

#include <string.h>

void feed_init(struct feed *f)
{
    *f = (struct feed){0};
}

void feed_fini(struct feed *f)
{
    VEC_FINI(&f->subscribers);
}

void feed_deliver(const struct feed *f, struct batch *b)
{
    for (size_t i = 0; i < f->subscribers.n; i++)
        f->subscribers.v[i].deliver(f->subscribers.v[i].ctx, b);
}

void change_fini(struct change *c)
{
    resource_unref(c->before);
    resource_unref(c->after);
}

const struct res_key *change_key(const struct change *c)
{
    return c->after ? &c->after->key : &c->before->key;
}

struct batch *batch_new(struct snap *snap, const struct change *changes, size_t n, const struct batch_tx *txs,
                        size_t n_txs)
{
    struct batch *b = xcalloc(1, sizeof(*b) + n * sizeof(changes[0]));
    atomic_init(&b->refs, 1);
    b->revision = snap_revision(snap);
    b->sequence = snap_sequence(snap);
    b->snap = snap_ref(snap);
    b->n_changes = n;
    if (n)
        memcpy(b->changes, changes, n * sizeof(changes[0]));
    b->n_txs = n_txs;
    b->txs = xcalloc(n_txs ? n_txs : 1, sizeof(txs[0]));
    if (n_txs)
        memcpy(b->txs, txs, n_txs * sizeof(txs[0]));
    return b;
}

struct batch *batch_ref(struct batch *b)
{
    if (b)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void batch_unref(struct batch *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < b->n_changes; i++)
        change_fini(&b->changes[i]);
    for (size_t i = 0; i < b->n_txs; i++)
        blob_unref(b->txs[i].author);
    free(b->txs);
    snap_unref(b->snap);
    free(b);
}
