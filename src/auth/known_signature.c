/* known_signature.c -- signatures that were found good lately.
 *
 * A client that stays asks with the same token again and again, and to check an ES256 signature takes six
 * times as long as the rest of a GET. What is remembered is that fact of mathematics and nothing else: this
 * key made this signature under this text. Which key counts, whether the token is expired or revoked and what
 * it says are looked at each time. Only good signatures are kept, so whoever has none crowds nothing out. */
#include "keys.h"

#include <string.h>

#include "ursa/base/count.h"
#include "ursa/base/hash.h"
#include "ursa/base/lock.h"

#define SETS 2048
#define WAYS 8 /* 512 KiB in all: ten thousand proxies, each with a token of its own */

struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

static struct lock lock = LOCK_INIT;    /* protects what follows */
static struct digest known[SETS][WAYS]; /* zeros: free; in a set what was asked for last stands first */

/* Of the key and the token, which holds the signed text and the signature. */
static struct digest digest_of(const struct signing_key *key, struct str jwt, struct arena *a)
{
    uint8_t *all = arena_alloc(a, DIGEST_SIZE + jwt.n);
    struct digest d = {0};

    memcpy(all, key->digest, DIGEST_SIZE);
    memcpy(all + DIGEST_SIZE, jwt.p, jwt.n);
    hash_sha256(all, DIGEST_SIZE + jwt.n, d.bytes);
    return d;
}

/* SHA-256 spreads over the sets. */
static struct digest *set_of(const struct digest *d)
{
    return known[(d->bytes[0] << 8 | d->bytes[1]) % SETS];
}

/* Puts it first, in the place of the one at 'at'. */
static void put_first(struct digest *set, size_t at, const struct digest *d)
{
    memmove(set + 1, set, at * sizeof(*set));
    set[0] = *d;
}

static bool is_known(const struct digest *d)
{
    struct digest *set = set_of(d);
    size_t at = 0;

    lock_take(&lock);
    while (at < WAYS && memcmp(&set[at], d, sizeof(*d)) != 0)
        at++;
    if (at < WAYS)
        put_first(set, at, d);
    lock_drop(&lock);
    return at < WAYS;
}

/* Whoever was not asked for the longest goes. */
static void remember(const struct digest *d)
{
    lock_take(&lock);
    put_first(set_of(d), WAYS - 1, d);
    lock_drop(&lock);
}

enum err_kind signature_verify(const struct jws *jws, struct str jwt, const struct signing_key *key,
                               bool known_only, struct arena *a, struct err *e)
{
    struct digest d = digest_of(key, jwt, a);

    if (is_known(&d))
        return ERR_NONE;
    if (known_only)
        return err_set(e, ERR_UNAUTHENTICATED, "the signature was not checked");
    if (jws_verify(jws, key->pkey, key->alg, e))
        return e->kind;
    COUNT(auth_signatures_checked);
    remember(&d);
    return ERR_NONE;
}
