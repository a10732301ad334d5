/* ursa/posture.h -- what a mesh's proxies are told about TLS among them, and how it changes so that no
 * request is lost (docs/decisions/0021).
 *
 * The wanted posture follows from the Mesh and the secrets that its backends name. The present one is that,
 * unless the mesh is on its way there: then its MeshPosture says what it is, wholly, whatever happens
 * meanwhile to the Mesh and the secrets. Pure functions, any thread. */
#ifndef URSA_POSTURE_H
#define URSA_POSTURE_H

#include "ursa/ca.h"

/* Roots that may be trusted at a time: who changes CAs faster than proxies follow has to wait. */
#define POSTURE_TRUSTED_MAX 8

/* ---- the steps ---- */
/* The furthest that a mesh may go from 'present' towards 'wanted' now. Without 'acked' proxies may be behind:
 * at the present posture or at any since the last that was acknowledged, its 'before'. 'acked': all have
 * taken over the present one. '*out' has its own 'before', for the next call. Texts are shared with the
 * arguments, lists are in the arena. */
void posture_next(const struct mesh_posture_spec *present, const struct mesh_posture_spec *wanted, bool acked,
                  struct arena *, struct mesh_posture_spec *out);
/* Tell proxies the same: 'since', 'before' and the order of the roots do not count. */
bool posture_eq(const struct mesh_posture_spec *, const struct mesh_posture_spec *);
/* For people: "serve both, dial tls, issue from ca-1, trust ca-1 and ca-2"; in the arena. */
const char *posture_serve_word(const struct mesh_posture_spec *); /* "plain", "both", "tls" */
const char *posture_dial_word(const struct mesh_posture_spec *);  /* "plain", "ready", "tls" */
struct str posture_text(const struct mesh_posture_spec *, struct arena *);

/* ---- of a mesh ---- */
/* The mesh's record while it is on its way, NULL else; borrowed from the snapshot. */
struct res_key posture_key(struct str mesh);
const struct resource *posture_record(const struct snap *, struct str mesh);
/* All texts in the arena, which holds a key. At fault when a backend cannot be used: its secret is missing,
 * it is no CA, or the one to issue from has expired. */
MUST_USE enum err_kind posture_wanted(const struct snap *, const struct resource *mesh, struct arena *,
                                      struct mesh_posture_spec *out, struct err *e);
/* The record's, or else what is wanted. */
MUST_USE enum err_kind posture_present(const struct snap *, const struct resource *mesh, struct arena *,
                                       struct mesh_posture_spec *out, struct err *e);

/* What of the present posture can be told without reading a CA. */
struct stance {
    enum tls_serve serve;
    enum tls_dial dial;
    struct str issuer; /* the backend's name; p == NULL: certificates are not issued */
};
struct stance stance_of(const struct snap *, struct str mesh, const struct mesh_spec *);
/* Everybody trusts what this backend issues. */
bool stance_trusts(const struct snap *, struct str mesh, const struct mesh_spec *, struct str backend);

#endif
