/* What meshes issue from and whom they trust, as loaded from their snapshots; private to compile/. Belongs to
 * one thread. */
#ifndef URSA_COMPILE_AUTHORITIES_H
#define URSA_COMPILE_AUTHORITIES_H

#include "ursa/base/map.h"
#include "ursa/ca.h"
#include "ursa/mesh.h"

/* The part of a mesh's present posture for which its CAs have to be read. */
struct mesh_authority {
    struct authority *authority; /* NULL: nothing is issued, or the CA cannot be used */
    uint64_t backend_hash;       /* of the name of its backend */
    int64_t leaf_life_ns;
    struct blob *trusted; /* PEM; NULL: nobody */
};

struct authorities {
    struct map by_mesh;
};
void authorities_init(struct authorities *);
void authorities_fini(struct authorities *);
/* Borrowed until it is asked for the mesh again. A CA that cannot be used is logged once. Loaded when what it
 * is made of has changed. */
const struct mesh_authority *authorities_get(struct authorities *, const struct view *);
void authorities_forget(struct authorities *, struct str mesh);

#endif
