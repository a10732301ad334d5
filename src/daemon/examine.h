/* examine.h -- "ursa-cp doctor": the examination without a control plane, or by the one that runs. */
#ifndef URSA_DAEMON_EXAMINE_H
#define URSA_DAEMON_EXAMINE_H

#include "config.h"

/* Prints the findings, as text or JSON. Where a control plane has the store open, that one is asked, by
 * ursactl, whose exit status it is then. Exit status: 0 no errors, 1 errors, 2 it could not look. */
int examine_run(struct config *, bool as_json);

#endif
