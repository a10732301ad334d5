/* watch.h -- notices that files have become other ones, however that was done: written anew, replaced by
 * renaming, or reached over symbolic links of which one leads elsewhere now, as ACME clients and Kubernetes
 * do it. The kernel tells (inotify); nothing is polled. */
#ifndef URSA_DAEMON_WATCH_H
#define URSA_DAEMON_WATCH_H

#include "ursa/base/str.h"

struct watch;
struct watch *watch_new(void);
void watch_free(struct watch *); /* NULL is ignored */
/* From now on these; what they are like at this moment is what they are compared with. Before they are read,
 * so that no change is missed. */
void watch_files(struct watch *, const struct str_list *paths);
/* Readable when something happened near the files; -1: the kernel cannot tell. Another one after each
 * watch_files(). */
int watch_fd(const struct watch *);
void watch_drain(struct watch *);
/* Do they differ from what they were like? A file that is not there, in the middle of a change, differs
 * when it comes back. */
bool watch_differs(const struct watch *);

#endif
