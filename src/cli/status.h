/* status.h -- has a revision taken effect? */
#ifndef URSA_CLI_STATUS_H
#define URSA_CLI_STATUS_H

#include <jansson.h>

#include "ursa/base/arena.h"

struct cli;
/* Asks for what GET /status answers and prints it. revision < 0: the newest; wait_ns < 0: the state now.
 * Returns 0 when every proxy has it, 1 otherwise. */
int status_show(struct cli *, int64_t revision, int64_t wait_ns);
/* The answer in words. */
struct str status_text(struct arena *, const json_t *answer);

#endif
