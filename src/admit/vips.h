/* vips.h -- which address a name of a mesh gets: private to src/admit/. */
#ifndef ADMIT_VIPS_H
#define ADMIT_VIPS_H

#include "ursa/admit.h"

/* In the open client transaction, after its operations: every name that they brought has an address. */
void vips_assign(struct store *, const struct vip_pool *, const struct admit_request *, int64_t now_ns);
/* Outside any group: so has every name that there is. What an older version left has none yet, and another
 * pool's address is replaced. */
MUST_USE enum err_kind vips_assign_missing(struct store *, const struct vip_pool *, struct err *e);

#endif
