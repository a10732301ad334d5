/* provided.c -- checks and loads a CA that the operator brings (resources.md 2.1, "provided"; texts are
 * kuma-cp's). */
#include "backend.h"

#include "chain.h"
#include "file.h"

/* ---- secrets of files ---- */

struct res_key ca_provided_cert_secret(struct arena *a, struct str mesh, struct str backend)
{
    return backend_secret(a, mesh, "provided", "cert", backend);
}

struct res_key ca_provided_key_secret(struct arena *a, struct str mesh, struct str backend)
{
    return backend_secret(a, mesh, "provided", "key", backend);
}

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
    case SOURCE_FILE: /* what it holds has been read, if it could be (ca_files_read) */
        if (source->value.n == 0)
            err_cause(e, AT_FIELD(at, "file"), "cannot be empty");
        break;
    case SOURCE_INLINE:
        if (source->value.n == 0)
            err_cause(e, AT_FIELD(at, "inline"), "cannot be empty");
        break;
    case SOURCE_INLINE_STRING:
        break;
    }
}

static enum err_kind load(const struct snap *snap, const struct pem_source *source,
                          const struct res_key *of_file, struct str *out, struct err *e)
{
    struct str name = source->kind == SOURCE_FILE ? of_file->name : source->value;
    const struct resource *secret;

    if (source->kind == SOURCE_INLINE || source->kind == SOURCE_INLINE_STRING) {
        *out = source->value;
        return ERR_NONE;
    }
    if (source->kind != SOURCE_SECRET && source->kind != SOURCE_FILE)
        return err_set(e, ERR_INVALID, "could not load data: unsupported type of the DataSource");
    secret = snap_find(snap, RES_SECRET, of_file->mesh, name);
    if (!secret)
        return err_set(e, ERR_NOT_FOUND,
                       "could not load data: Resource not found: type=\"" STR_FMT "\" name=\"" STR_FMT
                       "\" mesh=\"" STR_FMT "\"",
                       STR_ARG(res_type_info(RES_SECRET)->name), STR_ARG(name), STR_ARG(of_file->mesh));
    *out = resource_secret(secret)->data;
    return ERR_NONE;
}

static enum err_kind load_both(const struct snap *snap, struct str mesh, const struct ca_backend *backend,
                               const struct provided_conf *conf, struct str *cert, struct str *key,
                               struct err *e)
{
    struct res_key cert_secret = ca_provided_cert_secret(e->arena, mesh, backend->name);
    struct res_key key_secret = ca_provided_key_secret(e->arena, mesh, backend->name);

    if (load(snap, &conf->key, &key_secret, key, e) || load(snap, &conf->cert, &cert_secret, cert, e))
        return e->kind;
    return ERR_NONE;
}

/* ---- files ---- */

static bool has_files(const struct provided_conf *conf)
{
    return conf->cert.kind == SOURCE_FILE || conf->key.kind == SOURCE_FILE;
}

bool provided_has_files(const struct ca_backend *backend)
{
    struct provided_conf conf;
    struct arena arena;
    struct err e;
    bool has;

    arena_init(&arena);
    err_init(&e, &arena);
    has = !provided_conf_read(&backend->conf, NULL, &conf, &e) && has_files(&conf);
    arena_wipe(&arena); /* the key may stand inline */
    return has;
}

/* An empty name is left to the check. */
static void read_file(const struct str_list *folders, const struct pem_source *source, const struct path *at,
                      struct arena *a, struct str *text, struct err *e)
{
    if (source->kind == SOURCE_FILE && source->value.n > 0)
        ca_file_read(folders, source->value, a, text, AT_FIELD(at, "file"), e);
}

enum err_kind ca_files_read(const struct str_list *folders, const struct ca_backend *backend, size_t index,
                            struct arena *a, struct ca_files *out, struct err *e)
{
    const struct path *at = AT_FIELD(AT_INDEX(AT_FIELD(AT_FIELD(NULL, "mtls"), "backends"), index), "conf");
    struct provided_conf conf;

    *out = (struct ca_files){STR_NONE, STR_NONE};
    if (provided_conf_read(&backend->conf, at, &conf, e))
        return e->kind;
    read_file(folders, &conf.cert, AT_FIELD(at, "cert"), a, &out->cert, e);
    read_file(folders, &conf.key, AT_FIELD(at, "key"), a, &out->key, e);
    return e->kind;
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

/* Where no control plane runs, neither its secrets nor its files can be looked at. */
static bool is_elsewhere(const struct snap *snap, const struct pem_source *source)
{
    return !snap && (source->kind == SOURCE_SECRET || source->kind == SOURCE_FILE);
}

void provided_check(const struct snap *snap, struct str mesh, const struct ca_backend *backend, bool known,
                    const struct path *at, struct err *e)
{
    const struct path *at_cert = AT_FIELD(at, "cert"), *at_key = AT_FIELD(at, "key");
    struct provided_conf conf;
    struct str cert, key;
    struct res_key secret = ca_provided_cert_secret(e->arena, mesh, backend->name);
    struct err load_err;

    if (provided_conf_read(&backend->conf, at, &conf, e))
        return;
    if (has_files(&conf))
        backend_check_name(&secret, backend->name, at, e);
    check_source(&conf.cert, at_cert, e);
    check_source(&conf.key, at_key, e);
    if (e->kind || is_elsewhere(snap, &conf.cert) || is_elsewhere(snap, &conf.key))
        return;
    err_init(&load_err, e->arena);
    if (load_both(snap, mesh, backend, &conf, &cert, &key, &load_err)) {
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
    return load_both(snap, mesh, backend, &conf, cert, key, e);
}

static bool is_secret(const struct pem_source *source, const struct res_key *of_file, struct str name)
{
    return (source->kind == SOURCE_SECRET && str_eq(source->value, name)) ||
           (source->kind == SOURCE_FILE && str_eq(of_file->name, name));
}

bool provided_uses_secret(struct str mesh, const struct ca_backend *backend, struct str secret)
{
    struct provided_conf conf;
    struct arena arena;
    struct err e;
    bool uses;

    arena_init(&arena);
    err_init(&e, &arena);
    struct res_key cert = ca_provided_cert_secret(&arena, mesh, backend->name);
    struct res_key key = ca_provided_key_secret(&arena, mesh, backend->name);

    uses = !provided_conf_read(&backend->conf, NULL, &conf, &e) &&
           (is_secret(&conf.cert, &cert, secret) || is_secret(&conf.key, &key, secret));
    arena_wipe(&arena); /* the key may stand inline */
    return uses;
}
