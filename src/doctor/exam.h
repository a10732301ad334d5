/* exam.h -- one examination: what the checks read, and where they put what they find; private to doctor/. */
#ifndef URSA_DOCTOR_EXAM_H
#define URSA_DOCTOR_EXAM_H

#include "ursa/base/vec.h"
#include "ursa/doctor.h"

/* A CA that a mesh has. */
struct known_ca {
    uint64_t version; /* content hash of its certificate */
    struct str mesh, backend;
};

struct exam {
    const struct doctor_world *world;
    const struct doctor_reader *reader;
    struct arena *arena; /* of texts that are found */
    struct VEC(struct finding) found;
    size_t n_of[FINDING_KINDS]; /* of each kind in the mesh that is looked at */
    size_t n_omitted;
    size_t n_states;                         /* of the past that were looked at */
    struct VEC(struct known_ca) authorities; /* of all meshes */
};

/* A mesh that is looked at. */
struct mesh_exam {
    struct exam *exam;
    struct arena scratch; /* until the mesh is done */
    struct str name;
    const struct resource *resource;
    const struct mesh_spec *spec;
    struct snap_range dataplanes;
};

/* One more finding, whose texts the caller fills in; NULL when there are enough of its kind. */
struct finding *exam_add(struct exam *, enum finding_id, enum finding_severity, struct str mesh);
struct finding *mesh_add(struct mesh_exam *, enum finding_id, enum finding_severity);
/* "TrafficPermission web", in the arena. */
struct str resource_title(struct arena *, const struct resource *);

/* ---- the checks: each in the file of its subject ---- */
void check_settings(struct exam *);         /* settings.c */
void check_machine(struct exam *);          /* machine.c */
void check_tokens(struct exam *);           /* tokens.c */
void check_mesh_tokens(struct mesh_exam *); /* tokens.c */
void check_authorities(struct mesh_exam *); /* authorities.c */
void check_shared(struct exam *);           /* authorities.c, after the meshes */
void check_permissive(struct mesh_exam *);  /* posture.c */
void check_journey(struct mesh_exam *);     /* posture.c */
void check_permissions(struct mesh_exam *); /* posture.c */
void check_matches(struct mesh_exam *);     /* matches.c */
void check_proxies(struct mesh_exam *);     /* proxies.c */
void check_refusals(struct mesh_exam *);    /* proxies.c */

#endif
