/* history.h -- parts of history.c, for tests. */
#ifndef URSA_CLI_HISTORY_H
#define URSA_CLI_HISTORY_H

#include <jansson.h>

#include "ursa/base/arena.h"

struct str table_of_history(struct arena *, const json_t *items, bool wide);

#endif
