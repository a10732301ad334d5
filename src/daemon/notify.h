/* notify.h -- systemd's readiness protocol (sd_notify(3)): one datagram to $NOTIFY_SOCKET, nothing without
 * it. */
#ifndef URSA_DAEMON_NOTIFY_H
#define URSA_DAEMON_NOTIFY_H

void notify_service_manager(const char *state); /* "READY=1", "RELOADING=1", "STOPPING=1" */

#endif
