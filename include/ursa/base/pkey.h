/* ursa/base/pkey.h -- private keys (EC, RSA) and the PEM text they are kept in.
 *
 * An EVP_PKEY is OpenSSL's, freed with EVP_PKEY_free(), which wipes it. PEM made here is a secret blob, wiped
 * with its last reference; whoever copies it elsewhere wipes the copy. Errors never show key bytes. Any
 * thread. */
#ifndef URSA_BASE_PKEY_H
#define URSA_BASE_PKEY_H

#include <openssl/evp.h>

#include "ursa/base/blob.h"
#include "ursa/base/err.h"

MUST_USE enum err_kind pkey_new_ec(EVP_PKEY **out, struct err *e); /* P-256 */
MUST_USE enum err_kind pkey_new_p384(EVP_PKEY **out, struct err *e);
MUST_USE enum err_kind pkey_new_rsa(unsigned bits, EVP_PKEY **out, struct err *e);
/* Reads the first private key of a PEM text (PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY; other blocks are
 * skipped) or a bare PKCS#1 DER. ERR_INVALID for encrypted keys, other algorithms, and what is no key. */
MUST_USE enum err_kind pkey_read(struct str bytes, EVP_PKEY **out, struct err *e);
/* Reads the first public key of a PEM text (PUBLIC KEY, RSA PUBLIC KEY; other blocks are skipped).
 * ERR_INVALID for other algorithms, and for what is no public key. */
MUST_USE enum err_kind pkey_read_public(struct str pem, EVP_PKEY **out, struct err *e);
/* PKCS#8 ("PRIVATE KEY") as PEM, in a secret blob. The key is one that this header's functions gave. */
struct blob *pkey_to_pem(const EVP_PKEY *);
bool pkey_is_p256(const EVP_PKEY *);

/* Text encoding of one DER object, e.g. label "CERTIFICATE". */
struct blob *pem_encode(const char *label, const void *der, size_t n, bool secret);

static inline void pkey_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}
#define PKEY_AUTO __attribute__((cleanup(pkey_cleanup))) EVP_PKEY *

#endif
