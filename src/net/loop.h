/* loop.h -- one thread's epoll loop: descriptors, timers, mail and deferred work. Knows no protocol.
 *
 * Mail and work are done in slices of a few milliseconds, so that no crowd keeps a descriptor or a timer
 * waiting. Work is done in lanes that take turns, job by job: the next one is of the lane that has had the
 * least time (turns.h), however many wait in the others.
 *
 * Everything but the mailbox belongs to the loop's thread. There are no globals: several loops may run side
 * by side. */
#ifndef URSA_NET_LOOP_H
#define URSA_NET_LOOP_H

#include "ursa/base/list.h"
#include "ursa/base/mailbox.h"
#include "ursa/base/timers.h"
#include "ursa/base/turns.h"

/* A descriptor in the loop, embedded in its owner. */
struct watch {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT as asked for; 0: not in the epoll set, not even for errors */
    void (*ready)(struct watch *, uint32_t events);
};

/* Work that waits its turn, embedded in its owner: linked to itself when there is none. */
struct job {
    struct list node;
    void (*run)(struct job *);
};

#define LOOP_LANES 256
struct lane {
    struct turn turn; /* in 'busy' */
    struct list jobs;
};

struct loop {
    int epoll_fd;
    int64_t now; /* monotonic ns, taken once a pass */
    struct timers timers;
    struct lane lanes[LOOP_LANES];
    struct turns busy; /* the lanes with jobs, and some that have lost theirs */
    struct list
        burials; /* jobs for the end of the pass: the batch from epoll_wait may still name what they free */
    struct mailbox mailbox;
    struct mail *letters; /* taken from the box and not run yet; the first is the next */
    struct watch mail;
};

void loop_init(struct loop *);
void loop_fini(struct loop *); /* no mail, no timer and no work may be left */
/* Watches for 'events' from now on; 0 takes the descriptor out. Before close(fd). */
void loop_watch(struct loop *, struct watch *, uint32_t events);
void job_init(struct job *, void (*run)(struct job *));
/* Runs in this pass or a later one; asking twice is asking once. Who shares 'lane' (any number) shares a
 * turn.
 */
void loop_work(struct loop *, struct job *, uint64_t lane);
bool job_waits(const struct job *); /* it is to run */
/* Takes back what loop_work promised. */
void loop_work_cancel(struct job *);
/* Runs at the end of this pass. */
void loop_bury(struct loop *, struct job *);
/* Runs all the mail that there is; how many were run. For who ends a loop. */
size_t loop_run_mail(struct loop *);
/* One pass: waits until 'until' (monotonic ns, INT64_MAX: no limit) or earlier events, and handles them. */
void loop_pass(struct loop *, int64_t until);

#endif
