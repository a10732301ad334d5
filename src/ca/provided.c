/* provided.c -- checks and loads a CA that the operator brings (resources.md 2.1, "provided"; texts are
 * kuma-cp's). */
#include "backend.h"

#include "chain.h"

/* ---- the sources ---- */

static void check_source(const struct pem_source *source, const struct path *at, struct err *e)
{
    switch (source->kind) {
    case SOURCE_ABSENT:
        err_cause(e, at, "has to be defined");
        break;
    case SOURCE_NONE:
        err_cause(e, at, "data source has to be chosen. Available sources: secret, file, inline");
        break;
    case SOURCE_SECRET:
        if (source->value.n == 0)
            err_cause(e, AT_FIELD(at, "secret"), "cannot be empty");
        break;
    case SOURCE_FILE: /* whoever may write a Mesh must not thereby read this machine's files */
        err_cause(e, AT_FIELD(at, "file"), "%s",
                  source->value.n == 0
                      ? "cannot be empty"
                      : "files of the control plane cannot be used: store the text as a secret");
        break;
    case SOURCE_INLINE:
        if (source->value.n == 0)
            err_cause(e, AT_FIELD(at, "inline"), "cannot be empty");
        break;
    case SOURCE_INLINE_STRING:
        break;
    }
}

static enum err_kind load(const struct snap *snap, struct str mesh, const struct pem_source *source,
                          struct str *out, struct err *e)
{
    const struct resource *secret;

    if (source->kind == SOURCE_INLINE || source->kind == SOURCE_INLINE_STRING) {
        *out = source->value;
        return ERR_NONE;
    }
    if (source->kind != SOURCE_SECRET)
        return err_set(e, ERR_INVALID, "could not load data: unsupported type of the DataSource");
    secret = snap_find(snap, RES_SECRET, mesh, source->value);
    if (!secret)
        return err_set(e, ERR_NOT_FOUND,
                       "could not load data: Resource not found: type=\"" STR_FMT "\" name=\"" STR_FMT
                       "\" mesh=\"" STR_FMT "\"",
                       STR_ARG(res_type_info(RES_SECRET)->name), STR_ARG(source->value), STR_ARG(mesh));
    *out = resource_secret(secret)->data;
    return ERR_NONE;
}

static enum err_kind load_both(const struct snap *snap, struct str mesh, const struct provided_conf *conf,
                               struct str *cert, struct str *key, struct err *e)
{
    if (load(snap, mesh, &conf->key, key, e) || load(snap, mesh, &conf->cert, cert, e))
        return e->kind;
    return ERR_NONE;
}

/* ---- the pair ---- */

static bool has_pem(struct str text)
{
    return str_find(text, STR("-----BEGIN ")) < text.n;
}

/* Why the two are no pair, in the words of Go's crypto/tls; NULL when they are one. Both are filled in. */
static const char *pair_fault(struct str cert_pem, struct str key_pem, struct stack_st_X509 **certs,
                              EVP_PKEY **key, struct arena *a)
{
    struct err ignored;

    err_init(&ignored, a);
    if (certs_read(cert_pem, certs, &ignored))
        return has_pem(cert_pem) ? "tls: failed to find \"CERTIFICATE\" PEM block in certificate input"
                                 : "tls: failed to find any PEM data in certificate input";
    if (pkey_read(key_pem, key, &ignored))
        return has_pem(key_pem) ? "tls: failed to parse private key"
                                : "tls: failed to find any PEM data in key input";
    if (X509_check_private_key(sk_X509_value(*certs, 0), *key) != 1)
        return "tls: private key does not match public key";
    return NULL;
}

