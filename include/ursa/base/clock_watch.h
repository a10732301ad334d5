/* ursa/base/clock_watch.h -- notices that somebody set the wall clock: an administrator, a time daemon that
 * steps, a virtual machine that is resumed.
 *
 * Belongs to one thread, which waits for the descriptor beside its others. */
#ifndef URSA_BASE_CLOCK_WATCH_H
#define URSA_BASE_CLOCK_WATCH_H

#include "ursa/base/clock.h"

/* Less is no jump: time daemons correct that much at once. */
#define CLOCK_JUMP_NS NS_PER_S

struct clock_watch {
    int fd;        /* readable when the clock was set; -1: the kernel does not tell */
    int64_t ahead; /* of the monotonic clock, when last looked at */
};

void clock_watch_init(struct clock_watch *);
void clock_watch_fini(struct clock_watch *);
/* How far the wall clock was set forward (negative: back) since the last call that said so, or the
 * beginning; 0: by less than CLOCK_JUMP_NS. */
int64_t clock_watch_jump(struct clock_watch *);

#endif
