/* ursa/net.h -- the TLS ports: epoll loops, TLS with ALPN, HTTP/2 with gRPC, and HTTP/1.1 handed on.
 *
 * There is a loop for each core, each with a thread of its own; a connection stays on the loop that it was
 * given to.
 *
 * The proxies' port: h2 carries gRPC to the aggregated discovery service; http/1.1 (also without ALPN) is
 * decrypted and handed, through a socket pair, to whoever serves HTTP: bootstrap, polls. The API's
 * port speaks http/1.1 only, handed on in the same way, and may ask clients for certificates. */
#ifndef URSA_NET_H
#define URSA_NET_H

#include <sys/socket.h>

#include "ursa/insight.h"

/* One HTTP/1.1 connection, and what its bytes do not tell. */
struct net_http1 {
    int fd; /* plain bytes; the taker's */
    const struct sockaddr *peer;
    socklen_t peer_len;
    struct str client_cert; /* subject of the certificate that the client showed and that was found good;
                               STR_NONE: it showed none */
};
/* Runs on the threads of all loops, must only hand over. All but 'fd' is borrowed. */
typedef void net_take_http1(void *ctx, const struct net_http1 *);

struct net_https {       /* the API's port */
    const char *address; /* to bind; NULL: there is no such port */
    uint16_t port;       /* 0: any; see net_https_port */
    struct str cert_pem, key_pem;
    bool ask_client_cert;     /* a client may show a certificate; one that is not good ends the handshake */
    bool require_client_cert; /* and must */
    struct str client_certs_pem; /* what makes one good: CAs, or clients' certificates themselves */
    size_t max_connections;
    net_take_http1 *http1;
    void *http1_ctx;
};

struct net;
struct net_options {
    const char *address; /* to bind, "0.0.0.0" */
    uint16_t port;       /* 0: any; see net_port */
    struct str cert_pem, key_pem;
    size_t max_connections; /* of all loops; beyond it, new ones are refused at once */
    size_t n_loops;         /* 0: one for each core that the process may use, 8 at most */
    struct ads_options ads; /* the observer is filled in by net */
    struct insight_options insight;
    net_take_http1 *http1;
    void *http1_ctx;
    struct net_https https;
};
MUST_USE enum err_kind net_start(const struct net_options *, struct net **out, struct err *e);
/* Closes the listener, ends every call with UNAVAILABLE and GOAWAY, lets HTTP/1.1 answers go out, waits at
 * most 'grace_ms' for that, joins. The engine, admit and whoever serves HTTP/1.1 must still run. NULL is
 * ignored. */
void net_stop(struct net *, int grace_ms);
uint16_t net_port(const struct net *);
uint16_t net_https_port(const struct net *); /* 0: there is none */
/* New certificates for connections made from now on; when one is bad all old ones stay in use. Of 'https'
 * only the TLS members count; when those about clients are others, connections whose client showed a
 * certificate are ended, since it may not be good any more. One thread at a time. */
MUST_USE enum err_kind net_reload_tls(struct net *, struct str cert_pem, struct str key_pem,
                                      const struct net_https *https, struct err *e);
struct ads_group *net_ads(struct net *); /* to ask about proxies; until net_stop */

#endif
