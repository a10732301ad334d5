/* conn.h -- one TLS connection of the proxies' port, from accept to close, as a small state machine.
 *
 * A worker owns its connections; everything here runs on the worker's thread. */
#ifndef URSA_NET_CONN_H
#define URSA_NET_CONN_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "h2.h"
#include "loop.h"
#include "tls.h"

enum conn_state {
    CONN_HANDSHAKE, /* TLS is being set up */
    CONN_H2,        /* gRPC */
    CONN_HTTP1,     /* bytes to and from whoever serves HTTP */
    CONN_LEAVING,   /* sends its last bytes and waits, for a moment, until the peer closes too */
    CONN_CLOSED,    /* freed at the end of the pass */
    CONN_STATES
};
bool conn_may_move(enum conn_state from, enum conn_state to);
const char *conn_state_name(enum conn_state);

union peer_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct worker;
struct door;
struct pump;
struct conn {
    struct worker *worker;
    struct door *door; /* it came in by */
    struct list node;  /* in worker.conns */
    enum conn_state state;
    struct watch watch;
    struct timer timer;
    struct job work, burial;
    SSL *ssl;
    struct h2 *h2;        /* CONN_H2 */
    struct pump *pump;    /* CONN_HTTP1 */
    struct buf out;       /* decrypted bytes that wait to be sent; no memory while there are none */
    size_t out_sent;      /* of them */
    int64_t heard_at;     /* when the peer last sent something */
    int64_t stalled_at;   /* since when the peer takes no bytes although there are some; INT64_MAX: it does */
    int64_t pinged_at;    /* 0: not since it was last heard */
    bool showed_cert;     /* the client has, and it was found good */
    bool read_is_blocked; /* TLS must send before it can read on */
    bool has_unread;      /* the peer has sent what was not taken yet, or TLS has read it ahead */
    bool is_unused;       /* was told to go, since it made no call */
    bool said_goodbye;    /* CONN_LEAVING: all is sent */
    size_t n_discarded;   /* CONN_LEAVING: bytes that came all the same */
    union peer_address peer;
    socklen_t peer_size;
};

/* The loop's lanes of connections whose mesh is not known: handshakes and HTTP/1.1; HTTP/2 before the first
 * request. */
enum { LANE_STRANGERS, LANE_NEWCOMERS };

/* Takes over 'fd'. */
void conn_open(struct door *, int fd, const union peer_address *, socklen_t);
/* Lets calls end with a status and answers go out, then closes. */
void conn_drain(struct conn *);
void conn_close(struct conn *); /* at once */

/* For pump.c. */
enum io conn_flush(struct conn *); /* sends what 'out' holds; notes when the peer takes nothing */
void conn_leave(struct conn *);    /* the last bytes are in 'out' */

#endif
