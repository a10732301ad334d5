/* rotate.h -- what ursactl rotate ca prints; for tests. */
#ifndef URSA_CLI_ROTATE_H
#define URSA_CLI_ROTATE_H

#include <jansson.h>

#include "ursa/base/arena.h"

/* A posture of GET /meshes/{mesh}/ca in one line, without its end. */
struct str posture_line(struct arena *, const json_t *posture);
/* Who keeps the mesh from going on. */
struct str laggards_table(struct arena *, const json_t *answer);

#endif
