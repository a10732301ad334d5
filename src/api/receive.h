/* receive.h -- libmicrohttpd's callbacks: a request is checked, read, handled and answered here. */
#ifndef URSA_API_RECEIVE_H
#define URSA_API_RECEIVE_H

#include "server.h"

/* Makes the request when its target is known; the target is kept as sent. */
void *receive_uri(void *server, const char *uri, struct MHD_Connection *);
/* Leaves everything as it is: router.c decodes, once. */
size_t receive_unescaped(void *ctx, struct MHD_Connection *, char *text);
enum MHD_Result receive_request(void *server, struct MHD_Connection *, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **request);
void receive_completed(void *server, struct MHD_Connection *, void **request,
                       enum MHD_RequestTerminationCode);

/* Of a request whose answer goes on: are its credentials, and what they allow, still as good? It holds no
 * snapshot meanwhile. */
bool receive_is_allowed_still(struct request *);

/* The body is not needed any more, though the request goes on: its memory is the next one's. Many polls wait,
 * each with small things that it keeps; those would be cut out of the memory of a large body that was freed,
 * and the next body would not fit there. */
void receive_spare_body(struct request *);

/* Exactly 127.0.0.1 or ::1. NULL is nobody's address. */
bool receive_is_loopback(const struct sockaddr *peer);

#endif
