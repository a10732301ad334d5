/* feed.h -- who hears of changes: private to src/store/. */
#ifndef STORE_FEED_H
#define STORE_FEED_H

#include "ursa/base/vec.h"
#include "ursa/store.h"

struct feed_subscriber {
    void (*deliver)(void *ctx, struct batch *);
    void *ctx;
};

struct feed {
    struct VEC(struct feed_subscriber) subscribers; /* fixed before the writer starts, hence no lock */
};

void feed_init(struct feed *);
void feed_fini(struct feed *);
void feed_deliver(const struct feed *, struct batch *);

/* Takes over one reference of every change's resources and of the authors, and takes one of the snapshot. */
struct batch *batch_new(struct snap *, const struct change *, size_t n, const struct batch_tx *,
                        size_t n_txs);
void change_fini(struct change *);

#endif
