/* peer.h -- the connections of the HTTP servers: accepted within bounds, and cut off when they take too long.
 *
 * libmicrohttpd has one limit in time, for silence, which every byte starts anew: who sends or takes a byte
 * now and then is never closed. So the deadlines are ours, and so is the accepting: above the limit it leaves
 * clients in the backlog without a word. API thread only. */
#ifndef URSA_API_PEER_H
#define URSA_API_PEER_H

#include "server.h"

struct peer;

/* The listening socket, watched by the API's loop. */
MUST_USE enum err_kind peers_listen(struct server *, const char *address, uint16_t port, struct err *e);
/* It is readable. */
void peers_accept(struct server *);
/* Nobody is accepted from now on. */
void peers_stop_listening(struct server *);
/* Hands an accepted connection to libmicrohttpd, or tells it that there are too many. Takes 'fd', and what is
 * known of one that came over TLS (else NULL). */
void peers_take(struct server *, int fd, const struct sockaddr *, socklen_t, struct secured *);
/* NULL when it came in plain; valid as long as the connection. */
const struct secured *peer_secured(struct MHD_Connection *);

/* MHD_OPTION_NOTIFY_CONNECTION: a peer lives as long as its connection. */
void peer_notify(void *server, struct MHD_Connection *, void **peer, enum MHD_ConnectionNotificationCode);

/* What a connection waits for. */
void peer_begins(struct MHD_Connection *); /* its request line has come: the header must follow */
/* Its header has come, in libmicrohttpd's memory for this connection, which begins at 'method'. */
void peer_sends(struct MHD_Connection *, const char *method);
void peer_sent(struct MHD_Connection *, size_t n);  /* so much of its body */
void peer_waits(struct MHD_Connection *);           /* for us: as long as it takes */
void peer_reads(struct MHD_Connection *, size_t n); /* an answer of n bytes */
void peer_rests(struct MHD_Connection *);           /* nothing: it may send a next request, or not */

#endif
