/* visible.h -- lists over all meshes show what the caller may see of them (decision 0007): everything, or the
 * parts that belong to the caller's own meshes. */
#ifndef URSA_API_VISIBLE_H
#define URSA_API_VISIBLE_H

#include "request.h"

/* The resources of one type that the caller may see, by mesh then name: positions 0 .. n-1 across the
 * ranges. In the request's arena; valid while its snapshot is held. */
struct visible {
    const struct snap_range *ranges;
    size_t n_ranges, n;
};
/* Of a type with a mesh: those of the meshes in which the caller may read the type. Meshes: the caller's own.
 * Other global types: none for who is confined. */
struct visible visible_of(struct request *, enum res_type);

/* for (struct visible_iter it = visible_iter(&visible, first); (r = visible_next(&it));) */
struct visible_iter {
    const struct snap_range *next, *end;
    struct snap_range part; /* that 'it' runs over */
    struct snap_iter it;
};
struct visible_iter visible_iter(const struct visible *, size_t first);
const struct resource *visible_next(struct visible_iter *);

#endif