/* RFC 5280 lets a certificate without key usage do everything; the SPIFFE rules do not. */
static void check_certificate(X509 *cert, const struct path *at, struct err *e)
{
    uint32_t flags = X509_get_extension_flags(cert);
    uint32_t usage = flags & EXFLAG_KUSAGE ? X509_get_key_usage(cert) : 0;

    if (!(flags & EXFLAG_CA))
        err_cause(e, at,
                  "basic constraint 'CA' must be set to 'true' (see X509-SVID: 4.1. Basic Constraints)");
    if (!(usage & KU_KEY_CERT_SIGN))
        err_cause(e, at, "key usage extension 'keyCertSign' must be set (see X509-SVID: 4.3. Key Usage)");
    if (usage & KU_KEY_AGREEMENT)
        err_cause(e, at,
                  "key usage extension 'keyAgreement' must NOT be set (see X509-SVID: Appendix A. X.509 "
                  "Field Reference)");
}

/* Beyond what kuma-cp looks at, which finds out from proxies that refuse each other. */
static void check_chain(struct stack_st_X509 *certs, EVP_PKEY *key, struct str mesh,
                        const struct path *at_cert, struct err *e)
{
    struct chain chain;
    const char *fault;

    chain_find(certs, &chain);
    chain_check(&chain, at_cert, e);
    if (e->kind)
        return;
    fault = chain_probe(&chain, key, mesh, e->arena);
    if (fault)
        err_cause(e, at_cert, "proxies would not accept what it signs: %s", fault);
}

static void check_pair(struct str cert_pem, struct str key_pem, struct str mesh, bool known,
                       const struct path *at_cert, struct err *e)
{
    CERTS_AUTO certs = NULL;
    PKEY_AUTO key = NULL;
    const char *fault = pair_fault(cert_pem, key_pem, &certs, &key, e->arena);

    if (fault) {
        err_cause(e, at_cert, "not a valid TLS key pair: %s", fault);
        return;
    }
    for (int i = 0; i < sk_X509_num(certs); i++)
        check_certificate(sk_X509_value(certs, i), AT_INDEX(at_cert, (size_t)i), e);
    if (e->kind == ERR_NONE && !known)
        check_chain(certs, key, mesh, at_cert, e);
}

void provided_check(const struct snap *snap, struct str mesh, const struct ca_backend *backend, bool known,
                    const struct path *at, struct err *e)
{
    const struct path *at_cert = AT_FIELD(at, "cert"), *at_key = AT_FIELD(at, "key");
    struct provided_conf conf;
    struct str cert, key;
    struct err load_err;

    if (provided_conf_read(&backend->conf, at, &conf, e))
        return;
    check_source(&conf.cert, at_cert, e);
    check_source(&conf.key, at_key, e);
    if (e->kind || (!snap && (conf.cert.kind == SOURCE_SECRET || conf.key.kind == SOURCE_SECRET)))
        return;
    err_init(&load_err, e->arena);
    if (load_both(snap, mesh, &conf, &cert, &key, &load_err)) {
        err_cause(e, at_cert, STR_FMT, STR_ARG(load_err.text));
        err_cause(e, at_key, STR_FMT, STR_ARG(load_err.text));
        return;
    }
    check_pair(cert, key, mesh, known, at_cert, e);
}

enum err_kind provided_load(const struct snap *snap, struct str mesh, const struct ca_backend *backend,
                            struct str *cert, struct str *key, struct err *e)
{
    struct provided_conf conf;

    if (provided_conf_read(&backend->conf, AT_FIELD(NULL, "conf"), &conf, e))
        return e->kind;
    return load_both(snap, mesh, &conf, cert, key, e);
}

static bool is_secret(const struct pem_source *source, struct str name)
{
    return source->kind == SOURCE_SECRET && str_eq(source->value, name);
}

bool provided_uses_secret(const struct ca_backend *backend, struct str secret)
{
    struct provided_conf conf;
    struct arena arena;
    struct err e;
    bool uses;

    arena_init(&arena);
    err_init(&e, &arena);
    uses = !provided_conf_read(&backend->conf, NULL, &conf, &e) &&
           (is_secret(&conf.cert, secret) || is_secret(&conf.key, secret));
    arena_wipe(&arena); /* the key may stand inline */
    return uses;
}
