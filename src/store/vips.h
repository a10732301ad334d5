/* vips.h -- the tables of VIPs inside snapshots: private to src/store/.
 *
 * A persistent tree of tables, one a mesh; a table is two persistent trees of the same VIPs, by name and by
 * address. So a snapshot shares with the next what did not change, and undoing is to keep the old root. */
#ifndef STORE_VIPS_H
#define STORE_VIPS_H

#include "ursa/store.h"

/* A tree of tables by mesh, as snapshots hold it. */
struct ptree *vips_ref(struct ptree *);
void vips_unref(struct ptree *);
/* These take over one reference of the root and return one of the new root. put references the VIP and
 * replaces the one that has its name. */
MUST_USE struct ptree *vips_put(struct ptree *root, struct str mesh, struct vip *);
MUST_USE struct ptree *vips_del(struct ptree *root, struct str mesh, const struct vip *);
MUST_USE struct ptree *vips_del_mesh(struct ptree *root, struct str mesh);

struct vip *vip_new(enum vip_kind, struct str name, uint32_t address, int64_t unused_ns); /* refs == 1 */
void vip_unref(struct vip *);

#endif
