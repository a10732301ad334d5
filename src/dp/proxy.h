/* proxy.h -- which proxy this is, and the Dataplane that it brings, if any. No files, no network. */
#ifndef URSA_DP_PROXY_H
#define URSA_DP_PROXY_H

#include "options.h"

struct proxy {
    struct str mesh, name;
    struct str dataplane; /* the resource's text to send; empty: it is stored already */
};
/* 'dataplane' is the text of --dataplane or of its file, STR_NONE without: its variables are filled in, and
 * it says the mesh and the name; flags must not say others. */
MUST_USE enum err_kind proxy_describe(const struct options *, struct str dataplane, struct arena *,
                                      struct proxy *, struct err *e);

#endif
