/* trust.c -- public keys that the settings name: tokens are issued elsewhere with the private halves, which
 * the control plane never sees (rest-api.md section 9). */
#include <openssl/x509.h>
#include <string.h>

#include "keys.h"
#include "ursa/base/hash.h"

#define AS_DEFAULT                                                                                           \
    {                                                                                                        \
        .use_secrets = true, .issues = true                                                                  \
    }
const struct token_trusts token_trusts_default = {.of = {AS_DEFAULT, AS_DEFAULT, AS_DEFAULT, AS_DEFAULT}};

enum err_kind trusted_key_read(struct str pem, struct trusted_key *out, struct err *e)
{
    uint8_t *der = NULL;
    enum jws_alg alg;

    if (pkey_read_public(pem, &out->key, e))
        return e->kind;
    int n = jws_key_alg(out->key, &alg) ? i2d_PUBKEY(out->key, &der) : -1;

    if (n > 0)
        hash_sha256(der, (size_t)n, out->digest);
    OPENSSL_free(der);
    if (n > 0)
        return ERR_NONE;
    EVP_PKEY_free(out->key);
    out->key = NULL;
    return err_set(e, ERR_INVALID, "expected " JWS_KEY_EXPECTED);
}

bool trusted_key_find(const struct token_trust *trust, enum token_kind kind, struct str mesh, struct str kid,
                      struct signing_key *out)
{
    for (size_t i = 0; i < trust->n_keys; i++) {
        const struct trusted_key *k = &trust->keys[i];

        if (!str_eq(k->kid, kid) || (kind == TOKEN_DATAPLANE && !str_eq(k->mesh, mesh)))
            continue;
        *out = (struct signing_key){.pkey = k->key};
        memcpy(out->digest, k->digest, DIGEST_SIZE);
        EVP_PKEY_up_ref(k->key);
        return jws_key_alg(k->key, &out->alg);
    }
    return false;
}
