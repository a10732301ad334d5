/* pkey.c -- private keys: made, read from PEM or PKCS#1 DER, written as PKCS#8 PEM.
 *
 * OpenSSL 3 can do all of this through its generic decoders and encoders, at 700 us a key read and 125 us a
 * key written. Every proxy's certificate writes a key and every token reads one, so the algorithm is named to
 * the decoder here (200 us) and a P-256 key, whose encoding has fixed offsets, is put together by hand (8
 * us). */
#include "ursa/base/pkey.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "ursa/base/alloc.h"

static enum err_kind new_on(const char *curve, EVP_PKEY **out, struct err *e)
{
    *out = EVP_EC_gen(curve);
    return *out ? ERR_NONE : ERR_BUG_HERE(e, "OpenSSL made no EC key");
}

enum err_kind pkey_new_ec(EVP_PKEY **out, struct err *e)
{
    return new_on("P-256", out, e);
}

enum err_kind pkey_new_p384(EVP_PKEY **out, struct err *e)
{
    return new_on("P-384", out, e);
}

enum err_kind pkey_new_rsa(unsigned bits, EVP_PKEY **out, struct err *e)
{
    *out = EVP_RSA_gen(bits);
    return *out ? ERR_NONE : ERR_BUG_HERE(e, "OpenSSL made no RSA key of %u bits", bits);
}

bool pkey_is_p256(const EVP_PKEY *key)
{
    char group[32];

    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

/* ---- reading ---- */

/* EVP_PKEY_RSA, EVP_PKEY_EC, or EVP_PKEY_NONE for what we do not use: PKCS#8 names its algorithm inside. */
static int pkcs8_algorithm(const uint8_t *der, long n)
{
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &(const uint8_t *){der}, n);
    const ASN1_OBJECT *oid = NULL;
    int nid = NID_undef;

    if (info && PKCS8_pkey_get0(&oid, NULL, NULL, NULL, info))
        nid = OBJ_obj2nid(oid);
    PKCS8_PRIV_KEY_INFO_free(info);
    return nid == NID_rsaEncryption          ? EVP_PKEY_RSA
           : nid == NID_X9_62_id_ecPublicKey ? EVP_PKEY_EC
                                             : EVP_PKEY_NONE;
}

static EVP_PKEY *decode(int algorithm, const uint8_t *der, long n)
{
    const uint8_t *at = der;
    EVP_PKEY *key = algorithm == EVP_PKEY_NONE ? NULL : d2i_PrivateKey(algorithm, NULL, &at, n);

    if (key && at != der + n) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static bool is_key_label(const char *label)
{
    return str_has_suffix(str_from_c(label), STR("PRIVATE KEY"));
}

static EVP_PKEY *decode_block(const char *label, const char *headers, const uint8_t *der, long n)
{
    if (*headers) /* "Proc-Type: 4,ENCRYPTED": nobody is here to type a password */
        return NULL;
    if (strcmp(label, PEM_STRING_RSA) == 0)
        return decode(EVP_PKEY_RSA, der, n);
    if (strcmp(label, PEM_STRING_ECPRIVATEKEY) == 0)
        return decode(EVP_PKEY_EC, der, n);
    if (strcmp(label, PEM_STRING_PKCS8INF) == 0)
        return decode(pkcs8_algorithm(der, n), der, n);
    return NULL;
}

/* The first block that is a private key of any sort; *found says whether there was one. */
static EVP_PKEY *read_pem(struct str text, bool *found)
{
    BIO *in = BIO_new_mem_buf(text.p, (int)text.n);
    EVP_PKEY *key = NULL;
    char *label, *headers;
    uint8_t *der;
    long n;

    *found = false;
    while (in && !*found && PEM_read_bio_ex(in, &label, &headers, &der, &n, PEM_FLAG_SECURE)) {
        *found = is_key_label(label);
        if (*found)
            key = decode_block(label, headers, der, n);
        OPENSSL_secure_free(label);
        OPENSSL_secure_free(headers);
        OPENSSL_secure_clear_free(der, (size_t)n);
    }
    BIO_free(in);
    return key;
}

enum err_kind pkey_read(struct str bytes, EVP_PKEY **out, struct err *e)
{
    bool found = false;

    *out = NULL;
    if (bytes.n > 0 && bytes.n <= 1 << 20) {
        *out = read_pem(bytes, &found);
        if (!found) /* COMPAT: signing keys of Kuma before 1.4 are bare PKCS#1. */
            *out = decode(EVP_PKEY_RSA, (const uint8_t *)bytes.p, (long)bytes.n);
    }
    ERR_clear_error();
    if (!*out)
        return err_set(e, ERR_INVALID, "%s",
                       found
                           ? "the private key cannot be read: an RSA or EC key without a password is expected"
                           : "no private key found: PEM is expected");
    return ERR_NONE;
}

static EVP_PKEY *decode_public(const char *label, const uint8_t *der, long n)
{
    const uint8_t *at = der;
    bool rsa = strcmp(label, PEM_STRING_RSA_PUBLIC) == 0;
    EVP_PKEY *key = rsa ? d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, n) : d2i_PUBKEY(NULL, &at, n);

    if (key && (at != der + n || (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "EC")))) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

