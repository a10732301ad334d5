/* ursa/ca.h -- certificate authorities and certificates (X.509 with OpenSSL). Facts: xds.md section 4.4;
 * SPIFFE X509-SVID.
 *
 * Functions are pure but for the clock and the random source; any thread. An authority is immutable and
 * reference-counted. Private keys live in secret blobs and are wiped. */
#ifndef URSA_CA_H
#define URSA_CA_H

#include "ursa/resource.h"
#include "ursa/store.h"

/* ---- builtin CA of a mesh ---- */
/* Checks a backend's type, conf and lifetimes (create/update rules of resources.md 2.1: plugin, conf, name of
 * the secrets), and what a provided CA consists of; causes at mtls.backends[i]... Without a snapshot the
 * secrets that it names are taken to be fine. 'before' is the backend of that name as it is stored, or NULL:
 * a CA that has been let in is not held against the clock again, so that its Mesh can be changed after its
 * end.
 */
MUST_USE enum err_kind ca_check_backend(const struct snap *, struct str mesh, const struct ca_backend *,
                                        const struct ca_backend *before, size_t index, struct err *e);
/* Is the secret of this name (of the same mesh) in use by the backend? It must then not be deleted. */
bool ca_backend_uses_secret(struct str mesh, const struct ca_backend *, struct str secret);
/* How long its workload certificates live: dpCert.rotation.expiration, at least 10 s (and at most 10 years,
 * or it is refused); 24 h when that is absent, zero or unreadable. */
int64_t ca_leaf_life_ns(const struct ca_backend *);
/* Makes root certificate and key (PEM): EC P-256, or RSA of conf.caCert.RSAbits (2048 to 4096; 4096 takes
 * about 2 s); validity -10 s .. conf.caCert.expiration (10 y). The caller wipes the key's text once it is
 * stored. */
MUST_USE enum err_kind ca_builtin_new(struct str mesh, const struct ca_backend *, struct arena *,
                                      struct str *cert_pem, struct str *key_pem, struct err *e);
/* Does ca_builtin_new() take so long that others should not wait for it? */
bool ca_builtin_is_slow(const struct ca_backend *);
/* "<mesh>.ca-builtin-cert-<backend>" and "...-key-...". */
struct res_key ca_builtin_cert_secret(struct arena *, struct str mesh, struct str backend);
struct res_key ca_builtin_key_secret(struct arena *, struct str mesh, struct str backend);
/* The builtin backend whose certificate that secret of the mesh holds; NULL: none of its backends. */
const struct ca_backend *ca_builtin_of_secret(struct str mesh, const struct mesh_spec *, struct str secret);

/* ---- roots, for people ---- */
struct root_facts {
    struct str fingerprint; /* SHA-256 of the certificate, in hexadecimal digits */
    struct str common_name; /* of the subject; "" when it has none */
    int64_t begins_ns, expires_ns;
};
/* Of each certificate of a PEM text; in the arena. ERR_INVALID as for authority_load(). */
MUST_USE enum err_kind ca_describe_roots(struct str pem, struct arena *, struct root_facts **out, size_t *n,
                                         struct err *e);
/* When a root is to be followed by another: after four fifths of its life, so that all who trust it have the
 * last one to take over the next. */
int64_t ca_root_renewal_ns(const struct root_facts *);

/* ---- files of a provided CA ---- */
/* What a conf's files hold becomes secrets of the mesh when the Mesh is written, and is loaded from those:
 * the thread that compiles reads no disk, and a backup has all that it needs. */
struct ca_files {
    struct str cert, key; /* STR_NONE: it comes from elsewhere. The caller wipes the key's text. */
};
bool ca_backend_has_files(const struct ca_backend *);
/* Regular files of at most 64 KiB below one of the folders, also after all links are followed; causes at
 * mtls.backends[i].conf.cert.file and .key.file. Blocks on the disk. */
MUST_USE enum err_kind ca_files_read(const struct str_list *folders, const struct ca_backend *, size_t index,
                                     struct arena *, struct ca_files *, struct err *e);
/* "<mesh>.ca-provided-cert-<backend>" and "...-key-...". */
struct res_key ca_provided_cert_secret(struct arena *, struct str mesh, struct str backend);
struct res_key ca_provided_key_secret(struct arena *, struct str mesh, struct str backend);

/* ---- an authority that can sign ---- */
struct authority;
/* The backend's certificate and key: from the mesh's secrets in the snapshot (builtin, files), or as conf
 * says (provided: secret, inline, inlineString). ERR_NOT_FOUND when a secret is missing, ERR_INVALID when the
 * two are no CA; the text names mesh and backend. */
