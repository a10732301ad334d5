/* forge.h -- tokens with any header and payload, signed in any way, right ones included. */
#ifndef URSA_TESTS_AUTH_FORGE_H
#define URSA_TESTS_AUTH_FORGE_H

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>

#include "ursa/base/base64.h"
#include "world.h"

enum signer { BY_KEY, BY_OTHER_KEY, BY_NOBODY, BY_HMAC_OF_PUBLIC_KEY, AS_DER, BIT_FLIPPED };

static inline struct str sign_raw(struct world *w, struct str key_pem, struct str text, bool as_der)
{
    PKEY_AUTO key = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t sig[512], raw[64];
    const uint8_t *at = sig;
    size_t n = sizeof(sig);
    ECDSA_SIG *pair;

    EXPECT_INT("key", pkey_read(key_pem, &key, &w->err), ERR_NONE);
    EXPECT_TRUE("sign", EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
                            EVP_DigestSign(md, sig, &n, (const uint8_t *)text.p, text.n) == 1);
    EVP_MD_CTX_free(md);
    if (as_der || !EVP_PKEY_is_a(key, "EC"))
        return arena_str(&w->arena, str_from(sig, n));
    pair = d2i_ECDSA_SIG(NULL, &at, (long)n);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
    ECDSA_SIG_free(pair);
    return arena_str(&w->arena, str_from(raw, sizeof(raw)));
}

/* HS256 with the public point as the shared secret: the classic confusion. */
static inline struct str hmac_public(struct world *w, struct str key_pem, struct str text)
{
    PKEY_AUTO key = NULL;
    uint8_t point[65], mac[32];
    size_t n, mac_n;

    EXPECT_INT("key", pkey_read(key_pem, &key, &w->err), ERR_NONE);
    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n);
    EXPECT_TRUE("hmac", EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, point, n, (const uint8_t *)text.p,
                                  text.n, mac, sizeof(mac), &mac_n) != NULL);
    return arena_str(&w->arena, str_from(mac, mac_n));
}

static inline struct str forge(struct world *w, struct str key_pem, const char *header, const char *payload,
                               enum signer signer)
{
    struct str text = arena_printf(&w->arena, STR_FMT "." STR_FMT,
                                   STR_ARG(base64_encode_url(&w->arena, str_from_c(header))),
                                   STR_ARG(base64_encode_url(&w->arena, str_from_c(payload))));
    struct str sig = STR_NONE;
    char *bytes;

    switch (signer) {
    case BY_OTHER_KEY:
        sig = sign_raw(w, world_new_key(w), text, false);
        break;
    case BY_HMAC_OF_PUBLIC_KEY:
        sig = hmac_public(w, key_pem, text);
        break;
    case BY_NOBODY:
        break;
    case BY_KEY:
    case AS_DER:
    case BIT_FLIPPED:
        sig = sign_raw(w, key_pem, text, signer == AS_DER);
        break;
    }
    bytes = arena_cstr(&w->arena, sig);
    if (signer == BIT_FLIPPED)
        bytes[10] ^= 1;
    return arena_printf(&w->arena, STR_FMT "." STR_FMT, STR_ARG(text),
                        STR_ARG(base64_encode_url(&w->arena, str_from(bytes, sig.n))));
}

#endif
