/* tls.c -- OpenSSL as the connections use it. */
#include "tls.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>

#include "ticket.h"
#include "ursa/base/count.h"
#include "ursa/base/rand.h"

static struct str http1_and_h2 = STR_INIT("\x08http/1.1\x02h2"), http1 = STR_INIT("\x08http/1.1");

/* COMPAT: kuma-dp fetches its bootstrap with a client that offers both and expects HTTP/1.1; Envoy offers h2
 * only. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *in, unsigned in_size, void *offered)
{
    const struct str *wanted = offered;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_size, (const unsigned char *)wanted->p, (unsigned)wanted->n, in,
                              in_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* An encrypted key has no one to ask for its password. */
static int no_password(char *p, int size, int writing, void *unused)
{
    (void)p, (void)size, (void)writing, (void)unused;
    return 0;
}

static bool use_certificates(SSL_CTX *ctx, BIO *pem)
{
    X509 *cert = PEM_read_bio_X509(pem, NULL, no_password, NULL);
    bool ok = cert && SSL_CTX_use_certificate(ctx, cert) == 1;

    X509_free(cert);
    while (ok && (cert = PEM_read_bio_X509(pem, NULL, no_password, NULL))) {
        ok = SSL_CTX_add1_chain_cert(ctx, cert) == 1;
        X509_free(cert);
    }
    /* That the PEM has no more is no fault; anything else is. */
    if (ok && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        ok = false;
    if (ok)
        ERR_clear_error();
    return ok;
}

static bool use_key(SSL_CTX *ctx, BIO *pem)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_password, NULL);
    bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

    EVP_PKEY_free(key);
    return ok;
}

static bool from_pem(SSL_CTX *ctx, bool (*use)(SSL_CTX *, BIO *), struct str pem)
{
    BIO *bio = pem.n < INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    bool ok = bio && use(ctx, bio);

    BIO_free(bio);
    return ok;
}

/* Adds each certificate to those that make a client's good, and to the names that the server asks for.
 * A certificate that signs nothing is good itself (partial chain), as it is for kuma-cp. */
static bool trust_clients(SSL_CTX *ctx, BIO *pem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509 *cert;
    bool ok = true;

    while (ok && (cert = PEM_read_bio_X509(pem, NULL, no_password, NULL))) {
        ok = X509_STORE_add_cert(store, cert) == 1 && SSL_CTX_add_client_CA(ctx, cert) == 1;
        X509_free(cert);
    }
    if (ok && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        ok = false;
    if (ok)
        ERR_clear_error();
    return ok && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

/* Without tickets every connection is verified anew: a certificate that was taken away does not live on in
 * one. */
static void ask_clients(SSL_CTX *ctx, bool require)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    SSL_CTX_set_verify_depth(ctx, 5);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 0);
}

/* ---- tickets ---- */

static void free_tickets(void *parent, void *tickets, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    tickets_free(tickets);
}

/* Where a context keeps its tickets. */
static int tickets_index;

static void make_tickets_index(void)
{
    tickets_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_tickets);
}

static bool use_ticket_key(const struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
                           EVP_MAC_CTX *mac, int sealing)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end()};

    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->seal, iv, sealing) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL's callback: 1 the key is found, 0 the handshake is a full one, -1 a fault. */
static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int sealing)
{
    struct tickets *tickets = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tickets_index);
    struct ticket_key key;

    if (sealing) {
        tickets_seal(tickets, &key);
        memcpy(name, key.name, sizeof(key.name));
        rand_bytes(iv, EVP_MAX_IV_LENGTH);
    } else if (!tickets_open(tickets, name, &key)) {
        return 0;
    }
    bool ok = use_ticket_key(&key, iv, cipher, mac, sealing);

    OPENSSL_cleanse(&key, sizeof(key));
    return ok ? 1 : -1;
}

static void use_tickets(SSL_CTX *ctx)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_tickets_index);
    SSL_CTX_set_ex_data(ctx, tickets_index, tickets_new());
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key);
    SSL_CTX_set_timeout(ctx, TICKET_KEY_LIFE / NS_PER_S);
    SSL_CTX_set_num_tickets(ctx, 1);
}

