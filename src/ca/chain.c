/* chain.c -- see chain.h. */
#include "chain.h"

#include <openssl/err.h>

#define RSA_BITS_MIN 2048

static X509 *at_path(const struct chain *c, int i)
{
    return sk_X509_value(c->certs, c->path[i]);
}

/* By its names and key ids; whether the signature is its own is of no interest for what is trusted. */
static bool is_root(X509 *cert)
{
    return X509_get_extension_flags(cert) & EXFLAG_SS;
}

/* ---- the path ---- */

static bool is_on_path(const struct chain *c, int place)
{
    for (int i = 0; i < c->n_path; i++) {
        if (c->path[i] == place)
            return true;
    }
    return false;
}

static bool has_signed(X509 *issuer, X509 *cert)
{
    bool signed_by =
        X509_check_issued(issuer, cert) == X509_V_OK && X509_verify(cert, X509_get0_pubkey(issuer)) == 1;

    ERR_clear_error();
    return signed_by;
}

/* Of several, the first: two roots with one key are both good. -1: it is not there. */
static int find_issuer(const struct chain *c, X509 *cert)
{
    for (int i = 0; i < sk_X509_num(c->certs); i++) {
        if (!is_on_path(c, i) && has_signed(sk_X509_value(c->certs, i), cert))
            return i;
    }
    return -1;
}

void chain_find(struct stack_st_X509 *certs, struct chain *c)
{
    int place = 0;

    *c = (struct chain){.certs = certs};
    while (place >= 0) {
        X509 *cert = sk_X509_value(certs, place);

        c->path[c->n_path++] = place;
        place = is_root(cert) ? -1 : find_issuer(c, cert);
    }
}

bool chain_is_trusted(const struct chain *c, int i)
{
    return i == c->path[c->n_path - 1] || is_root(sk_X509_value(c->certs, i));
}

static void add_pem(struct buf *b, const X509 *cert)
{
    struct blob *pem = cert_to_pem(cert);

    buf_add_str(b, blob_str(pem));
    blob_unref(pem);
}

static struct blob *finish(struct buf *b)
{
    struct blob *text = blob_from_buf(b);

    buf_fini(b);
    return text;
}

struct blob *chain_bundle(const struct chain *c)
{
    struct buf b;

    buf_init(&b, BUF_MAX_RESOURCE);
    for (int i = 0; i < sk_X509_num(c->certs); i++) {
        if (chain_is_trusted(c, i))
            add_pem(&b, sk_X509_value(c->certs, i));
    }
    return finish(&b);
}

struct blob *chain_between(const struct chain *c)
{
    struct buf b;

    buf_init(&b, BUF_MAX_RESOURCE);
    for (int i = 0; i + 1 < c->n_path; i++)
        add_pem(&b, at_path(c, i));
    return finish(&b);
}

int64_t chain_expires_ns(const struct chain *c)
{
    int64_t first = INT64_MAX;

    for (int i = 0; i < c->n_path; i++) {
        int64_t expires = cert_expires_ns(at_path(c, i));

        first = expires < first ? expires : first;
    }
    return first;
}

/* ---- checks ---- */

static void check_times(const X509 *cert, const struct path *at, struct err *e)
{
    int64_t now = clock_wall_ns(), begins = cert_begins_ns(cert), expires = cert_expires_ns(cert);

    if (expires <= now)
        err_cause(e, at, "it has expired at " STR_FMT, STR_ARG(time_format(e->arena, expires)));
    else if (begins > now)
        err_cause(e, at, "it is not valid before " STR_FMT, STR_ARG(time_format(e->arena, begins)));
}

