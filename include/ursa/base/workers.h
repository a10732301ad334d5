/* ursa/base/workers.h -- threads for work that would hold up whoever asks for it: keys and certificates, name
 * servers, other people's sockets.
 *
 * A piece of work comes back by mail, exactly once, to the box that its owner named. Groups take turns,
 * however much work each brings; what is wanted later runs while nothing is wanted now. */
#ifndef URSA_BASE_WORKERS_H
#define URSA_BASE_WORKERS_H

#include "ursa/base/list.h"
#include "ursa/base/mailbox.h"
#include "ursa/base/str.h"

enum work_when { WORK_NOW, WORK_LATER };

/* Embedded by its owner; the workers' from workers_give() until 'mail' arrives. */
struct work {
    void (*run)(struct work *); /* on one of the threads */
    struct mail *mail;          /* sent to 'box' afterwards */
    struct mailbox *box;
    bool has_run; /* false: the workers were stopped before its turn came */
    struct list node;
};

struct workers;
/* A thread begins when there is work and none is idle, 'max' at most. 'name' is that of the threads, and must
 * live on. */
struct workers *workers_new(const char *name, unsigned max);
/* For work that computes: as many as the machine has processors, 'max' at most. */
unsigned workers_for_processors(unsigned max);
/* Any thread, which does the work itself when the system has no thread at all to give. */
void workers_give(struct workers *, struct work *, struct str group, enum work_when);
/* Finishes what runs, mails back what has not begun, joins the threads. NULL is ignored. */
void workers_stop(struct workers *);

#endif
