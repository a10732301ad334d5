/* dial.h -- a connection to somebody else, over TLS or not, for a thread that may wait: every operation ends
 * by a deadline, or when a descriptor says that all must end. */
#ifndef URSA_NET_DIAL_H
#define URSA_NET_DIAL_H

#include "tls.h"

struct dial {
    int fd;
    SSL *ssl; /* NULL: without TLS */
    int64_t deadline_ns;
    int cancel_fd; /* readable: everything ends */
};
/* 'address' is an IP address. With 'tls' the peer's certificate must be of a CA that the context trusts, and
 * for 'host', a name or an address. ERR_PEER, ERR_UNAVAILABLE (cancelled); the dial is closed then. */
MUST_USE enum err_kind dial_open(struct dial *, struct str address, uint16_t port, struct str host,
                                 SSL_CTX *tls, struct err *e);
void dial_close(struct dial *);
MUST_USE enum err_kind dial_write(struct dial *, struct str bytes, struct err *e);
/* *n == 0: the peer has closed. */
MUST_USE enum err_kind dial_read(struct dial *, void *p, size_t size, size_t *n, struct err *e);

/* A client's context: shows the certificate (PEM, with its key), trusts the CA alone. */
MUST_USE enum err_kind dial_context_new(struct str cert_pem, struct str key_pem, struct str ca_pem,
                                        SSL_CTX **out, struct err *e);

#endif
