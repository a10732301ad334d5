/* ursa/auth.h -- who is asking and what they may do: tokens (JWT), signing keys, users, access rules.
 *
 * Pure functions over a snapshot; any thread. Formats: rest-api.md sections 8 and 9. New keys are EC P-256
 * and sign ES256; RS256 keys and tokens that exist or are imported stay valid. */
#ifndef URSA_AUTH_H
#define URSA_AUTH_H

#include "ursa/base/claims.h"
#include "ursa/base/pkey.h"
#include "ursa/base/throttle.h"
#include "ursa/store.h"

/* A new signing key as PEM (EC P-256, PKCS#8), in the arena. The caller stores it as a secret and wipes this
 * copy. */
MUST_USE enum err_kind signing_key_new(struct arena *, struct str *pem, struct err *e);
/* The secret that holds serial 'serial' of a kind's keys: "dataplane-token-signing-key-<mesh>-1",
 * "user-token-signing-key-1" ... */
struct res_key signing_key_secret(struct arena *, enum token_kind, struct str mesh, unsigned serial);

/* The secret that lists the tokens of a kind that are revoked. */
struct res_key token_revocations_secret(struct arena *, enum token_kind, struct str mesh);
/* When the newest of a kind's signing keys was stored, and its secret, in the arena; 0: there is none. */
int64_t signing_key_made_ns(const struct snap *, enum token_kind, struct str mesh, struct arena *,
                            struct res_key *out);

/* ---- tokens that are issued elsewhere ---- */
/* A public key that the settings name (tokens.validator.publicKeys). */
struct trusted_key {
    struct str kid;  /* any text; it wins over a signing key of that serial */
    struct str mesh; /* of dataplane tokens: the only mesh that it speaks for; else "" */
    EVP_PKEY *key;   /* owned by whoever made the list */
    uint8_t digest[32];
};
/* What makes tokens of one kind good. */
struct token_trust {
    bool use_secrets; /* the signing keys that are kept as secrets */
    bool issues;      /* new ones are issued here */
    struct trusted_key *keys;
    size_t n_keys;
};
struct token_trusts {
    struct token_trust of[TOKEN_KINDS];
    struct throttle *throttle; /* of who guesses; NULL: everybody may */
};
/* Secrets count, tokens are issued, no other key is trusted: what holds where the settings say nothing. */
extern const struct token_trusts token_trusts_default;
/* Reads the key of 'pem' into 'out'. ERR_INVALID when it cannot check a token's signature. The caller frees
 * out->key. */
MUST_USE enum err_kind trusted_key_read(struct str pem, struct trusted_key *out, struct err *e);

/* What somebody shows, and where from. */
struct credential {
    struct str text; /* p == NULL: nothing */
    uint64_t source; /* throttle_source() */
};

/* Issues with the highest serial; iat, nbf (now - 300 s), exp (now + valid_ns) and jti are filled in.
 * ERR_NOT_FOUND with kuma-cp's "there is no signing key with KID ..." when there is none; ERR_INVALID when
 * the newest secret holds no usable key. */
MUST_USE enum err_kind token_issue(const struct snap *, enum token_kind, const struct token_claims *,
                                   int64_t valid_ns, struct arena *, struct str *jwt, struct err *e);
/* Signature, alg fixed by the key's kind, kid, exp (required), nbf, revocation; claims in the arena. 'mesh'
 * chooses the keys of a dataplane token. ERR_UNAUTHENTICATED; the text begins with "authentication failed: "
 * and never contains the token. At most 16 KiB. Whoever showed too many that nobody signed gets ERR_TOO_OFTEN
 * for the next one, unless its signature was found good before: a crowd behind one address is not locked out
 * by one of it. */
MUST_USE enum err_kind token_verify(const struct token_trusts *, const struct snap *, enum token_kind,
                                    struct str mesh, const struct credential *, struct arena *,
                                    struct token_claims *, struct err *e);
/* Changes whenever a kind's signing keys or revocations do: a token that was found good stays so, but for its
 * times, while this is the same. */
uint64_t token_keys_version(const struct snap *, enum token_kind, struct str mesh);
/* May a proxy with these claims be this Dataplane? Name, mesh, tags: rest-api.md 10.5, rows 4 to 7.
 * ERR_DENIED with those texts, complete
 * ("authentication failed: ..."). */
MUST_USE enum err_kind token_check_dataplane(const struct token_claims *, const struct resource *dataplane,
                                             struct err *e);

struct user {
    struct str name;
    struct str_list groups;
};
extern const struct user user_admin;     /* mesh-system:admin */
extern const struct user user_anonymous; /* mesh-system:anonymous */

/* Where a request came from, for the localhost-admin rule (reliability.md section 2). */
struct request_origin {
    bool peer_is_loopback;                   /* exactly 127.0.0.1 or ::1 */
    struct str host, origin, sec_fetch_site; /* header values; p == NULL when absent */
    bool forwarded;                          /* any of Forwarded, X-Forwarded-*, X-Real-Ip, Via is present */
    struct credential authorization;         /* the header's value */
    bool showed_cert;                        /* a TLS client certificate that was found good */
};
/* Roles of meshes that the settings give to users and groups, beside those that tokens bring. */
struct mesh_grant {
    bool to_group;
    struct str who;   /* the user or the group */
    struct str group; /* "mesh:<mesh>:<role>": what they are given */
};
struct mesh_grants {
    struct mesh_grant *v;
    size_t n;
};
/* "user:<name>=<mesh>:<role>" or "group:<name>=<mesh>:<role>"; false when the text is neither. */
MUST_USE bool mesh_grant_parse(struct str text, struct arena *, struct mesh_grant *);
struct str mesh_grant_format(const struct mesh_grant *, struct arena *);

