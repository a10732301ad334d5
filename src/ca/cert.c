/* cert.c -- X.509 building blocks over OpenSSL. */
#include "cert.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/rand.h"

/* ---- building ---- */

static bool set_serial(X509 *cert)
{
    uint8_t random[16];
    BIGNUM *serial;
    bool done;

    rand_bytes(random, sizeof(random));
    serial = BN_bin2bn(random, sizeof(random), NULL);
    done = serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
    BN_free(serial);
    return done;
}

/* X509_set_pubkey() encodes the key only to decode it again, which takes 350 us: ten times what making it
 * took. */
static bool set_public_key(X509 *cert, EVP_PKEY *key)
{
    uint8_t point[65], *owned;
    size_t n;

    if (!pkey_is_p256(key))
        return X509_set_pubkey(cert, key) == 1;
    if (EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof(point), &n) != 1)
        return false;
    owned = OPENSSL_memdup(point, n);
    if (owned && X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
                                        V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1), owned, (int)n) == 1)
        return true;
    OPENSSL_free(owned);
    return false;
}

/* Not by MBSTRING_UTF8: that would refuse a mesh's name of more than 64 characters as common name. */
static bool add_subject(X509 *cert, int nid, struct str value)
{
    return value.n == 0 || X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), nid, V_ASN1_UTF8STRING,
                                                      (const uint8_t *)value.p, (int)value.n, -1, 0) == 1;
}

static bool add_extension(X509 *cert, int nid, void *value, bool critical)
{
    return value && X509_add1_ext_i2d(cert, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

static bool add_basic_constraints(X509 *cert, bool is_ca)
{
    BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
    bool done;

    if (value)
        value->ca = is_ca ? 0xff : 0;
    done = add_extension(cert, NID_basic_constraints, value, true);
    BASIC_CONSTRAINTS_free(value);
    return done;
}

static bool add_key_usage(X509 *cert, unsigned usage)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool done = bits;

    for (int i = 0; done && i < 8; i++) { /* bit 0 of the bit string is the high one of OpenSSL's KU_ byte */
        if (usage & 0x80u >> i)
            done = ASN1_BIT_STRING_set_bit(bits, i, 1) == 1;
    }
    done = done && add_extension(cert, NID_key_usage, bits, true);
    ASN1_BIT_STRING_free(bits);
    return done;
}

static bool add_extended_usage(X509 *cert, bool server, bool client)
{
    EXTENDED_KEY_USAGE *list;
    bool done;

    if (!server && !client)
        return true;
    list = EXTENDED_KEY_USAGE_new();
    done = list && (!server || sk_ASN1_OBJECT_push(list, OBJ_nid2obj(NID_server_auth)) > 0) &&
           (!client || sk_ASN1_OBJECT_push(list, OBJ_nid2obj(NID_client_auth)) > 0) &&
           add_extension(cert, NID_ext_key_usage, list, false);
    EXTENDED_KEY_USAGE_free(list);
    return done;
}

/* RFC 5280, 4.2.1.2, method 1. Only issuers are looked up by it. */
static bool add_subject_key_id(X509 *cert)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n;
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    bool done = id && X509_pubkey_digest(cert, EVP_sha1(), digest, &n) == 1 &&
                ASN1_OCTET_STRING_set(id, digest, (int)n) == 1 &&
                add_extension(cert, NID_subject_key_identifier, id, false);

    ASN1_OCTET_STRING_free(id);
    return done;
}

static bool add_authority_key_id(X509 *cert, X509 *issuer)
{
    const ASN1_OCTET_STRING *id = issuer ? X509_get0_subject_key_id(issuer) : NULL;
    AUTHORITY_KEYID *value;
    bool done;

    if (!id)
        return true;
    value = AUTHORITY_KEYID_new();
    if (value)
        value->keyid = ASN1_OCTET_STRING_dup(id);
    done = value && value->keyid && add_extension(cert, NID_authority_key_identifier, value, false);
    AUTHORITY_KEYID_free(value);
    return done;
}

