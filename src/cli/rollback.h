/* rollback.h -- parts of rollback.c, for tests. */
#ifndef URSA_CLI_ROLLBACK_H
#define URSA_CLI_ROLLBACK_H

#include <jansson.h>

#include "ursa/base/arena.h"

/* The answer to POST /rollback in words. */
struct str text_of_rollback(struct arena *, const json_t *answer);

#endif
