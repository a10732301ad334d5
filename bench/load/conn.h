/* conn.h -- a simulated proxy's connection: TCP from a chosen loopback address, TLS, HTTP/2, and one gRPC
 * stream of messages in both directions. Knows nothing of discovery.
 *
 * A connection is embedded in its owner. Buffers exist only while there is something in them: tens of
 * thousands of idle connections share one process. */
#ifndef URSA_BENCH_CONN_H
#define URSA_BENCH_CONN_H

#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include "../../src/net/loop.h"
#include "ursa/base/buf.h"

struct conn;
struct conn_events {
    void (*opened)(struct conn *); /* messages may be sent from now on */
    void (*message)(struct conn *, struct str);
    void (*failed)(struct conn *, const char *why); /* it is closed; once */
};

/* What all connections share. */
struct conn_place {
    struct loop loop;
    SSL_CTX *tls;
    struct sockaddr_in server;
    uint32_t n_sources; /* 127.0.0.2 and so on: a port can be used once from each */
    bool resumes;       /* TLS sessions are kept for the next connection */
    const char *path;   /* of the gRPC method */
    const struct conn_events *events;
    uint64_t n_bytes; /* received, TLS's own not counted */
    char scratch[16384];
};
void conn_place_init(struct conn_place *, uint16_t port, uint32_t n_sources, bool resumes, const char *path,
                     const struct conn_events *);

struct conn {
    struct conn_place *place;
    struct str token; /* STR_NONE: none */
    struct watch watch;
    struct job send, burial;
    SSL *ssl;
    SSL_SESSION *session; /* of the last connection */
    bool is_open, is_closed;
    nghttp2_session *h2;
    int32_t stream;
    struct buf out; /* for TLS */
    size_t out_sent;
    struct buf requests; /* gRPC frames for the stream */
    size_t requests_sent;
    struct buf in; /* the message that is not whole yet */
};
/* Connects from the source address of that number; ends in 'opened' or 'failed'. Only when it is new, or
 * closed and the loop's pass is over. */
void conn_open(struct conn *, struct conn_place *, uint32_t number);
void conn_send(struct conn *, struct str message);
/* From outside: 'failed' is not called. May be closed already, or never opened. */
void conn_close(struct conn *);

#endif
