/* ursa/base/listen.h -- a listening TCP socket, the same way for every port of the daemon. Any thread. */
#ifndef URSA_BASE_LISTEN_H
#define URSA_BASE_LISTEN_H

#include "ursa/base/err.h"

/* Listens at an IP address: "127.0.0.1", "::1", "0.0.0.0" (all IPv4), "::" (all IPv4 and IPv6; just IPv4
 * where the kernel has no IPv6). Port 0 is any free one; *bound says which it is. The descriptor is
 * non-blocking and close-on-exec; the caller closes it. -1 and 'e' (ERR_INVALID: no address; ERR_IO: in use,
 * not allowed ...) on failure. */
MUST_USE int listen_tcp(const char *address, uint16_t port, uint16_t *bound, struct err *e);

#endif
