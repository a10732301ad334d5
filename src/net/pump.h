/* pump.h -- HTTP/1.1: decrypted bytes between a TLS connection and a socket pair whose other end an HTTP
 * server holds. */
#ifndef URSA_NET_PUMP_H
#define URSA_NET_PUMP_H

struct conn;
struct pump;

/* '*server_fd' is the other end, non-blocking, the caller's to hand over. NULL when there are no descriptors.
 */
struct pump *pump_new(struct conn *, int *server_fd);
void pump_free(struct pump *); /* NULL is ignored */
/* Moves what can be moved. May end the connection, and the pump with it. */
void pump_turn(struct pump *);
/* Tells the server that no more requests come; it answers what it has and closes. */
void pump_drain(struct pump *);

#endif