/* ---- contexts ---- */

static void configure(SSL_CTX *ctx, bool http1_only)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* An idle connection keeps no record buffers: 33 KB less for each. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Resumption by tickets; sessions kept here would be memory that peers decide over. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, http1_only ? &http1 : &http1_and_h2);
}

enum err_kind tls_context_new(const struct tls_options *o, SSL_CTX **out, struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    const char *fault = NULL;

    ERR_clear_error();
    if (!ctx)
        return err_set(e, ERR_IO, "TLS cannot be set up: %s", tls_fault());
    configure(ctx, o->http1_only);
    if (!from_pem(ctx, use_certificates, o->cert_pem))
        fault = "the certificate cannot be read";
    else if (!from_pem(ctx, use_key, o->key_pem))
        fault = "the private key cannot be read, or does not belong to the certificate";
    else if (SSL_CTX_check_private_key(ctx) != 1)
        fault = "the private key does not belong to the certificate";
    else if (o->ask_client_cert && !from_pem(ctx, trust_clients, o->client_certs_pem))
        fault = "the certificates of clients cannot be read";
    if (fault) {
        err_set(e, ERR_INVALID, "TLS: %s: %s", fault, tls_fault());
        SSL_CTX_free(ctx);
        return e->kind;
    }
    if (o->ask_client_cert)
        ask_clients(ctx, o->require_client_cert);
    else
        use_tickets(ctx);
    *out = ctx;
    return ERR_NONE;
}

static enum io outcome(SSL *ssl, int rv)
{
    switch (SSL_get_error(ssl, rv)) {
    case SSL_ERROR_WANT_READ:
        return IO_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return IO_END;
    default:
        return IO_FAULT;
    }
}

/* The error queue and errno belong to the thread: what an earlier connection left there must not speak for
 * this one. */
static void forget_errors(void)
{
    ERR_clear_error();
    errno = 0;
}

enum io tls_handshake(SSL *ssl)
{
    forget_errors();
    int rv = SSL_do_handshake(ssl);

    return rv == 1 ? IO_OK : outcome(ssl, rv);
}

enum io tls_read(SSL *ssl, void *p, size_t size, size_t *n)
{
    forget_errors();
    int rv = SSL_read_ex(ssl, p, size, n);

    if (rv == 1)
        COUNT_ADD(net_bytes_received, (int64_t)*n);
    return rv == 1 ? IO_OK : outcome(ssl, rv);
}

void tls_read_ahead(SSL *ssl)
{
    SSL_set_read_ahead(ssl, 1);
}

bool tls_has_read_ahead(const SSL *ssl)
{
    return SSL_has_pending(ssl);
}

enum io tls_write(SSL *ssl, struct buf *out, size_t *sent)
{
    while (*sent < out->n) {
        size_t n;

        forget_errors();
        int rv = SSL_write_ex(ssl, out->p + *sent, out->n - *sent, &n);

        if (rv != 1)
            return outcome(ssl, rv);
        *sent += n;
        COUNT_ADD(net_bytes_sent, (int64_t)n);
    }
    *sent = 0;
    buf_fini(out);
    return IO_OK;
}

bool tls_is_resumed(const SSL *ssl)
{
    return SSL_session_reused(ssl) == 1;
}

bool tls_is_h2(const SSL *ssl)
{
    const unsigned char *name;
    unsigned size;

    SSL_get0_alpn_selected(ssl, &name, &size);
    return str_eq(str_from(name, size), STR("h2"));
}

struct str tls_client_subject(const SSL *ssl, char text[TLS_SUBJECT_MAX])
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    BIO *bio = cert && SSL_get_verify_result(ssl) == X509_V_OK ? BIO_new(BIO_s_mem()) : NULL;
    int n = 0;

    if (!bio)
        return STR_NONE;
    if (X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0)
        n = BIO_read(bio, text, TLS_SUBJECT_MAX);
    BIO_free(bio);
    ERR_clear_error();
    return n > 0 ? str_cut(str_from(text, (size_t)n), TLS_SUBJECT_MAX) : STR("?");
}

const char *tls_fault(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason ? reason : errno != 0 ? strerrordesc_np(errno) : "connection closed";
}
