/* guard.h -- refuses requests whose header libmicrohttpd 0.9.75 reads more leniently than RFC 9112 allows. */
#ifndef URSA_API_GUARD_H
#define URSA_API_GUARD_H

#include "request.h"

/* Whether the header of the request says one thing only, to every reader. 'method' and 'version' are those of
 * the handler's first call, request->target is what the URI callback got. When not, never read on: what
 * follows may be somebody's smuggled request. */
MUST_USE bool guard_passes(const struct request *, const char *method, const char *version);

#endif