enum err_kind pkey_read_public(struct str pem, EVP_PKEY **out, struct err *e)
{
    BIO *in = BIO_new_mem_buf(pem.p, pem.n < 1 << 20 ? (int)pem.n : 0);
    char *label, *headers;
    bool found = false;
    uint8_t *der;
    long n;

    *out = NULL;
    while (in && !found && PEM_read_bio(in, &label, &headers, &der, &n)) {
        found = str_has_suffix(str_from_c(label), STR("PUBLIC KEY"));
        if (found)
            *out = decode_public(label, der, n);
        OPENSSL_free(label);
        OPENSSL_free(headers);
        OPENSSL_clear_free(der, (size_t)n); /* whoever names a private key by mistake */
    }
    BIO_free(in);
    ERR_clear_error();
    if (!*out)
        return err_set(e, ERR_INVALID, "%s",
                       found ? "the public key cannot be read: an RSA or EC key is expected"
                             : "no public key found: PEM with PUBLIC KEY or RSA PUBLIC KEY is expected");
    return ERR_NONE;
}

/* ---- writing ---- */

#define DER_PER_LINE 48 /* 64 characters of base64 */

struct blob *pem_encode(const char *label, const void *der, size_t n, bool secret)
{
    size_t lines = (n + DER_PER_LINE - 1) / DER_PER_LINE;
    size_t size = 2 * (strlen(label) + 32) + lines * 66;
    char *text = xmalloc(size);
    struct blob *pem;
    size_t used = (size_t)snprintf(text, size, "-----BEGIN %s-----\n", label);

    for (size_t at = 0; at < n; at += DER_PER_LINE) {
        size_t part = n - at < DER_PER_LINE ? n - at : DER_PER_LINE;

        used += (size_t)EVP_EncodeBlock((uint8_t *)text + used, (const uint8_t *)der + at, (int)part);
        text[used++] = '\n';
    }
    used += (size_t)snprintf(text + used, size - used, "-----END %s-----\n", label);
    pem = secret ? blob_new_secret(text, used) : blob_new(text, used);
    if (secret)
        free_secret(text, size);
    else
        free(text);
    return pem;
}

/* RFC 5208 around RFC 5915: everything but the private value and the public point is constant. */
static struct blob *p256_to_pem(const EVP_PKEY *key)
{
    static const uint8_t before_private[] = {0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06,
                                             0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                             0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
                                             0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20};
    static const uint8_t before_point[] = {0xa1, 0x44, 0x03, 0x42, 0x00};
    enum { PRIVATE = sizeof(before_private), POINT = PRIVATE + 32 + sizeof(before_point), SIZE = POINT + 65 };
    uint8_t der[SIZE];
    BIGNUM *value = NULL;
    size_t point_size = 0;
    struct blob *pem = NULL;

    memcpy(der, before_private, sizeof(before_private));
    memcpy(der + PRIVATE + 32, before_point, sizeof(before_point));
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &value) == 1 &&
        BN_bn2binpad(value, der + PRIVATE, 32) == 32 &&
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, der + POINT, 65, &point_size) == 1 &&
        point_size == 65)
        pem = pem_encode(PEM_STRING_PKCS8INF, der, sizeof(der), true);
    BN_clear_free(value);
    explicit_bzero(der, sizeof(der));
    return pem;
}

struct blob *pkey_to_pem(const EVP_PKEY *key)
{
    struct blob *pem = pkey_is_p256(key) ? p256_to_pem(key) : NULL;
    PKCS8_PRIV_KEY_INFO *info;
    uint8_t *der = NULL;
    int n;

    if (pem)
        return pem;
    info = EVP_PKEY2PKCS8(key);
    n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    assert(n > 0); /* an RSA or EC key that is in memory has an encoding */
    pem = pem_encode(PEM_STRING_PKCS8INF, der, (size_t)n, true);
    OPENSSL_clear_free(der, (size_t)n);
    PKCS8_PRIV_KEY_INFO_free(info);
    return pem;
}
