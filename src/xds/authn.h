/* xds/authn.h -- is the client of a stream still the proxy that it says to be? Asked at every request, cheap
 * to ask. */
#ifndef URSA_XDS_AUTHN_H
#define URSA_XDS_AUTHN_H

#include "ursa/xds.h"

struct authn {
    const struct token_trusts *trusts;
    char *token; /* the authorization metadata; secret */
    size_t token_size;
    uint64_t source;    /* where it came from */
    struct arena arena; /* holds the claims */
    struct token_claims claims;
    bool verified;     /* 'claims' were found good under 'keys' */
    uint64_t sequence; /* of the snapshot for which 'keys' was looked up */
    uint64_t keys;     /* token_keys_version() */
};
void authn_init(struct authn *, const struct token_trusts *, const struct credential *authorization);
void authn_fini(struct authn *);
/* Is the token one of the stream's mesh? The signature is checked once, and again only when the mesh's keys
 * or revocations have changed or the token has expired. ERR_UNAUTHENTICATED. */
MUST_USE enum err_kind authn_verify(struct authn *, const struct snap *, struct str mesh, struct err *e);
/* And may the bearer be this Dataplane now? ERR_DENIED. */
MUST_USE enum err_kind authn_check(struct authn *, const struct snap *, struct str mesh,
                                   const struct resource *dataplane, struct err *e);

#endif
