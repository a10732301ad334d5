/* authority.c -- a CA in memory: loads it from the secrets of its mesh, issues workload certificates.
 *
 * An authority knows its mesh and signs no identity of another one, whatever it is asked for: two meshes may
 * have been given the same root. */
#include "backend.h"

#include <openssl/err.h>

#include "chain.h"
#include "ursa/base/alloc.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"

struct authority {
    atomic_uint refs;
    char *trust_domain; /* "spiffe://<mesh>/" */
    X509 *cert;         /* the one whose key we have */
    EVP_PKEY *key;
    int64_t expires_ns;   /* of it, or of one that leads to its root */
    struct blob *bundle;  /* PEM of what proxies trust */
    struct blob *between; /* PEM of what a leaf comes with, for those that know the root only */
};

static struct authority *authority_new(struct str mesh, struct stack_st_X509 *certs, EVP_PKEY *key)
{
    struct authority *ca = xcalloc(1, sizeof(*ca));
    struct chain chain;
    struct arena scratch;

    arena_init(&scratch);
    atomic_init(&ca->refs, 1);
    ca->trust_domain = xstrndup(identity_domain(&scratch, mesh));
    arena_fini(&scratch);
    ca->cert = sk_X509_value(certs, 0);
    X509_up_ref(ca->cert);
    X509_check_ca(ca->cert); /* reads the extensions now, so that the threads that share it only read */
    EVP_PKEY_up_ref(key);
    ca->key = key;
    chain_find(certs, &chain);
    ca->expires_ns = chain_expires_ns(&chain);
    ca->bundle = chain_bundle(&chain);
    ca->between = chain_between(&chain);
    return ca;
}

enum err_kind authority_read(struct str mesh, struct str cert_pem, struct str key_pem, struct authority **out,
                             struct err *e)
{
    CERTS_AUTO certs = NULL;
    PKEY_AUTO key = NULL;
    bool match;

    *out = NULL;
    if (certs_read(cert_pem, &certs, e) || pkey_read(key_pem, &key, e))
        return e->kind;
    match = X509_check_private_key(sk_X509_value(certs, 0), key) == 1;
    ERR_clear_error();
    if (!match)
        return err_set(e, ERR_INVALID, "the private key does not belong to the certificate");
    if (!(X509_get_extension_flags(sk_X509_value(certs, 0)) & EXFLAG_CA))
        return err_set(e, ERR_INVALID, "the certificate is not that of a CA");
    *out = authority_new(mesh, certs, key);
    return ERR_NONE;
}

enum err_kind authority_load(const struct snap *snap, struct str mesh, const struct ca_backend *backend,
                             struct authority **out, struct err *e)
{
    struct arena scratch; /* the key may stand inline: nothing of it stays with the caller */
    struct err fault;
    struct str cert, key;

    *out = NULL;
    arena_init(&scratch);
    err_init(&fault, &scratch);
    if (backend_load(snap, mesh, backend, &cert, &key, &fault) ||
        authority_read(mesh, cert, key, out, &fault))
        err_set(e, fault.kind, "CA \"" STR_FMT "\" of mesh \"" STR_FMT "\": " STR_FMT, STR_ARG(backend->name),
                STR_ARG(mesh), STR_ARG(err_render(&fault, &scratch)));
    arena_wipe(&scratch);
    return e->kind;
}

uint64_t authority_source(const struct snap *snap, struct str mesh, const struct ca_backend *backend)
{
    struct arena arena;
    struct err e;
    struct str cert, key;
    uint64_t source = 0;

    arena_init(&arena);
    err_init(&e, &arena);
    if (backend_load(snap, mesh, backend, &cert, &key, &e) == ERR_NONE)
        source = hash_mix(hash_content(cert.p, cert.n), hash_content(key.p, key.n)) | 1;
    arena_wipe(&arena); /* the key may stand inline */
    return source;
}

struct authority *authority_ref(struct authority *ca)
{
    if (ca)
        atomic_fetch_add_explicit(&ca->refs, 1, memory_order_relaxed);
    return ca;
}

