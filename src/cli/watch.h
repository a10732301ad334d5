/* watch.h -- parts of watch.c, for tests. */
#ifndef URSA_CLI_WATCH_H
#define URSA_CLI_WATCH_H

#include <jansson.h>

#include "ursa/base/arena.h"

/* An event as a line for people: when, at which revision, what kind, of what, and the rest. */
struct str watch_line(struct arena *, struct str name, const json_t *data);

#endif
