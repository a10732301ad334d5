/* ursa/ca.h -- certificate authorities and certificates (X.509 with OpenSSL). Facts: xds.md section 4.4; SPIFFE X509-SVID.
 *
 * Functions are pure but for the clock and the random source; any thread. An authority is immutable and reference-counted. Private
 * keys live in secret blobs and are wiped. */
#ifndef URSA_CA_H
#define URSA_CA_H

#include "ursa/resource.h"
#include "ursa/store.h"

/* ---- builtin CA of a mesh ---- */
/* Checks a backend's type and conf (create/update rules of resources.md 2.1: plugin, conf, name of the secrets); causes at mtls.backends[i]... */
MUST_USE enum err_kind ca_check_backend(const struct snap *, struct str mesh, const struct ca_backend *, size_t index, struct err *e);
/* Makes root certificate and key (PEM): EC P-256, or RSA of conf.caCert.RSAbits; validity -10 s .. conf.caCert.expiration (10 y). */
MUST_USE enum err_kind ca_builtin_new(struct str mesh, const struct ca_backend *, struct arena *, struct str *cert_pem, struct str *key_pem,
                                      struct err *e);
/* "<mesh>.ca-builtin-cert-<backend>" and "...-key-...". */
struct res_key ca_builtin_cert_secret(struct arena *, struct str mesh, struct str backend);
struct res_key ca_builtin_key_secret(struct arena *, struct str mesh, struct str backend);

/* ---- an authority that can sign ---- */
struct authority;
/* The backend's certificate and key, from the mesh's secrets in the snapshot (builtin; provided: part D reads conf). */
MUST_USE enum err_kind authority_load(const struct snap *, struct str mesh, const struct ca_backend *, struct authority **out, struct err *e);
struct authority *authority_ref(struct authority *);
void authority_unref(struct authority *);
struct blob *authority_bundle(const struct authority *); /* PEM root certificates; borrowed */
uint64_t authority_version(const struct authority *);    /* content hash of the bundle */

/* A workload certificate: ECDSA P-256, URI SANs (critical extension, empty subject), -10 s .. lifetime. */
struct leaf {
    atomic_uint refs;
    struct blob *cert_pem;
    struct blob *key_pem; /* secret */
    int64_t issued_ns, expires_ns; /* wall clock */
    uint64_t version; /* content hash of the certificate */
};
MUST_USE enum err_kind authority_issue(const struct authority *, const struct str *uris, size_t n_uris, int64_t lifetime_ns, struct leaf **out,
                                       struct err *e);
struct leaf *leaf_ref(struct leaf *);
void leaf_unref(struct leaf *);

/* The URI SANs of a Dataplane (xds.md 4.1): spiffe://<mesh>/<service> per service, then kuma://<tag>/<value>, sorted. */
void identity_uris(struct arena *, struct str mesh, const struct dataplane_spec *, struct str **uris, size_t *n);

/* ---- the control plane's own certificates ---- */
/* Self-signed server certificate with the names and addresses of this host (hostname, localhost, every local IP), EC P-256, CA:TRUE, 10 years, as kuma-cp makes it. */
MUST_USE enum err_kind server_cert_new(struct arena *, struct str *cert_pem, struct str *key_pem, struct err *e);
/* GlobalSecret "envoy-admin-ca" (and "inter-cp-ca"): certificate followed by its key in one PEM. */
MUST_USE enum err_kind admin_ca_new(struct arena *, struct str common_name, struct str *pem, struct err *e);
/* Server certificate of a proxy's admin listener for its address, and the control plane's client certificate (DNS "kuma-cp"). Deterministic content is not
 * promised: callers cache. */
MUST_USE enum err_kind admin_server_cert(struct str ca_pem, struct str address, struct leaf **out, struct blob **ca_cert_pem, struct err *e);
MUST_USE enum err_kind admin_client_cert(struct str ca_pem, struct leaf **out, struct err *e);
/* The DNS and IP SANs of a PEM certificate, and whether its basic constraints say CA. */
MUST_USE enum err_kind cert_describe(struct str cert_pem, struct arena *, struct str_list *sans, bool *is_ca, int64_t *expires_ns, struct err *e);

#endif
