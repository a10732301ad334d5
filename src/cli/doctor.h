/* doctor.h -- a part of ursactl doctor, for tests. */
#ifndef URSA_CLI_DOCTOR_H
#define URSA_CLI_DOCTOR_H

#include <jansson.h>

#include "ursa/base/arena.h"

/* A finding like those when the token ends within a week; NULL when it does not, or is none. */
json_t *doctor_token_finding(struct arena *, struct str token, int64_t now_ns);

#endif
