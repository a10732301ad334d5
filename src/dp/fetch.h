/* fetch.h -- asks the control plane for the bootstrap of one proxy. */
#ifndef URSA_DP_FETCH_H
#define URSA_DP_FETCH_H

#include "proxy.h"

/* Waits for the control plane, and for a Dataplane that is not stored yet, up to options->retry_for_ns.
 * ERR_INVALID, ERR_DENIED: no waiting would help, the text says why. 'access_log_socket' goes into the
 * request. '*yaml' is Envoy's bootstrap; it holds the token. */
MUST_USE enum err_kind bootstrap_fetch(const struct options *, struct str access_log_socket, struct arena *,
                                       struct proxy *, struct str *yaml, struct err *e);

#endif
