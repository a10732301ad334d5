/* ursa/base/throttle.h -- who fails too often has to wait: failures, counted by where they come from.
 *
 * The table has a fixed size. When it is full, whoever failed longest ago is forgotten. Any thread. */
#ifndef URSA_BASE_THROTTLE_H
#define URSA_BASE_THROTTLE_H

#include "ursa/base/rate.h"

struct sockaddr; /* <sys/socket.h> */

/* An address as the table knows it, never 0. Of an IPv6 address its first 64 bits count, since whoever has
 * one has all that begin so. NULL, or of another family: 0, whose failures are not counted. */
uint64_t throttle_source(const struct sockaddr *);

struct throttle;
struct throttle *throttle_new(const struct rate_limit *);
void throttle_free(struct throttle *); /* NULL is ignored */
/* Whether so many have failed from there that the next one has to wait. */
bool throttle_holds(struct throttle *, uint64_t source, int64_t now_ns);
void throttle_count(struct throttle *, uint64_t source, int64_t now_ns);

#endif
