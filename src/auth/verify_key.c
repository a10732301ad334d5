/* verify_key.c -- the public halves of signing keys that were used lately.
 *
 * To read a key's text takes four times as long as to check a signature, and when the control plane comes
 * back thousands of proxies show tokens of a few keys. An entry is found by the digest of the secret, so a
 * key that was replaced is never taken for the new one, and it holds nothing that is secret. */
#include "keys.h"

#include <openssl/x509.h>
#include <string.h>

#include "ursa/base/count.h"
#include "ursa/base/hash.h"
#include "ursa/base/lock.h"

#define KEYS_MAX 64

static struct lock lock = LOCK_INIT; /* protects what follows */
static struct verify_key {
    uint8_t digest[DIGEST_SIZE];
    EVP_PKEY *public; /* NULL: free */
    enum jws_alg alg;
} keys[KEYS_MAX];
static size_t oldest; /* the next to make room */

static bool find(const uint8_t digest[DIGEST_SIZE], struct signing_key *out)
{
    lock_take(&lock);
    for (size_t i = 0; i < KEYS_MAX && !out->pkey && keys[i].public; i++) {
        if (memcmp(keys[i].digest, digest, DIGEST_SIZE) != 0)
            continue;
        EVP_PKEY_up_ref(keys[i].public);
        out->pkey = keys[i].public;
        out->alg = keys[i].alg;
    }
    lock_drop(&lock);
    return out->pkey;
}

/* Takes over the key. When two threads read the same one it is there twice, which does no harm. */
static void keep(const uint8_t digest[DIGEST_SIZE], EVP_PKEY *public, enum jws_alg alg)
{
    lock_take(&lock);
    struct verify_key *k = &keys[oldest];
    EVP_PKEY *old = k->public;

    memcpy(k->digest, digest, DIGEST_SIZE);
    k->public = public;
    k->alg = alg;
    oldest = (oldest + 1) % KEYS_MAX;
    lock_drop(&lock);
    EVP_PKEY_free(old);
}

/* NULL when OpenSSL cannot write the key, which then is not kept. */
static EVP_PKEY *public_half(const EVP_PKEY *key)
{
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    const uint8_t *at = der;
    EVP_PKEY *public = n > 0 ? d2i_PUBKEY(NULL, &at, n) : NULL;

    OPENSSL_free(der);
    return public;
}

enum err_kind verify_key_find(const struct snap *snap, enum token_kind kind, struct str mesh, unsigned serial,
                              struct signing_key *out, struct err *e)
{
    struct res_key key = signing_key_secret(e->arena, kind, mesh, serial);
    const struct resource *secret = snap_find(snap, key.type, key.mesh, key.name);
    uint8_t digest[DIGEST_SIZE] = {0};

    *out = (struct signing_key){.serial = serial};
    if (secret)
        hash_sha256(secret->spec_json->p, secret->spec_json->n, digest);
    if (secret && find(digest, out)) {
        memcpy(out->digest, digest, DIGEST_SIZE);
        return ERR_NONE;
    }
    if (signing_key_find(snap, kind, mesh, serial, out, e))
        return e->kind;
    memcpy(out->digest, digest, DIGEST_SIZE);
    COUNT(auth_keys_read);
    EVP_PKEY *public = public_half(out->pkey);

    if (public)
        keep(digest, public, out->alg);
    return ERR_NONE;
}