static bool is_empty_name(const X509_NAME *name)
{
    return X509_NAME_entry_count(name) == 0;
}

static bool fill(X509 *cert, const struct cert_plan *p)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) && set_public_key(cert, p->key) &&
           add_subject(cert, NID_organizationName, p->organization) &&
           add_subject(cert, NID_organizationalUnitName, p->unit) &&
           add_subject(cert, NID_commonName, p->common_name) &&
           X509_set_issuer_name(cert, X509_get_subject_name(p->issuer ? p->issuer : cert)) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(cert), p->not_before_ns / NS_PER_S) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), p->not_after_ns / NS_PER_S) &&
           add_key_usage(cert, p->key_usage) && add_extended_usage(cert, p->server_auth, p->client_auth) &&
           add_basic_constraints(cert, p->is_ca) && (!p->is_ca || add_subject_key_id(cert)) &&
           add_authority_key_id(cert, p->issuer) &&
           (!p->names ||
            add_extension(cert, NID_subject_alt_name, p->names, is_empty_name(X509_get_subject_name(cert))));
}

/* RFC 5480, section 4: a digest as long as the curve. */
static const EVP_MD *digest_for(const EVP_PKEY *signer)
{
    int bits = EVP_PKEY_is_a(signer, "EC") ? EVP_PKEY_get_bits(signer) : 0;

    return bits <= 256 ? EVP_sha256() : bits <= 384 ? EVP_sha384() : EVP_sha512();
}

enum err_kind cert_build(const struct cert_plan *plan, X509 **out, struct err *e)
{
    EVP_PKEY *signer = plan->issuer ? plan->issuer_key : plan->key;
    CERT_AUTO cert = X509_new();

    *out = NULL;
    if (!cert || !fill(cert, plan) || X509_sign(cert, signer, digest_for(signer)) <= 0) {
        ERR_clear_error();
        return ERR_BUG_HERE(e, "OpenSSL cannot make a certificate");
    }
    *out = cert;
    cert = NULL;
    return ERR_NONE;
}

enum err_kind root_build(const struct cert_plan *given, struct blob **cert_pem, struct blob **key_pem,
                         struct err *e)
{
    struct cert_plan plan = *given;
    CERT_AUTO cert = NULL;

    plan.organization =
        STR("Kuma"); /* COMPAT: a kuma-cp that takes over the store finds what it would have made */
    plan.unit = STR("Mesh");
    plan.is_ca = true;
    plan.key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN;
    if (cert_build(&plan, &cert, e))
        return e->kind;
    *cert_pem = cert_to_pem(cert);
    *key_pem = pkey_to_pem(plan.key);
    return ERR_NONE;
}

struct str text_take(struct arena *a, struct blob *text)
{
    struct str copy = arena_str(a, blob_str(text));

    blob_unref(text);
    return copy;
}

/* ---- alternative names ---- */

static bool names_add(GENERAL_NAMES *names, int type, ASN1_STRING *value, const void *p, size_t n)
{
    GENERAL_NAME *name = GENERAL_NAME_new();

    if (name && value && ASN1_STRING_set(value, p, (int)n) == 1) {
        GENERAL_NAME_set0_value(name, type, value);
        if (sk_GENERAL_NAME_push(names, name) > 0)
            return true;
    } else {
        ASN1_STRING_free(value);
    }
    GENERAL_NAME_free(name);
    return false;
}

bool names_add_text(GENERAL_NAMES *names, int type, struct str value)
{
    for (size_t i = 0; i < value.n; i++) { /* IA5, and nothing that a reader could take for an end */
        if (value.p[i] <= ' ' || value.p[i] >= 0x7f)
            return false;
    }
    return value.n > 0 && value.n < 4096 && names_add(names, type, ASN1_IA5STRING_new(), value.p, value.n);
}

bool names_add_ip(GENERAL_NAMES *names, const void *address, size_t n)
{
    return names_add(names, GEN_IPADD, ASN1_OCTET_STRING_new(), address, n);
}

