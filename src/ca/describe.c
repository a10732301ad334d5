/* describe.c -- what there is to say about roots. */
#include <openssl/sha.h>

#include "cert.h"

static struct str fingerprint_of(const X509 *cert, struct arena *a, struct err *e)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[2 * SHA256_DIGEST_LENGTH];
    unsigned n = sizeof(digest);

    if (!X509_digest(cert, EVP_sha256(), digest, &n)) {
        err_set(e, ERR_INVALID, "the certificate cannot be read");
        return STR("");
    }
    for (size_t i = 0; i < sizeof(digest); i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    return arena_str(a, str_from(text, sizeof(text)));
}

static struct str common_name_of(const X509 *cert, struct arena *a)
{
    char text[256];
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text, sizeof(text));

    return n > 0 ? arena_str(a, str_from(text, (size_t)n)) : STR("");
}

enum err_kind ca_describe_roots(struct str pem, struct arena *a, struct root_facts **out, size_t *n,
                                struct err *e)
{
    CERTS_AUTO certs = NULL;

    *n = 0;
    if (certs_read(pem, &certs, e))
        return e->kind;
    *out = ARENA_ARRAY(a, struct root_facts, (size_t)sk_X509_num(certs));
    for (; *n < (size_t)sk_X509_num(certs); ++*n) {
        const X509 *cert = sk_X509_value(certs, (int)*n);

        (*out)[*n] = (struct root_facts){.fingerprint = fingerprint_of(cert, a, e),
                                         .common_name = common_name_of(cert, a),
                                         .begins_ns = cert_begins_ns(cert),
                                         .expires_ns = cert_expires_ns(cert)};
    }
    return e->kind;
}

int64_t ca_root_renewal_ns(const struct root_facts *root)
{
    return root->begins_ns + (root->expires_ns - root->begins_ns) / 5 * 4;
}