/* The keys that proxies (BoringSSL) verify with. */
static void check_key(X509 *cert, const struct path *at, struct err *e)
{
    const EVP_PKEY *key = X509_get0_pubkey(cert);
    char group[32] = "";

    if (key && EVP_PKEY_is_a(key, "RSA")) {
        if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
            err_cause(e, at, "its RSA key has %d bits: at least %d are needed", EVP_PKEY_get_bits(key),
                      RSA_BITS_MIN);
        return;
    }
    if (key)
        (void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
    switch (OBJ_sn2nid(group)) {
    case NID_X9_62_prime256v1:
    case NID_secp384r1:
    case NID_secp521r1:
        break;
    default:
        err_cause(e, at, "its key must be RSA, or EC on P-256, P-384 or P-521");
    }
}

/* Nobody verifies what a root says of itself. */
static void check_signature(X509 *cert, const struct path *at, struct err *e)
{
    int digest = NID_undef;

    if (is_root(cert))
        return;
    (void)X509_get_signature_info(cert, &digest, NULL, NULL, NULL);
    if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
        err_cause(e, at, "its signature uses %s: SHA-256, SHA-384 or SHA-512 is needed",
                  digest == NID_undef ? "an unknown digest" : OBJ_nid2ln(digest));
}

/* How many CAs may stand between it and a leaf (RFC 5280, 4.2.1.9). */
static void check_path_length(const struct chain *c, const struct path *at, struct err *e)
{
    for (int i = 1; i < c->n_path; i++) {
        long most = X509_get_pathlen(at_path(c, i));

        if (most >= 0 && most < i)
            err_cause(e, AT_INDEX(at, (size_t)c->path[i]),
                      "its path length constraint of %ld is too small: with certificates of proxies it needs "
                      "%d",
                      most, i);
    }
}

void chain_check(const struct chain *c, const struct path *at, struct err *e)
{
    for (int i = 0; i < sk_X509_num(c->certs); i++) {
        const struct path *here = AT_INDEX(at, (size_t)i);
        X509 *cert = sk_X509_value(c->certs, i);

        check_times(cert, here, e);
        check_key(cert, here, e);
        check_signature(cert, here, e);
        if (!is_on_path(c, i) && !is_root(cert))
            err_cause(e, here,
                      "it is no root, and has issued none of the certificates that lead from the first one");
    }
    check_path_length(c, at, e);
}

/* ---- the probe ---- */

static const char *verify(const struct chain *c, X509 *leaf, int purpose)
{
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    const char *fault = NULL;

    for (int i = 0; i < sk_X509_num(c->certs); i++) {
        if (chain_is_trusted(c, i))
            (void)X509_STORE_add_cert(trusted, sk_X509_value(c->certs, i));
    }
    if (!ctx || X509_STORE_CTX_init(ctx, trusted, leaf, c->certs) != 1) {
        fault = "OpenSSL cannot verify it";
    } else {
        X509_STORE_CTX_set_time(ctx, 0, (time_t)(clock_wall_ns() / NS_PER_S));
        X509_STORE_CTX_set_purpose(ctx, purpose);
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
        if (X509_verify_cert(ctx) != 1)
            fault = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(trusted);
    ERR_clear_error();
    return fault;
}

const char *chain_probe(const struct chain *c, EVP_PKEY *key, struct str mesh, struct arena *a)
{
    NAMES_AUTO names = sk_GENERAL_NAME_new_null();
    PKEY_AUTO own = NULL;
    CERT_AUTO built = NULL;
    CERT_AUTO leaf = NULL; /* as others read it: one that was only built does not know its key */
    int64_t now = clock_wall_ns();
    const char *fault;
    struct err e;

    err_init(&e, a);
    if (!names_add_text(names, GEN_URI, arena_printf(a, "spiffe://" STR_FMT "/probe", STR_ARG(mesh))) ||
        pkey_new_ec(&own, &e))
        return "OpenSSL cannot issue one";
    const struct cert_plan plan = {.key = own,
                                   .issuer = at_path(c, 0),
                                   .issuer_key = key,
                                   .not_before_ns = now - CERT_SKEW_NS,
                                   .not_after_ns = now + CERT_SKEW_NS, /* far longer than this takes */
                                   .key_usage = KU_DIGITAL_SIGNATURE,
                                   .server_auth = true,
                                   .client_auth = true,
                                   .names = names};
    if (cert_build(&plan, &built, &e) || !(leaf = X509_dup(built)))
        return "OpenSSL cannot issue one";
    fault = verify(c, leaf, X509_PURPOSE_SSL_SERVER);
    return fault ? fault : verify(c, leaf, X509_PURPOSE_SSL_CLIENT);
}
