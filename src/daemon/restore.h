/* restore.h -- 'ursa-cp restore': puts a backup in place of the store. */
#ifndef URSA_DAEMON_RESTORE_H
#define URSA_DAEMON_RESTORE_H

#include "config.h"

/* Says on standard output what it did, or on standard error why it did nothing; returns the exit status. */
int restore_run(struct config *, const char *from);

#endif
