/* transitions.h -- how writes set a mesh on its way to another posture (ursa/posture.h): private to
 * src/admit/.
 *
 * What a request does to a Mesh or to its CAs' secrets is compared with what its proxies are told now. What
 * may go at once goes; for the rest the mesh gets a record, in the same transaction, and is led on by
 * transition_advance(). */
#ifndef ADMIT_TRANSITIONS_H
#define ADMIT_TRANSITIONS_H

#include "ursa/admit.h"
#include "ursa/base/map.h"

/* The meshes that a request concerns, with the posture that each had before it. */
struct transitions {
    struct store *store;
    struct arena arena; /* holds keys */
    struct map meshes;
};
/* Before the first operation: looks at the meshes of which the request writes the Mesh or a CA's secret. */
void transitions_begin(struct transitions *, struct store *, const struct admit_request *);
/* After the last, when none is at fault: puts and removes records. A fault is that of the operation that the
 * mesh is concerned by. */
void transitions_end(struct transitions *, struct admit_request *, int64_t now_ns);
void transitions_fini(struct transitions *);

/* The next step of a mesh whose proxies have all taken over its record. */
MUST_USE enum err_kind transition_advance(struct store *, const struct resource *record, int64_t now_ns,
                                          enum admit_outcome *, struct err *e);

#endif