enum authn_type { AUTHN_TOKENS, AUTHN_CLIENT_CERTS };
struct auth_config {
    enum authn_type type; /* AUTHN_CLIENT_CERTS: a client certificate makes the administrator, and nobody is
                             asked for tokens */
    bool localhost_is_admin;
    const struct token_trusts *tokens;
    struct mesh_grants mesh_roles; /* nothing for the local administrator */
};
/* ERR_UNAUTHENTICATED for a bad bearer token; else the user (admin, token user, or anonymous), in the arena.
 */
MUST_USE enum err_kind auth_user(const struct snap *, const struct auth_config *,
                                 const struct request_origin *, struct arena *, struct user *, struct err *e);

/* ---- roles of a mesh: decision 0007 ----
 * A user's groups may say "mesh:<mesh>:viewer", ":operator" or ":admin", each role including those before it.
 * Who has a group that begins with "mesh:" and is no administrator is confined to the meshes that such groups
 * name: nothing of another mesh, and nothing that belongs to no mesh, is theirs. A group that names no role
 * confines as well, and gives nothing. */
enum mesh_role { MESH_ROLE_NONE, MESH_ROLE_VIEWER, MESH_ROLE_OPERATOR, MESH_ROLE_ADMIN };
/* The mesh and the role of "mesh:<mesh>:<role>"; MESH_ROLE_NONE for any other text. */
enum mesh_role mesh_role_parse(struct str group, struct str *mesh);
/* Whether the group is about a mesh at all: one of these that mesh_role_parse() cannot read is a slip. */
bool mesh_role_is_meant(struct str group);
bool user_is_confined(const struct user *);
/* The highest of the user's roles of that mesh; of who is not confined: MESH_ROLE_NONE. */
enum mesh_role user_mesh_role(const struct user *, struct str mesh);
/* The meshes of a confined user in which they have at least 'least', sorted, each once; they need not
 * exist. */
struct str_list user_meshes(const struct user *, enum mesh_role least, struct arena *);
bool user_is_admin(const struct user *);

/* What a request wants; the router's table names one for every route. */
enum access {
    ACCESS_PUBLIC, /* nothing that anybody must not know */
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_ADMIN_RESOURCE, /* what only administrators do, of the control plane or of the mesh it is about */
    ACCESS_ADMIN,          /* what only administrators of the control plane do */
    ACCESS_ISSUE_DATAPLANE_TOKEN,
    ACCESS_ISSUE_ZONE_INGRESS_TOKEN, /* COMPAT: goes with those of dataplanes */
    ACCESS_ISSUE_USER_TOKEN,
    ACCESS_ISSUE_ZONE_TOKEN,
    ACCESS_VIEW_CONFIG_DUMP, /* of a proxy, like the next two */
    ACCESS_VIEW_STATS,
    ACCESS_VIEW_CLUSTERS
};
/* Whom the settings under access.static allow something. */
struct access_list {
    struct str_list users, groups;
};
struct access_config {
    struct access_list admin_resources; /* secrets, and what only administrators do */
    struct access_list generate_dp_token, generate_user_token, generate_zone_token;
    struct access_list view_config_dump, view_stats, view_clusters;
    bool anonymous_reads; /* kuma-cp's behaviour, and Ursa's default: whoever reaches the API may read all but
                             secrets. Roles confine reading only without it */
    bool anonymous_writes; /* kuma-cp's behaviour: whoever reaches the API may write. Ursa's default: writes
                              need a valid user token (or to be the local administrator) */
};
/* What a request is about. REACH_MESHES: meshes that its body names, or all that the user may see; the
 * handler must check each (access_check) or filter (access_sees). */
enum access_reach { REACH_GLOBAL, REACH_MESH, REACH_MESHES };
struct access_scope {
    enum access_reach reach;
    enum res_type type; /* RES_N: of no type */
    struct str mesh;    /* REACH_MESH */
};
/* The scope of one resource. A Mesh belongs to itself while it is read, or changed and there already
 * ('updates'); to make or remove one is the control plane's. */
struct access_scope access_scope_of(enum access, const struct res_key *, bool updates);
/* A read of an admin-only type (RES_ADMIN) needs an admin like any of its writes. ERR_DENIED with the
 * reference's text: user "<name>/<g1,g2>" cannot access the resource of type "Secret"; action not allowed. */
MUST_USE enum err_kind access_check(const struct access_config *, const struct user *, enum access,
                                    const struct access_scope *, struct err *e);
/* For filters over many meshes (lists, history, events): may this user read this resource? */
bool access_sees(const struct access_config *, const struct user *, const struct res_key *);
/* The same for what is said about a mesh as a whole. Who is not confined sees them all. */
bool access_sees_mesh(const struct user *, struct str mesh);
/* The least role in a mesh that allows this of its resources of that type; MESH_ROLE_NONE: none does. */
enum mesh_role access_role_needed(enum access, enum res_type);

#endif
