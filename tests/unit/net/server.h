/* server.h -- the port under test on loopback, with a certificate of its own and the fake discovery service
 * behind it. */
#ifndef URSA_TESTS_UNIT_NET_SERVER_H
#define URSA_TESTS_UNIT_NET_SERVER_H

#include "fake_ads.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>

#include "client.h"
#include "ursa/base/log.h"
#include "ursa/net.h"

static struct net *net;
static atomic_int handed_fd; /* what net gave to the HTTP/1.1 server; -1: nothing */

struct pem {
    struct str cert, key;
    BIO *bios[2];
};

static inline struct str bio_str(BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    return str_from(p, (size_t)n);
}

static inline void pem_make(struct pem *pem, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name,
                               -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    for (int i = 0; i < 2; i++)
        pem->bios[i] = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(pem->bios[0], cert);
    PEM_write_bio_PrivateKey(pem->bios[1], key, NULL, NULL, 0, NULL, NULL);
    pem->cert = bio_str(pem->bios[0]);
    pem->key = bio_str(pem->bios[1]);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static inline void pem_free(struct pem *pem)
{
    BIO_free(pem->bios[0]);
    BIO_free(pem->bios[1]);
}

static inline void take_http1(void *ctx, const struct net_http1 *http1)
{
    (void)ctx;
    atomic_store(&handed_fd, http1->peer->sa_family == AF_INET ? http1->fd : -2);
}

static inline uint16_t start_with(size_t max_connections, size_t n_loops)
{
    struct arena arena;
    struct err e;
    struct pem pem;

    signal(SIGPIPE, SIG_IGN); /* clients write to servers that are gone */
    log_set_level(LOG_ERROR);
    arena_init(&arena);
    err_init(&e, &arena);
    pem_make(&pem, "first");
    atomic_store(&handed_fd, -1);
    const struct net_options options = {.address = "127.0.0.1",
                                        .cert_pem = pem.cert,
                                        .key_pem = pem.key,
                                        .max_connections = max_connections,
                                        .n_loops = n_loops,
                                        .http1 = take_http1};
    if (net_start(&options, &net, &e) != ERR_NONE)
        FAIL("net_start: " STR_FMT, STR_ARG(e.text));
    pem_free(&pem);
    arena_fini(&arena);
    fake.n_open = fake.n_pulled = fake.n_blobs = 0; /* whatever a failed test left */
    return net_port(net);
}

static inline uint16_t start(void)
{
    return start_with(1000, 1);
}

static inline void stop(void)
{
    net_stop(net, 0);
    EXPECT_INT("streams left", fake.n_open, 0);
    EXPECT_INT("blobs left", fake.n_blobs, 0);
}

#endif
