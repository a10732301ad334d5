/* backend.h -- the two types of mTLS backends; backend.c tells them apart, builtin.c and provided.c are one
 * each. */
#ifndef URSA_CA_BACKEND_H
#define URSA_CA_BACKEND_H

#include "conf.h"

/* The name of one of its secrets, "<mesh>.ca-<type>-<what>-<backend>". */
struct res_key backend_secret(struct arena *, struct str mesh, const char *type, const char *what,
                              struct str backend);
/* Is that one good? Causes where kuma-cp has them, below conf. */
void backend_check_name(const struct res_key *secret, struct str backend, const struct path *conf,
                        struct err *e);

void builtin_check(struct str mesh, const struct ca_backend *, const struct path *conf, struct err *e);
bool builtin_uses_secret(struct str mesh, const struct ca_backend *, struct str secret);
/* Both texts as PEM, borrowed from the snapshot. ERR_NOT_FOUND when a secret is missing. */
MUST_USE enum err_kind builtin_load(const struct snap *, struct str mesh, const struct ca_backend *,
                                    struct str *cert, struct str *key, struct err *e);

/* 'known': it has been checked when it came, and is the same. */
void provided_check(const struct snap *, struct str mesh, const struct ca_backend *, bool known,
                    const struct path *conf, struct err *e);
bool provided_uses_secret(struct str mesh, const struct ca_backend *, struct str secret);
bool provided_has_files(const struct ca_backend *);
/* Borrowed from the snapshot or in the arena of 'e': what stands in the Mesh itself is no secret any more. */
MUST_USE enum err_kind provided_load(const struct snap *, struct str mesh, const struct ca_backend *,
                                     struct str *cert, struct str *key, struct err *e);

/* Dispatches on the backend's type. */
MUST_USE enum err_kind backend_load(const struct snap *, struct str mesh, const struct ca_backend *,
                                    struct str *cert, struct str *key, struct err *e);

#endif
