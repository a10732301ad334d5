/* doctor.h -- what the doctor asks of this machine: certificates, files, the disk. */
#ifndef URSA_DAEMON_DOCTOR_H
#define URSA_DAEMON_DOCTOR_H

#include "config.h"
#include "ursa/doctor.h"

/* A doctor_look; ctx is the struct config, with its files named (files_prepare). */
void daemon_look(void *ctx, struct arena *, struct doctor_facts *out);

#endif
