/* h2.h -- one connection's HTTP/2 session (nghttp2): bytes in, bytes out, no descriptor.
 *
 * Calls for the discovery service become streams of ads (stream.h); all others are refused here. What a peer
 * may have open, send and repeat is bounded; whoever exceeds it is told ENHANCE_YOUR_CALM, and the session is
 * over. One thread at a time. */
#ifndef URSA_NET_H2_H
#define URSA_NET_H2_H

#include "ursa/xds.h"

#define H2_MAX_STREAMS 100u
/* Output is made while less than this waits to be sent; a frame more may follow. */
#define H2_OUTPUT_MAX (64u << 10)
#define H2_OUTPUT_CAP (H2_OUTPUT_MAX + (32u << 10))

struct frames;
struct h2_options {
    struct ads *ads;
    uint64_t source;         /* throttle_source() of the peer */
    struct frames *frames;   /* outlives the session */
    size_t *n_held;          /* bytes of incomplete requests of all sessions of the loop */
    size_t held_max;         /* how many these may be */
    void (*wake)(void *ctx); /* there may be something to send; must not call back */
    void *ctx;
};
struct h2;
struct h2 *h2_new(const struct h2_options *, int64_t now);
void h2_free(struct h2 *); /* closes its streams; NULL is ignored */

/* Both return false when the session is over; then 'h2_send' has said why to the peer, or the peer broke off.
 */
MUST_USE bool h2_receive(struct h2 *, struct str bytes, int64_t now);
/* Appends to 'out' (cap H2_OUTPUT_CAP) until it holds H2_OUTPUT_MAX or there is no more. */
MUST_USE bool h2_send(struct h2 *, struct buf *out);
bool h2_has_more(const struct h2 *); /* another h2_send would append something */
/* A number that the sessions of a mesh's proxies share; 0 until the proxy is known. */
uint64_t h2_lane(const struct h2 *);
/* What the peer did wrong, for the log; NULL when the session is well or ended well. */
const char *h2_fault(const struct h2 *);

void h2_ping(struct h2 *);
/* Tells the peer to go elsewhere and ends every stream with 'status'; the session is over when that is sent.
 */
void h2_drain(struct h2 *, enum err_kind, struct str text);
/* Since when no stream has brought a whole message; INT64_MAX while there is one that has. */
int64_t h2_unused_since(const struct h2 *);

#endif
