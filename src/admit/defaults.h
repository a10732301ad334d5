/* defaults.h -- what a mesh gets from Ursa: private to src/admit/. */
#ifndef ADMIT_DEFAULTS_H
#define ADMIT_DEFAULTS_H

#include "ursa/admit.h"

/* In the open client transaction: the CA secrets of the mesh's builtin backends where they are missing and,
 * for a new mesh, its signing key and default policies. What the same transaction brought already is left
 * alone. */
MUST_USE enum err_kind defaults_finish_mesh(struct store *, const struct admit_request *,
                                            const struct resource *mesh, bool is_new, struct err *e);

/* In the open client transaction, before the mesh is checked: the secrets of those of its provided CAs that
 * are files, as those are now. Where the mesh is 'restored' they may have come along, and are left alone. */
MUST_USE enum err_kind defaults_take_files(struct store *, const struct admit_request *,
                                           const struct str_list *folders, const struct resource *mesh,
                                           bool restored, struct err *e);
/* Replaces both secrets of a builtin backend: a new root and key. */
MUST_USE enum err_kind defaults_renew_ca(struct store *, const struct admit_request *, struct str mesh,
                                         const struct ca_backend *, struct err *e);

/* Is there a signing key beside or instead of 'first', whose name ends in the serial 1? */
bool defaults_has_signing_key(const struct snap *, const struct res_key *first);

#endif
