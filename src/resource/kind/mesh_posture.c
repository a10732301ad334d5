/* mesh_posture.c -- MeshPosture: where a mesh is on its way between two ways of speaking TLS; written and
 * read by the control plane alone. It holds a CA's key. */
#include "kind.h"

static const char *const serve_words[] = {"PLAIN", "BOTH", "TLS"};
static const struct enum_names serve_names = {"serve", serve_words, ARRAY_LEN(serve_words)};

static const char *const dial_words[] = {"PLAIN", "READY", "TLS"};
static const struct enum_names dial_names = {"dial", dial_words, ARRAY_LEN(dial_words)};

static const struct field issuer_fields[] = {
    F_STR("backend", struct posture_issuer, backend),
    F_STR("cert", struct posture_issuer, cert),
    F_STR("key", struct posture_issuer, key),
    F_STR("roots", struct posture_issuer, roots),
    F_DURATION("leafLife", struct posture_issuer, leaf_life),
    F_END,
};

static const struct field root_fields[] = {
    F_STR("backend", struct posture_root, backend),
    F_STR("roots", struct posture_root, roots),
    F_END,
};

#define F_POSTURE                                                                                            \
    F_ENUM("serve", struct mesh_posture_spec, serve, serve_names),                                           \
        F_ENUM("dial", struct mesh_posture_spec, dial, dial_names),                                          \
        F_SUB("issuer", struct mesh_posture_spec, issuer, issuer_fields),                                    \
        F_LIST("trusted", struct mesh_posture_spec, trusted, n_trusted, root_fields)

static const struct field before_fields[] = {
    F_POSTURE,
    F_END,
};

const struct field mesh_posture_fields[] = {
    F_POSTURE,
    F_TIME("since", struct mesh_posture_spec, since),
    F_SUB("before", struct mesh_posture_spec, before, before_fields),
    F_END,
};

void mesh_posture_check(const void *spec, struct err *e)
{
    /* Nobody but the control plane writes it. */
    (void)spec;
    (void)e;
}
