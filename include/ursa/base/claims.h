/* ursa/base/claims.h -- the payload of a token as JSON text, in kuma-cp's key order and with its capitalised
 * names. Any thread. */
#ifndef URSA_BASE_CLAIMS_H
#define URSA_BASE_CLAIMS_H

#include "ursa/base/err.h"

enum token_kind { TOKEN_DATAPLANE, TOKEN_USER, TOKEN_ZONE, TOKEN_ZONE_INGRESS };
#define TOKEN_KINDS (TOKEN_ZONE_INGRESS + 1)

struct token_tag {
    struct str name;
    struct str_list values;
};
struct token_claims {
    struct str name;        /* dataplane, user */
    struct str mesh;        /* dataplane */
    struct token_tag *tags; /* dataplane */
    size_t n_tags;
    struct str type;                           /* dataplane: "", dataplane, ingress, egress */
    struct str_list groups;                    /* user */
    struct str zone;                           /* zone, zone-ingress */
    struct str_list scope;                     /* zone */
    int64_t issued_at, not_before, expires_at; /* seconds since 1970 */
    struct str id;                             /* jti */
};

/* Fills in the times and the id of a token that is issued now: nbf is a little earlier, for the clocks of
 * other machines. */
void claims_stamp(struct token_claims *, int64_t valid_ns, struct arena *);
struct str claims_write(struct arena *, enum token_kind, const struct token_claims *);
/* Unknown claims are ignored; a known one of the wrong JSON kind is refused. ERR_UNAUTHENTICATED. */
MUST_USE enum err_kind claims_read(struct str json, enum token_kind, struct arena *, struct token_claims *,
                                   struct err *e);

#endif
