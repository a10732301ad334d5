/* mesh_backend.h -- the logging, tracing and metrics sections of a Mesh, and the confs of their backends.
 *
 * A conf is a free object in the Mesh; what it must look like depends on the backend's type. */
#ifndef URSA_RESOURCE_MESH_BACKEND_H
#define URSA_RESOURCE_MESH_BACKEND_H

#include "../field.h"
#include "rules.h"
#include "ursa/base/map.h"

void mesh_logging_check(const struct mesh_logging *, const struct path *at, struct err *);
void mesh_tracing_check(const struct mesh_tracing *, const struct path *at, struct err *);
void mesh_metrics_check(const struct mesh_metrics *, const struct path *at, struct err *);

/* Adds a backend's name to those seen; the fault is a second backend of that name. */
void backend_name_check(struct map *seen, struct str name, const struct path *at_backend, struct err *);

/* Reads a conf by its table into 'out' (zeroed); what cannot be read is one fault at 'at'. */
bool conf_decode(const struct free_json *conf, const struct field *, void *out, const struct path *at,
                 struct err *);

#endif
