/* The authorities of meshes, as loaded from their snapshots; private to compile/. Belongs to one thread. */
#ifndef URSA_COMPILE_AUTHORITIES_H
#define URSA_COMPILE_AUTHORITIES_H

#include "ursa/base/map.h"
#include "ursa/ca.h"
#include "ursa/mesh.h"

struct authorities {
    struct map by_mesh;
};
void authorities_init(struct authorities *);
void authorities_fini(struct authorities *);
/* Borrowed; NULL when it cannot be used, which is logged once. Loaded when what it is made of has changed. */
struct authority *authorities_get(struct authorities *, const struct view *, const struct ca_backend *);
void authorities_forget(struct authorities *, struct str mesh);

#endif
