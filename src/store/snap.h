/* snap.h -- how the store builds snapshots: private to src/store/.
 *
 * A snapshot that only its builder can see may be changed; once published it never is. */
#ifndef STORE_SNAP_H
#define STORE_SNAP_H

#include "ursa/store.h"

struct snap {
    atomic_uint refs;
    uint64_t revision, sequence;
    struct ptree *trees[RES_N]; /* of struct resource, by mesh, then name */
    struct ptree *vips;         /* vips.h */
};

struct snap *snap_new(void);                 /* empty */
struct snap *snap_copy(const struct snap *); /* shares everything */
size_t snap_count(const struct snap *);      /* resources of all types */
/* Borrowed; NULL when absent. */
struct resource *snap_get(const struct snap *, const struct res_key *);
/* Builder only. */
void snap_put(struct snap *, struct resource *); /* takes a reference of its own */
void snap_del(struct snap *, const struct res_key *);

/* Where readers find the newest snapshot. */
struct snap_slot {
    struct lock lock; /* protects current */
    struct snap *current;
};
void snap_slot_init(struct snap_slot *, struct snap *first); /* takes over 'first' */
void snap_slot_fini(struct snap_slot *);
struct snap *snap_slot_get(struct snap_slot *);                 /* caller unrefs */
void snap_slot_publish(struct snap_slot *, struct snap *fresh); /* takes over 'fresh' */

#endif
