/* changes.h -- how two states differ, resource by resource. */
#ifndef URSA_API_CHANGES_H
#define URSA_API_CHANGES_H

#include "ursa/store.h"

/* A resource that is not the same on both sides: at least one is there. */
struct changed {
    const struct resource *before, *after;
};
/* Walks in the order of keys over all that differ in a mesh (its Mesh included), or, with mesh.p == NULL,
 * everywhere: in what is stored, not in when. What makes no history is left out. */
struct changes {
    const struct snap *before, *after;
    struct str mesh;
    enum res_type type;
    struct snap_iter left, right;
    const struct resource *next_left, *next_right;
};
void changes_init(struct changes *, const struct snap *before, const struct snap *after, struct str mesh);
bool changes_next(struct changes *, struct changed *out);

#endif
