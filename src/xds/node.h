/* xds/node.h -- who a client says to be: its node id and metadata (xds.md 2.3), read once a stream. */
#ifndef URSA_XDS_NODE_H
#define URSA_XDS_NODE_H

#include "ursa/xds.h"

struct proxy_node {
    struct str id;                 /* "<mesh>.<name>" */
    struct proxy_params params;    /* mesh, name and what the compiler needs */
    struct proxy_version *version; /* NULL when not told */
    struct str dataplane;          /* text of the Dataplane that the proxy brings; p == NULL: none */
};
/* Copies what is used into the arena. ERR_INVALID with the reference's texts. */
MUST_USE enum err_kind proxy_node_read(const struct discovery_node *, struct arena *, struct proxy_node *,
                                       struct err *e);
/* The Dataplane that the proxy brings: YAML or JSON; decoded and checked as a document. */
MUST_USE enum err_kind proxy_node_decode_dataplane(const struct proxy_node *, struct resource **out,
                                                   struct err *e);

#endif
