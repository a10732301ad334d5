/* ursa/base/workers.h -- threads for work that would hold up whoever asks for it: keys and certificates.
 *
 * A piece of work comes back by mail, exactly once, to the box that its owner named. Groups take turns,
 * however much work each brings; what is wanted later runs while nothing is wanted now. */
#ifndef URSA_BASE_WORKERS_H
#define URSA_BASE_WORKERS_H

#include "ursa/base/err.h"
#include "ursa/base/list.h"
#include "ursa/base/mailbox.h"

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
/* As many threads as the machine has processors, 'max' at most. The name is that of the threads. */
MUST_USE enum err_kind workers_start(const char *name, unsigned max, struct workers **out, struct err *e);
void workers_give(struct workers *, struct work *, struct str group, enum work_when); /* any thread */
/* Finishes what runs, mails back what has not begun, joins the threads. NULL is ignored. */
void workers_stop(struct workers *);

#endif
