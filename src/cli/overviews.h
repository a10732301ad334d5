/* overviews.h -- proxies and zones together with what the control plane knows of their connections: where
 * they are asked for, and what is read from one. */
#ifndef URSA_CLI_OVERVIEWS_H
#define URSA_CLI_OVERVIEWS_H

#include <jansson.h>

#include "ursa/resource.h"

/* What stands at /<path> instead of the type's own path: "dataplanes+insights"; STR_NONE when the type has
 * no overviews. */
struct str overview_path(enum res_type);
/* "/meshes/{mesh}/dataplanes+insights/{name}": mesh and name unless they are empty. */
struct str overview_url(struct arena *, enum res_type, struct str mesh, struct str name);

/* The resource's own fields: an overview has them one level down, a resource has them itself. */
const json_t *overview_spec(const json_t *item);

/* Cells; the item is an overview or an insight. "-" for what is not known. */
struct str overview_status(struct arena *, const json_t *item);    /* Online, Offline, Partially degraded */
struct str overview_notes(struct arena *, const json_t *item);     /* which inbounds are not ready */
struct str overview_connected(struct arena *, const json_t *item); /* how long ago */
struct str overview_updated(struct arena *, const json_t *item);
struct str overview_updates(struct arena *, const json_t *item); /* how many */
struct str overview_errors(struct arena *, const json_t *item);
struct str overview_dp_version(struct arena *, const json_t *item);
struct str overview_envoy_version(struct arena *, const json_t *item);
struct str overview_dependencies(struct arena *, const json_t *item);
struct str overview_cp_version(struct arena *, const json_t *item);
struct str overview_store(struct arena *, const json_t *item); /* of a zone's control plane */
const json_t *overview_mtls(const json_t *item);

#endif
