/* offline.h -- keys, tokens and certificates that are made without a control plane. */
#ifndef URSA_CLI_OFFLINE_H
#define URSA_CLI_OFFLINE_H

#include "ursa/base/claims.h"
#include "ursa/base/pkey.h"

/* A PEM private key of a file ("-": standard input); the caller frees it. */
MUST_USE enum err_kind offline_read_key(struct str path, struct arena *, EVP_PKEY **, struct err *e);
/* Times and id of the claims are filled in. The caller wipes the token. */
MUST_USE enum err_kind offline_sign(struct str key_path, struct str kid, enum token_kind,
                                    struct token_claims *, int64_t valid_ns, struct arena *,
                                    struct str *token, struct err *e);

struct certificate_plan {
    bool is_client, is_ecdsa;
    struct str_list hosts; /* DNS names and addresses; the first is the common name */
};
/* A certificate that signs itself, good for ten years, and its key; both PEM, in the arena. The caller wipes
 * the key. */
MUST_USE enum err_kind certificate_new(const struct certificate_plan *, struct arena *, struct str *cert_pem,
                                       struct str *key_pem, struct err *e);

#endif
