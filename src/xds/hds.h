/* xds/hds.h -- the health discovery service of one loop (xds.md 13): what Envoys check for us. Private to
 * xds/. */
#ifndef URSA_XDS_HDS_H
#define URSA_XDS_HDS_H

#include "ursa/base/map.h"
#include "ursa/xds.h"

struct hds {
    struct map proxies; /* struct hds_proxy, by "mesh.name": whose streams are open */
    size_t n_streams;   /* that exist, closed ones with the engine or the writer included */
};

void hds_init(struct hds *);
void hds_fini(struct hds *); /* idle */
bool hds_is_idle(const struct hds *);

#endif
