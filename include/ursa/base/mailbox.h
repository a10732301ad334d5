/* ursa/base/mailbox.h -- many senders, one receiver: how threads hand values over.
 *
 * A message embeds struct mail and is the sender's until sent, the receiver's afterwards. The eventfd becomes
 * readable when the box goes from empty to full. Order of arrival is kept. */
#ifndef URSA_BASE_MAILBOX_H
#define URSA_BASE_MAILBOX_H

#include <stdatomic.h>

#include "ursa/base/lock.h"

struct mail {
    struct mail *next;
    void (*handle)(struct mail *); /* run by the receiver; frees the message */
};

struct mailbox {
    struct lock lock; /* protects first, last */
    struct mail *first, *last;
    int event_fd;
    atomic_uint n_sending; /* threads that are inside mailbox_send */
};

void mailbox_init(struct mailbox *);
/* Must be empty. The receiver may end the box as soon as it has the last mail: this waits for its sender to
 * leave. */
void mailbox_fini(struct mailbox *);
void mailbox_send(struct mailbox *, struct mail *); /* any thread */
/* Receiver only: takes all that is there, in order (NULL when empty), and clears the eventfd. */
struct mail *mailbox_take(struct mailbox *);
/* Receiver only: takes and runs 'handle' of each; returns how many. */
size_t mailbox_run(struct mailbox *);
/* Receiver only: blocks until there is mail or 'timeout_ms' passed (-1: no limit); true when there is. */
bool mailbox_wait(struct mailbox *, int timeout_ms);

#endif
