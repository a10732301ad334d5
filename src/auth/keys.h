/* keys.h -- signing keys of tokens: where each kind keeps them, and how one is read from its secret. */
#ifndef URSA_AUTH_KEYS_H
#define URSA_AUTH_KEYS_H

#include "ursa/auth.h"
#include "ursa/base/jws.h"

#define DIGEST_SIZE 32 /* SHA-256 */

struct signing_key {
    EVP_PKEY *pkey;
    enum jws_alg alg;            /* follows from the key: a token cannot choose it */
    unsigned serial;             /* the token's kid */
    uint8_t digest[DIGEST_SIZE]; /* of the secret it stands in: verify_key_find() only */
};

#define SERIAL_MAX 999999999
/* A decimal number from 1 on, without leading zeros, as it ends a secret's name and stands in a token's kid;
 * 0: it is none. */
unsigned serial_parse(struct str);

/* The key with this serial / with the highest one. ERR_NOT_FOUND with kuma-cp's sentence; ERR_INVALID when
 * the secret holds no usable key. On success the caller runs signing_key_fini(). */
MUST_USE enum err_kind signing_key_find(const struct snap *, enum token_kind, struct str mesh,
                                        unsigned serial, struct signing_key *out, struct err *e);
MUST_USE enum err_kind signing_key_newest(const struct snap *, enum token_kind, struct str mesh,
                                          struct signing_key *out, struct err *e);
/* As signing_key_find, for checking signatures only: the private half may be missing. */
MUST_USE enum err_kind verify_key_find(const struct snap *, enum token_kind, struct str mesh, unsigned serial,
                                       struct signing_key *out, struct err *e);
void signing_key_fini(struct signing_key *);
/* The key that the settings trust under this kid, for checking signatures; false when there is none. */
bool trusted_key_find(const struct token_trust *, enum token_kind, struct str mesh, struct str kid,
                      struct signing_key *out);

/* jws_verify() with a key of verify_key_find(); 'jws' was read from 'jwt'. What was found good lately is not
 * computed again; with 'known_only' nothing is computed, and any other one is bad. */
MUST_USE enum err_kind signature_verify(const struct jws *, struct str jwt, const struct signing_key *,
                                        bool known_only, struct arena *, struct err *e);

/* Is this token id in the kind's revocation secret? */
bool token_is_revoked(const struct snap *, enum token_kind, struct str mesh, struct str id, struct arena *);

#endif
