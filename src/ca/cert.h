/* cert.h -- builds and reads X.509 certificates: what all kinds of them have in common. */
#ifndef URSA_CA_CERT_H
#define URSA_CA_CERT_H

#include <openssl/x509v3.h>

#include "ursa/base/clock.h"
#include "ursa/base/pkey.h"
#include "ursa/ca.h"

#define CERTS_MAX 16                 /* in one PEM text */
#define CERT_SKEW_NS (10 * NS_PER_S) /* certificates begin so much in the past: clocks differ */
#define CERT_TEN_YEARS_NS (3650 * 24 * 3600 * NS_PER_S)

/* What a certificate says. Signature: a digest as strong as the key, SHA-256 with RSA; serial: 128 random
 * bits. */
struct cert_plan {
    EVP_PKEY *key; /* the subject's */
    X509 *issuer;  /* NULL: self-signed */
    EVP_PKEY *issuer_key;
    struct str organization, unit, common_name; /* subject; empty ones are left out */
    int64_t not_before_ns, not_after_ns;
    bool is_ca;
    unsigned key_usage; /* KU_... of OpenSSL, in the low byte */
    bool server_auth, client_auth;
    GENERAL_NAMES *
        names; /* subject alternative names or NULL; critical when the subject is empty (RFC 5280, 4.2.1.6) */
};
MUST_USE enum err_kind cert_build(const struct cert_plan *, X509 **out, struct err *e);

/* A root certificate in kuma-cp's way: self-signed, O=Kuma, OU=Mesh, for signing only. Of the plan: key,
 * common_name, times, names. */
MUST_USE enum err_kind root_build(const struct cert_plan *, struct blob **cert_pem, struct blob **key_pem,
                                  struct err *e);
/* Copies to the arena and drops the blob: for the contracts that hand texts out in an arena, which the caller
 * wipes. */
struct str text_take(struct arena *, struct blob *);

/* Alternative names; false when OpenSSL refuses the value. */
MUST_USE bool names_add_text(GENERAL_NAMES *, int type, struct str value); /* GEN_URI, GEN_DNS */
MUST_USE bool names_add_ip(GENERAL_NAMES *, const void *address, size_t n);
/* An IP address as such, anything else as a DNS name. */
MUST_USE bool names_add_host(GENERAL_NAMES *, struct str host);

struct blob *cert_to_pem(const X509 *);
int64_t cert_begins_ns(const X509 *);
int64_t cert_expires_ns(const X509 *);
/* The certificates of a PEM text, in order; other blocks are skipped. ERR_INVALID when there is none, one is
 * broken, or there are more than CERTS_MAX. */
MUST_USE enum err_kind certs_read(struct str pem, struct stack_st_X509 **out, struct err *e);

/* A certificate, with the PEM text of those that stand between it and a root behind it ("": none), and its
 * key as an immutable object; the key is written out and stays the caller's. */
struct leaf *leaf_new(const X509 *, struct str chain_pem, const EVP_PKEY *key, int64_t issued_ns);

static inline void cert_cleanup(X509 **cert)
{
    X509_free(*cert);
}
#define CERT_AUTO __attribute__((cleanup(cert_cleanup))) X509 *
static inline void certs_cleanup(struct stack_st_X509 **certs)
{
    sk_X509_pop_free(*certs, X509_free);
}
#define CERTS_AUTO __attribute__((cleanup(certs_cleanup))) struct stack_st_X509 *
static inline void names_cleanup(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}
#define NAMES_AUTO __attribute__((cleanup(names_cleanup))) GENERAL_NAMES *

#endif
