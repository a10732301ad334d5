/* claims.h -- the payload of a token as JSON text, in kuma-cp's key order and with its capitalised names. */
#ifndef URSA_AUTH_CLAIMS_H
#define URSA_AUTH_CLAIMS_H

#include "ursa/auth.h"

struct str claims_write(struct arena *, enum token_kind, const struct token_claims *);
/* Unknown claims are ignored; a known one of the wrong JSON kind is refused. ERR_UNAUTHENTICATED. */
MUST_USE enum err_kind claims_read(struct str json, enum token_kind, struct arena *, struct token_claims *,
                                   struct err *e);

#endif
