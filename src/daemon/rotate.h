/* rotate.h -- 'ursa-cp seal rotate': a new key for what the store seals. */
#ifndef URSA_DAEMON_ROTATE_H
#define URSA_DAEMON_ROTATE_H

#include "config.h"

/* Returns the exit status. */
int rotate_run(struct config *);

#endif