MUST_USE enum err_kind authority_load(const struct snap *, struct str mesh, const struct ca_backend *,
                                      struct authority **out, struct err *e);
/* Likewise of texts. */
MUST_USE enum err_kind authority_read(struct str mesh, struct str cert_pem, struct str key_pem,
                                      struct authority **out, struct err *e);
/* Content hash of what authority_load() reads, 0 when that is not there: to see whether loading again may
 * give another one. */
uint64_t authority_source(const struct snap *, struct str mesh, const struct ca_backend *);
struct authority *authority_ref(struct authority *);
void authority_unref(struct authority *);
struct blob *authority_bundle(const struct authority *); /* PEM root certificates; borrowed */
uint64_t authority_version(const struct authority *);    /* content hash of the bundle */

int64_t authority_expires_ns(const struct authority *);

/* A workload certificate: ECDSA P-256, URI SANs (critical extension, empty subject), -10 s .. lifetime. */
struct leaf {
    atomic_uint refs;
    struct blob *cert_pem;
    struct blob *key_pem;                     /* secret */
    int64_t issued_ns, begins_ns, expires_ns; /* wall clock */
    uint64_t version;                         /* content hash of the certificate */
};
/* URIs of identity_uris() only: ERR_DENIED for a spiffe:// name outside of the authority's mesh,
 * ERR_UNAVAILABLE when the CA has expired. About 0.1 ms. */
MUST_USE enum err_kind authority_issue(const struct authority *, const struct str *uris, size_t n_uris,
                                       int64_t lifetime_ns, struct leaf **out, struct err *e);
/* Likewise, good by two clocks: the present one and one that is ahead of it by 'other_ns' (negative: behind),
 * up to the later of the two ends. For when the clock was set, and who knows which of the two is right. */
MUST_USE enum err_kind authority_issue_for_two_clocks(const struct authority *, const struct str *uris,
                                                      size_t n_uris, int64_t lifetime_ns, int64_t other_ns,
                                                      struct leaf **out, struct err *e);
struct leaf *leaf_ref(struct leaf *);
void leaf_unref(struct leaf *);

/* ---- identities (xds.md 4.1): what certificates carry, and permissions and clients look for ----
 * A name of more than what may stand in a path of a URI (RFC 3986) is percent-encoded, the same wherever it
 * comes up; and so is a '/' in a tag's value, which would make it the value of another tag. */
struct str identity_domain(struct arena *,
                           struct str mesh); /* "spiffe://<mesh>/": what all of a mesh begin with */
struct str identity_service(struct arena *, struct str mesh,
                            struct str service);                           /* spiffe://<mesh>/<service> */
struct str identity_tag(struct arena *, struct str key, struct str value); /* kuma://<tag>/<value> */
/* The URI SANs of a Dataplane: one for each service, then one for each tag and value, sorted. */
void identity_uris(struct arena *, struct str mesh, const struct dataplane_spec *, struct str **uris,
                   size_t *n);

/* ---- the control plane's own certificates ---- */
/* Self-signed server certificate with the names and addresses of this host (hostname, localhost, every local
 * IP), EC P-256, CA:TRUE, 10 years; the caller wipes the key's text. */
MUST_USE enum err_kind server_cert_new(struct arena *, struct str *cert_pem, struct str *key_pem,
                                       struct err *e);
/* GlobalSecret "envoy-admin-ca" (and "inter-cp-ca"): certificate followed by its key in one PEM, which the
 * caller wipes. */
MUST_USE enum err_kind admin_ca_new(struct arena *, struct str common_name, struct str *pem, struct err *e);
/* That CA, read once for many certificates; immutable, reference-counted. */
struct admin_ca;
MUST_USE enum err_kind admin_ca_load(struct str ca_pem, struct admin_ca **out, struct err *e);
struct admin_ca *admin_ca_ref(struct admin_ca *);
void admin_ca_unref(struct admin_ca *);              /* NULL is ignored */
struct blob *admin_ca_cert(const struct admin_ca *); /* PEM; borrowed */
/* Server certificate of a proxy's admin listener for its address, and the control plane's client certificate
 * (DNS "kuma-cp"). Deterministic content is not promised: callers cache. */
MUST_USE enum err_kind admin_server_cert(const struct admin_ca *, struct str address, struct leaf **out,
                                         struct err *e);
MUST_USE enum err_kind admin_client_cert(struct str ca_pem, struct leaf **out, struct err *e);
/* The DNS and IP SANs of a PEM certificate, and whether its basic constraints say CA. */
MUST_USE enum err_kind cert_describe(struct str cert_pem, struct arena *, struct str_list *sans, bool *is_ca,
                                     int64_t *expires_ns, struct err *e);

#endif
