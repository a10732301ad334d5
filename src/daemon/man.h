/* man.h -- ursa-cp man: the manual page ursa-cp(8), its settings from settings.def. */
#ifndef URSA_DAEMON_MAN_H
#define URSA_DAEMON_MAN_H

#include "ursa/base/buf.h"

/* 'usage' is what ursa-cp prints when it is asked for help. */
void man_write(struct buf *out, struct str usage);

#endif
