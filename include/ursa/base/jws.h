/* ursa/base/jws.h -- signed text in the compact form of RFC 7515: header.payload.signature, base64url each.
 * Any thread. */
#ifndef URSA_BASE_JWS_H
#define URSA_BASE_JWS_H

#include "ursa/base/pkey.h"

#define JWS_MAX_BYTES 16384

enum jws_alg { JWS_ES256, JWS_RS256 };

struct jws {
    struct str alg, kid;    /* of the header; kid.p == NULL when absent */
    struct str payload;     /* decoded */
    struct str signed_part; /* the bytes that the signature covers */
    struct str signature;   /* decoded */
};

struct str jws_alg_name(enum jws_alg);
/* What the key signs with; false for one that is too weak or of another kind than JWS_KEY_EXPECTED. */
MUST_USE bool jws_key_alg(const EVP_PKEY *, enum jws_alg *);
#define JWS_KEY_EXPECTED "an EC key on P-256 or an RSA key of 2048 bits or more"
/* 'alg' is the key's own. ERR_LIMIT for what would be too long to be used. */
MUST_USE enum err_kind jws_sign(EVP_PKEY *, enum jws_alg, struct str kid, struct str payload, struct arena *,
                                struct str *out, struct err *e);
/* Takes the text apart; believes nothing yet. ERR_UNAUTHENTICATED, as below. */
MUST_USE enum err_kind jws_read(struct str text, struct arena *, struct jws *, struct err *e);
/* The header's alg must be the key's own, then the signature must be. */
MUST_USE enum err_kind jws_verify(const struct jws *, EVP_PKEY *, enum jws_alg, struct err *e);

#endif
