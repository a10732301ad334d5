/* policies.h -- the bodies of a new mesh's default policies: private to src/admit/. */
#ifndef ADMIT_POLICIES_H
#define ADMIT_POLICIES_H

#include "ursa/resource.h"

struct default_policy {
    enum res_type type;
    const char *prefix; /* of its name: prefix-<mesh> */
    const void *spec;
};
extern const struct default_policy default_policies[];
extern const size_t n_default_policies;

#endif