void authority_unref(struct authority *ca)
{
    if (!ca || atomic_fetch_sub_explicit(&ca->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(ca->trust_domain);
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    blob_unref(ca->bundle);
    blob_unref(ca->between);
    free(ca);
}

struct blob *authority_bundle(const struct authority *ca)
{
    return ca->bundle;
}

uint64_t authority_version(const struct authority *ca)
{
    return ca->bundle->hash;
}

int64_t authority_expires_ns(const struct authority *ca)
{
    return ca->expires_ns;
}

/* ---- issuing ---- */

static bool is_own_identity(const struct authority *ca, struct str uri)
{
    struct str domain = str_from_c(ca->trust_domain);

    return (str_has_prefix(uri, domain) && uri.n > domain.n) || str_has_prefix(uri, STR("kuma://"));
}

static enum err_kind collect_names(const struct authority *ca, const struct str *uris, size_t n,
                                   GENERAL_NAMES *names, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_own_identity(ca, uris[i]))
            return err_set(e, ERR_DENIED,
                           "a CA of trust domain %s does not sign the identity \"" STR_FMT "\"",
                           ca->trust_domain, STR_ARG(uris[i]));
        if (!names_add_text(names, GEN_URI, uris[i]))
            return err_set(e, ERR_INVALID, "\"" STR_FMT "\" is no URI", STR_ARG(uris[i]));
    }
    return n ? ERR_NONE : err_set(e, ERR_INVALID, "a workload without a service has no identity");
}

static enum err_kind check_times(const struct authority *ca, int64_t now_ns, int64_t latest_ns,
                                 int64_t life_ns, struct err *e)
{
    if (life_ns <= 0 || life_ns > INT64_MAX - latest_ns)
        return err_set(e, ERR_INVALID, "a certificate cannot be valid for %lld s",
                       (long long)(life_ns / NS_PER_S));
    /* A leaf may outlive its CA on paper: cut to the CA's end, leaves would be renewed ever faster as that
     * comes near. */
    if (ca->expires_ns <= now_ns)
        return err_set(e, ERR_UNAVAILABLE, "the CA of trust domain %s has expired at " STR_FMT,
                       ca->trust_domain, STR_ARG(time_format(e->arena, ca->expires_ns)));
    return ERR_NONE;
}

/* X509-SVID and RFC 8813: an EC key signs and agrees; it cannot encipher keys, which the reference's RSA keys
 * may. */
#define LEAF_KEY_USAGE (KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT)

enum err_kind authority_issue_for_two_clocks(const struct authority *ca, const struct str *uris,
                                             size_t n_uris, int64_t life_ns, int64_t other_ns,
                                             struct leaf **out, struct err *e)
{
    NAMES_AUTO names = sk_GENERAL_NAME_new_null();
    PKEY_AUTO key = NULL;
    CERT_AUTO cert = NULL;
    int64_t now = clock_wall_ns();
    int64_t earliest = other_ns < 0 ? now + other_ns : now, latest = other_ns > 0 ? now + other_ns : now;
    struct cert_plan plan;

    *out = NULL;
    if (check_times(ca, now, latest, life_ns, e) || collect_names(ca, uris, n_uris, names, e) ||
        pkey_new_ec(&key, e))
        return e->kind;
    plan = (struct cert_plan){.key = key,
                              .issuer = ca->cert,
                              .issuer_key = ca->key,
                              .not_before_ns = earliest - CERT_SKEW_NS,
                              .not_after_ns = latest + life_ns,
                              .key_usage = LEAF_KEY_USAGE,
                              .server_auth = true,
                              .client_auth = true,
                              .names = names};
    if (cert_build(&plan, &cert, e))
        return e->kind;
    *out = leaf_new(cert, blob_str(ca->between), key, now);
    COUNT(ca_leaves_issued);
    return ERR_NONE;
}

enum err_kind authority_issue(const struct authority *ca, const struct str *uris, size_t n_uris,
                              int64_t life_ns, struct leaf **out, struct err *e)
{
    return authority_issue_for_two_clocks(ca, uris, n_uris, life_ns, 0, out, e);
}
