/* rules.h -- what a write must satisfy beyond its own document: private to src/admit/.
 *
 * Pure functions of the newest state. The texts are the reference's (resources.md 1.2, 2.1, 2.2, 4.2;
 * rest-api.md 4). */
#ifndef ADMIT_RULES_H
#define ADMIT_RULES_H

#include "ursa/store.h"

/* Types that the control plane writes by itself. */
MUST_USE enum err_kind rule_writable(enum res_type, enum res_origin, struct err *e);
/* The fault of naming a Mesh that is not there. */
enum err_kind rule_no_mesh(struct str mesh, struct err *e);
/* The Mesh must be empty of Dataplanes. */
MUST_USE enum err_kind rule_mesh_delete(const struct snap *, struct str mesh, struct err *e);
/* 'before': the Mesh as it is stored, NULL when it is new. */
MUST_USE enum err_kind rule_ca_backends(const struct snap *, const struct mesh_spec *before,
                                        const struct resource *mesh, struct err *e);
/* No mTLS backend of its mesh may use the Secret. */
MUST_USE enum err_kind rule_secret_delete(const struct snap *, const struct res_key *secret, struct err *e);

/* A RateLimit of an ExternalService sees nothing of a call but its service: its destination may have no other
 * tag. */
MUST_USE enum err_kind rule_rate_limit(const struct snap *, const struct resource *rate_limit, struct err *e);
MUST_USE enum err_kind rule_external_service(const struct snap *, const struct resource *service,
                                             struct err *e);

#endif
