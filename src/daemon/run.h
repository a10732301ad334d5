/* run.h -- one life of the daemon: start every room in order, wait for signals, stop in reverse. */
#ifndef URSA_DAEMON_RUN_H
#define URSA_DAEMON_RUN_H

#include "config.h"

/* Returns the exit status: 0 after an orderly stop, 1 when something could not be started. 'file' is read
 * again at SIGHUP (may be NULL). */
int daemon_run(struct config *, const char *file);

#endif
