/* chain.h -- the certificates of a CA that an operator brings: the first signs; of the others some lead from
 * it to a root, and the rest are further roots, for a time in which two are good. */
#ifndef URSA_CA_CHAIN_H
#define URSA_CA_CHAIN_H

#include "cert.h"

struct chain {
    struct stack_st_X509 *certs; /* borrowed */
    int path[CERTS_MAX];         /* places in 'certs': the one that signs, its issuer, ... */
    int n_path;
};
/* Follows the issuers as far as they are there. */
void chain_find(struct stack_st_X509 *, struct chain *);
/* What proxies trust: every root, and the end of the path where that is none (a CA whose root is kept
 * elsewhere). */
bool chain_is_trusted(const struct chain *, int i);
/* PEM of the trusted ones: of all that stands in the text only these are sent to everybody. */
struct blob *chain_bundle(const struct chain *);
/* PEM of what stands between a leaf and the trusted end of the path; "" when that is what signs. */
struct blob *chain_between(const struct chain *);
int64_t chain_expires_ns(const struct chain *); /* when the first of the path does */

/* What would keep proxies from accepting what it signs: causes at certs[i], which is 'at' with that index. */
void chain_check(const struct chain *, const struct path *at, struct err *e);
/* Issues a certificate of the mesh and verifies it as a proxy does, for what only a verifier finds out (name
 * constraints, critical extensions, extended key usage). NULL: it is good; else OpenSSL's reason. */
const char *chain_probe(const struct chain *, EVP_PKEY *key, struct str mesh, struct arena *);

#endif
