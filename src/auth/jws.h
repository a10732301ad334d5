/* jws.h -- signed text in the compact form of RFC 7515: header.payload.signature, base64url each. */
#ifndef URSA_AUTH_JWS_H
#define URSA_AUTH_JWS_H

#include "keys.h"

#define JWS_MAX_BYTES 16384

struct jws {
    struct str alg, kid;    /* of the header; kid.p == NULL when absent */
    struct str payload;     /* decoded */
    struct str signed_part; /* the bytes that the signature covers */
    struct str signature;   /* decoded */
};

struct str jws_alg_name(enum jws_alg);
MUST_USE enum err_kind jws_sign(const struct signing_key *, struct str payload, struct arena *,
                                struct str *out, struct err *e);
/* Takes the text apart; believes nothing yet. ERR_UNAUTHENTICATED, as below. */
MUST_USE enum err_kind jws_read(struct str text, struct arena *, struct jws *, struct err *e);
/* The header's alg must be the key's own, then the signature must be. */
MUST_USE enum err_kind jws_verify(const struct jws *, const struct signing_key *, struct err *e);

#endif
