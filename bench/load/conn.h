/* conn.h -- a simulated proxy's connection: TCP from a chosen loopback address, TLS, and bytes in both
 * directions. What they mean is its owner's: call.h, rest.c.
 *
 * A connection is embedded in its owner. Its buffer exists only while there is something in it: tens of
 * thousands of idle connections share one process. */
#ifndef URSA_BENCH_CONN_H
#define URSA_BENCH_CONN_H

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "../../src/net/loop.h"
#include "ursa/base/buf.h"

struct conn;
struct conn_events {
    void (*opened)(struct conn *); /* bytes may be sent from now on */
    void (*bytes)(struct conn *, struct str);
    void (*produce)(struct conn *, struct buf *out); /* adds what is to be sent; NULL: nothing but what
                                                        conn_write() was given */
    void (*failed)(struct conn *, const char *why);  /* it is closed; once */
    void (*buried)(struct conn *);                   /* it was closed, and nothing refers to it any more */
};

/* What all connections share. */
struct conn_place {
    struct loop loop;
    SSL_CTX *tls;
    struct sockaddr_in server;
    uint32_t n_sources; /* 127.0.0.2 and so on: a port can be used once from each */
    bool resumes;       /* TLS sessions are kept for the next connection */
    uint64_t n_bytes;   /* received, TLS's own not counted */
    char scratch[16384];
};
/* 'alpn' is the protocol that is offered. */
void conn_place_init(struct conn_place *, uint16_t port, uint32_t n_sources, bool resumes, struct str alpn);

struct conn {
    struct conn_place *place;
    const struct conn_events *events;
    struct watch watch;
    struct job send, burial;
    SSL *ssl;
    SSL_SESSION *session; /* of the last connection */
    bool is_open, is_closed;
    struct buf out; /* for TLS */
    size_t out_sent;
};
/* Connects from the source address of that number; ends in 'opened' or 'failed'. Only when it is new, or
 * closed and the loop's pass is over. */
void conn_open(struct conn *, struct conn_place *, const struct conn_events *, uint32_t number);
void conn_write(struct conn *, struct str bytes);
void conn_wake(struct conn *); /* there is something to produce */
/* Closes it, and its owner is told why. */
void conn_fail(struct conn *, const char *why);
/* From outside: 'failed' is not called. May be closed already, or never opened. */
void conn_close(struct conn *);

#endif
