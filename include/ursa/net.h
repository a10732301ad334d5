/* ursa/net.h -- the proxies' TLS port: epoll loop, TLS with ALPN, HTTP/2 with gRPC, and HTTP/1.1 handed on.
 *
 * h2 carries gRPC to the aggregated discovery service. http/1.1 (also without ALPN) is decrypted and handed,
 * through a socket pair, to whoever serves HTTP: bootstrap, later the HTTPS API and REST xDS. */
#ifndef URSA_NET_H
#define URSA_NET_H

#include <sys/socket.h>

#include "ursa/insight.h"

struct net;
struct net_options {
    const char *address; /* to bind, "0.0.0.0" */
    uint16_t port;       /* 0: any; see net_port */
    struct str cert_pem, key_pem;
    size_t max_connections; /* beyond it, new ones are refused at once */
    struct ads_options ads; /* mailbox, observe and observe_ctx are filled in by net */
    struct insight_options insight;
    /* Takes over 'fd' (plain bytes of one HTTP/1.1 connection); runs on the loop's thread, must only hand
     * over. */
    void (*http1)(void *ctx, int fd, const struct sockaddr *peer, socklen_t peer_len);
    void *http1_ctx;
};
MUST_USE enum err_kind net_start(const struct net_options *, struct net **out, struct err *e);
/* Closes the listener, ends every call with UNAVAILABLE and GOAWAY, lets HTTP/1.1 answers go out, waits at
 * most 'grace_ms' for that, joins. The engine, admit and whoever serves HTTP/1.1 must still run. NULL is
 * ignored. */
void net_stop(struct net *, int grace_ms);
uint16_t net_port(const struct net *);
/* New certificate for connections made from now on; the old one stays in use when it is bad. Any thread. */
MUST_USE enum err_kind net_reload_tls(struct net *, struct str cert_pem, struct str key_pem, struct err *e);
struct ads *net_ads(struct net *); /* for /debug/proxy; until net_stop */

#endif
