/* brought.h -- certificates as an operator might bring them, good and bad. */
#ifndef URSA_TESTS_CA_BROUGHT_H
#define URSA_TESTS_CA_BROUGHT_H

#include "ursa/base/json.h"
#include "world.h"

struct brought {
    EVP_PKEY *key;
    const char *name;     /* common name */
    struct str issuer;    /* PEM; not given: self-signed */
    EVP_PKEY *issuer_key; /* that belongs to it */
    const char *basic;    /* basic constraints; NULL: a critical CA:TRUE */
    const char *usage;    /* key usage; NULL: for signing certificates; "": none */
    int64_t from_s, to_s; /* seconds from now; both 0: yesterday to tomorrow */
    const EVP_MD *digest; /* NULL: SHA-256 */
    int extra;            /* NID of one more extension, and its text */
    const char *extra_text;
};

static inline void brought_extension(X509 *cert, int nid, const char *text)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, text);

    EXPECT_TRUE(text, ext && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static inline struct str brought_pem(struct world *w, const struct brought *b)
{
    X509 *cert = X509_new(), *issuer = b->issuer.n ? cert_of(b->issuer) : NULL;
    bool times = b->from_s || b->to_s;
    BIO *out = BIO_new(BIO_s_mem());
    char *text;
    long n;
    struct str pem;

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)++w->serial);
    ASN1_TIME_set(X509_getm_notBefore(cert), NOW_S + (times ? b->from_s : -86400));
    ASN1_TIME_set(X509_getm_notAfter(cert), NOW_S + (times ? b->to_s : 86400));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const uint8_t *)(b->name ? b->name : "brought"), -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509_set_pubkey(cert, b->key);
    brought_extension(cert, NID_basic_constraints, b->basic ? b->basic : "critical,CA:TRUE");
    if (!b->usage || *b->usage)
        brought_extension(cert, NID_key_usage, b->usage ? b->usage : "critical,keyCertSign,cRLSign");
    if (b->extra)
        brought_extension(cert, b->extra, b->extra_text);
    EXPECT_TRUE("signed",
                X509_sign(cert, issuer ? b->issuer_key : b->key, b->digest ? b->digest : EVP_sha256()) > 0);
    PEM_write_bio_X509(out, cert);
    n = BIO_get_mem_data(out, &text);
    pem = arena_str(&w->arena, str_from(text, (size_t)n));
    BIO_free(out);
    X509_free(issuer);
    X509_free(cert);
    return pem;
}

/* {"cert":{<source>:<text>},"key":{...}} */
static inline const char *conf_of(struct world *w, const char *source, struct str cert, struct str key)
{
    JSON_AUTO o = json_pack("{s:{s:o},s:{s:o}}", "cert", source, json_from_str(cert), "key", source,
                            json_from_str(key));

    return json_format(&w->arena, o).p;
}

#endif