bool names_add_host(GENERAL_NAMES *names, struct str host)
{
    char text[256];
    uint8_t address[16];

    if (host.n >= sizeof(text))
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (inet_pton(AF_INET, text, address) == 1)
        return names_add_ip(names, address, 4);
    if (inet_pton(AF_INET6, text, address) == 1)
        return names_add_ip(names, address, 16);
    return names_add_text(names, GEN_DNS, host);
}

/* ---- reading and writing ---- */

struct blob *cert_to_pem(const X509 *cert)
{
    uint8_t *der = NULL;
    int n = i2d_X509(cert, &der);
    struct blob *pem;

    assert(n > 0); /* it was built or parsed, so it has an encoding */
    pem = pem_encode(PEM_STRING_X509, der, (size_t)n, false);
    OPENSSL_free(der);
    return pem;
}

static int64_t time_ns(const ASN1_TIME *time)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return 0;
    return tm.tm_year >= 2262 - 1900 ? INT64_MAX : timegm(&tm) * NS_PER_S;
}

int64_t cert_begins_ns(const X509 *cert)
{
    return time_ns(X509_get0_notBefore(cert));
}

int64_t cert_expires_ns(const X509 *cert)
{
    return time_ns(X509_get0_notAfter(cert));
}

enum err_kind certs_read(struct str pem, struct stack_st_X509 **out, struct err *e)
{
    CERTS_AUTO certs = sk_X509_new_null();
    BIO *in = BIO_new_mem_buf(pem.p, pem.n <= 1 << 20 ? (int)pem.n : 0);
    X509 *cert;
    unsigned long reason;

    *out = NULL;
    ERR_clear_error();
    while (in && sk_X509_num(certs) <= CERTS_MAX && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL)))
        sk_X509_push(certs, cert);
    reason = ERR_peek_last_error(); /* a text that merely ends has "no start line" */
    ERR_clear_error();
    BIO_free(in);
    if (reason && !(ERR_GET_LIB(reason) == ERR_LIB_PEM && ERR_GET_REASON(reason) == PEM_R_NO_START_LINE))
        return err_set(e, ERR_INVALID, "the certificate cannot be read");
    if (sk_X509_num(certs) == 0)
        return err_set(e, ERR_INVALID, "no certificate found: PEM is expected");
    if (sk_X509_num(certs) > CERTS_MAX)
        return err_set(e, ERR_INVALID, "more than %d certificates in one text", CERTS_MAX);
    *out = certs;
    certs = NULL;
    return ERR_NONE;
}

/* ---- leaf ---- */

static struct blob *with_chain(struct blob *cert_pem, struct str chain_pem)
{
    struct blob *both;
    struct buf b;

    buf_init(&b, BUF_MAX_RESOURCE);
    buf_add_str(&b, blob_str(cert_pem));
    buf_add_str(&b, chain_pem);
    both = blob_from_buf(&b);
    buf_fini(&b);
    blob_unref(cert_pem);
    return both;
}

struct leaf *leaf_new(const X509 *cert, struct str chain_pem, const EVP_PKEY *key, int64_t issued_ns)
{
    struct leaf *leaf = xcalloc(1, sizeof(*leaf));

    atomic_init(&leaf->refs, 1);
    leaf->cert_pem = cert_to_pem(cert);
    if (chain_pem.n)
        leaf->cert_pem = with_chain(leaf->cert_pem, chain_pem);
    leaf->key_pem = pkey_to_pem(key);
    leaf->issued_ns = issued_ns;
    leaf->begins_ns = cert_begins_ns(cert);
    leaf->expires_ns = cert_expires_ns(cert);
    leaf->version = leaf->cert_pem->hash;
    return leaf;
}

struct leaf *leaf_ref(struct leaf *leaf)
{
    if (leaf)
        atomic_fetch_add_explicit(&leaf->refs, 1, memory_order_relaxed);
    return leaf;
}

void leaf_unref(struct leaf *leaf)
{
    if (!leaf || atomic_fetch_sub_explicit(&leaf->refs, 1, memory_order_acq_rel) != 1)
        return;
    blob_unref(leaf->cert_pem);
    blob_unref(leaf->key_pem);
    free(leaf);
}
