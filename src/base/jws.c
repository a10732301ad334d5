/* jws.c -- compact JWS: ES256 and RS256, nothing else.
 *
 * The key decides the algorithm, never the token: "none", HS256 under a public key and the like have no way
 * in. */
#include "ursa/base/jws.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#include "ursa/base/base64.h"
#include "ursa/base/json.h"

#define ES256_HALF 32 /* r and s, each in so many bytes (RFC 7518, 3.4) */

struct str jws_alg_name(enum jws_alg alg)
{
    return alg == JWS_ES256 ? STR("ES256") : STR("RS256");
}

/* ---- OpenSSL's DER signature and the JWS form r || s ---- */

static bool es256_from_der(const uint8_t *der, size_t n, uint8_t raw[2 * ES256_HALF])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, ES256_HALF) == ES256_HALF &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + ES256_HALF, ES256_HALF) == ES256_HALF;

    ECDSA_SIG_free(sig);
    return good;
}

/* The DER in OpenSSL's memory, or NULL. */
static uint8_t *es256_to_der(struct str raw, size_t *n)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn((const uint8_t *)raw.p, ES256_HALF, NULL);
    BIGNUM *s = BN_bin2bn((const uint8_t *)raw.p + ES256_HALF, ES256_HALF, NULL);
    uint8_t *der = NULL;
    int size;

    if (!sig || !r || !s || !ECDSA_SIG_set0(sig, r, s)) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return NULL;
    }
    size = i2d_ECDSA_SIG(sig, &der);
    ECDSA_SIG_free(sig);
    *n = size > 0 ? (size_t)size : 0;
    return der;
}

/* ---- signing ---- */

bool jws_key_alg(const EVP_PKEY *key, enum jws_alg *alg)
{
    *alg = pkey_is_p256(key) ? JWS_ES256 : JWS_RS256;
    return *alg == JWS_ES256 ||
           (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 2048); /* RFC 7518, 3.3 */
}

/* A text as a JSON string would have it; keys are named by people. */
static struct str quoted(struct arena *a, struct str text)
{
    JSON_AUTO value = json_from_str(text);

    return json_format(a, value);
}

static bool sign(EVP_PKEY *key, struct str text, uint8_t *sig, size_t *n)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool done = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(md, sig, n, (const uint8_t *)text.p, text.n) == 1;

    EVP_MD_CTX_free(md);
    return done;
}

enum err_kind jws_sign(EVP_PKEY *key, enum jws_alg alg, struct str kid, struct str payload, struct arena *a,
                       struct str *out, struct err *e)
{
    struct str header = arena_printf(a, "{\"alg\":\"" STR_FMT "\",\"kid\":" STR_FMT ",\"typ\":\"JWT\"}",
                                     STR_ARG(jws_alg_name(alg)), STR_ARG(quoted(a, kid)));
    struct str head = base64_encode_url(a, header), body = base64_encode_url(a, payload);
    struct str text = arena_printf(a, STR_FMT "." STR_FMT, STR_ARG(head), STR_ARG(body));
    size_t n = (size_t)EVP_PKEY_get_size(key);
    uint8_t *sig = arena_alloc(a, n);
    uint8_t raw[2 * ES256_HALF];
    struct str tail;

    if (!sign(key, text, sig, &n) || (alg == JWS_ES256 && !es256_from_der(sig, n, raw)))
        return ERR_BUG_HERE(e, "OpenSSL cannot sign a token");
    tail = base64_encode_url(a, alg == JWS_ES256 ? str_from(raw, sizeof(raw)) : str_from(sig, n));
    *out = arena_printf(a, STR_FMT "." STR_FMT, STR_ARG(text), STR_ARG(tail));
    if (out->n > JWS_MAX_BYTES) /* it could never be used */
        return err_set(e, ERR_LIMIT, "the token would be longer than %d bytes", JWS_MAX_BYTES);
    return ERR_NONE;
}

/* ---- reading ---- */

static enum err_kind refuse(struct err *e, const char *why)
{
    return err_set(e, ERR_UNAUTHENTICATED, "%s", why);
}

static enum err_kind read_header(struct str text, struct arena *a, struct jws *jws, struct err *e)
{
    JSON_AUTO header = NULL;
    json_t *kid;

    if (json_parse(text, &header, e) || !json_is_object(header))
        return refuse(e, "the token's header is not a JSON object");
    kid = json_get(header, "kid");
    if (!json_is_string(json_get(header, "alg")) || (kid && !json_is_string(kid)))
        return refuse(e, "the token's header must have a text alg and kid");
    if (json_get(header, "crit")) /* RFC 7515, 4.1.11: extensions that we would have to know */
        return refuse(e, "the token's header has critical extensions");
    jws->alg = arena_str(a, json_str(json_get(header, "alg")));
    jws->kid = kid ? arena_str(a, json_str(kid)) : STR_NONE;
    return ERR_NONE;
}

enum err_kind jws_read(struct str text, struct arena *a, struct jws *jws, struct err *e)
{
    struct str rest = text, part[3], header;

    if (text.n > JWS_MAX_BYTES)
        return err_set(e, ERR_UNAUTHENTICATED, "the token is longer than %d bytes", JWS_MAX_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        if (!str_next(&rest, '.', &part[i]))
            return refuse(e, "the token contains an invalid number of segments");
    }
    if (rest.p)
        return refuse(e, "the token contains an invalid number of segments");
    if (!base64_decode_url(a, part[0], &header) || !base64_decode_url(a, part[1], &jws->payload) ||
        !base64_decode_url(a, part[2], &jws->signature))
        return refuse(e, "the token is not base64url");
    jws->signed_part = str_slice(text, 0, part[0].n + 1 + part[1].n);
    return read_header(header, a, jws, e);
}

static bool verify(const struct jws *jws, EVP_PKEY *key, const uint8_t *sig, size_t n)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(md, sig, n, (const uint8_t *)jws->signed_part.p, jws->signed_part.n) == 1;

    EVP_MD_CTX_free(md);
    return good;
}

static bool verify_es256(const struct jws *jws, EVP_PKEY *key)
{
    size_t n = 0;
    uint8_t *der = jws->signature.n == 2 * ES256_HALF ? es256_to_der(jws->signature, &n) : NULL;
    bool good = der && verify(jws, key, der, n);

    OPENSSL_free(der);
    return good;
}

enum err_kind jws_verify(const struct jws *jws, EVP_PKEY *key, enum jws_alg alg, struct err *e)
{
    bool good;

    if (!str_eq(jws->alg, jws_alg_name(alg)))
        return err_set(e, ERR_UNAUTHENTICATED,
                       "the token's alg does not fit the signing key, which is for " STR_FMT,
                       STR_ARG(jws_alg_name(alg)));
    good = alg == JWS_ES256 ? verify_es256(jws, key)
                            : verify(jws, key, (const uint8_t *)jws->signature.p, jws->signature.n);
    ERR_clear_error(); /* a wrong signature leaves its reasons in this thread's queue */
    return good ? ERR_NONE : refuse(e, "the signature is invalid");
}
