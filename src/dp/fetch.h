/* fetch.h -- asks the control plane for the bootstrap of one proxy. */
#ifndef URSA_DP_FETCH_H
#define URSA_DP_FETCH_H

#include "options.h"

struct bootstrap {
    struct str mesh, name; /* of the proxy, as asked for */
    struct str yaml;       /* Envoy's bootstrap; it holds the token */
};
/* Waits for the control plane, and for a Dataplane that is not stored yet, up to options->retry_for_ns.
 * ERR_INVALID, ERR_DENIED: the control plane said no, with its text. 'access_log_socket' goes into the
 * request. */
MUST_USE enum err_kind bootstrap_fetch(const struct options *, struct str access_log_socket, struct arena *,
                                       struct bootstrap *, struct err *e);

#endif
