/* tls.h -- the server's side of TLS (OpenSSL): one context for all connections of a port, ALPN, tickets, and
 * reads and writes that never block. */
#ifndef URSA_NET_TLS_H
#define URSA_NET_TLS_H

#include <openssl/ssl.h>

#include "ursa/base/buf.h"
#include "ursa/base/err.h"

struct tls_options {
    struct str cert_pem, key_pem; /* leaf first, then its chain */
    bool http1_only;              /* ALPN offers no h2 */
    bool ask_client_cert, require_client_cert;
    struct str client_certs_pem; /* trusted, whether CA or not */
};
/* TLS 1.2 and 1.3. Sessions are resumed by tickets (ticket.h), but for those of a context that asks for
 * client certificates. No ticket is good for another context. */
MUST_USE enum err_kind tls_context_new(const struct tls_options *, SSL_CTX **out, struct err *e);

enum io {
    IO_OK,
    IO_READ,
    IO_WRITE,
    IO_END,
    IO_FAULT
}; /* READ, WRITE: again when the descriptor is ready for it */
enum io tls_handshake(SSL *);
/* At most one record, so that no decrypted byte stays behind with 'size' of 16 KiB and more. */
enum io tls_read(SSL *, void *p, size_t size, size_t *n);
/* From now on, the connection's reads take from the kernel what it has, up to a record's size, instead of a
 * header and then its record: a message costs one system call instead of three. */
void tls_read_ahead(SSL *);
/* More bytes came than tls_read() has given out: the descriptor need not be ready again for them. */
bool tls_has_read_ahead(const SSL *);
/* Sends out[*sent..]; IO_OK: all of it is gone, and the memory of 'out' too. */
enum io tls_write(SSL *, struct buf *out, size_t *sent);
bool tls_is_resumed(const SSL *);
/* h2 only when the client offers it and does not offer http/1.1. */
bool tls_is_h2(const SSL *);
#define TLS_SUBJECT_MAX 256
/* The subject of the certificate that the peer showed and that was found good, printable and cut to what
 * fits; STR_NONE when it showed none. */
struct str tls_client_subject(const SSL *, char text[TLS_SUBJECT_MAX]);
/* Why the last operation of this thread failed, without anything that the peer sent. */
const char *tls_fault(void);

#endif
