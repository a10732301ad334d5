/* mailbox.c -- many senders, one receiver, and an eventfd that wakes the receiver's poll. */
#include "ursa/base/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ursa/base/clock.h"

void mailbox_init(struct mailbox *box)
{
    lock_init(&box->lock);
    box->first = box->last = NULL;
    atomic_init(&box->n_sending, 0);
    box->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (box->event_fd < 0) {
        /* Boxes are made at start only; without descriptors nothing can run. */
        perror("ursa: eventfd");
        abort();
    }
}

void mailbox_fini(struct mailbox *box)
{
    assert(!box->first);
    while (atomic_load_explicit(&box->n_sending, memory_order_acquire) > 0)
        sched_yield(); /* a sender that has only to write to the eventfd */
    close(box->event_fd);
    lock_fini(&box->lock);
}

void mailbox_send(struct mailbox *box, struct mail *mail)
{
    mail->next = NULL;
    atomic_fetch_add_explicit(&box->n_sending, 1, memory_order_relaxed);
    lock_take(&box->lock);
    bool was_empty = !box->first;

    if (was_empty)
        box->first = mail;
    else
        box->last->next = mail;
    box->last = mail;
    lock_drop(&box->lock);
    /* After the lock, which is never held across a system call. When the receiver was faster, it wakes up
     * once for nothing. */
    if (was_empty)
        eventfd_write(box->event_fd, 1);
    atomic_fetch_sub_explicit(&box->n_sending, 1, memory_order_release);
}

/* Clears before it takes: mail that comes in between is either taken or announces itself again. */
struct mail *mailbox_take(struct mailbox *box)
{
    eventfd_t ignored;

    eventfd_read(box->event_fd, &ignored);
    lock_take(&box->lock);
    struct mail *all = box->first;

    box->first = box->last = NULL;
    lock_drop(&box->lock);
    return all;
}

size_t mailbox_run(struct mailbox *box)
{
    size_t n = 0;

    for (struct mail *mail = mailbox_take(box), *next; mail; mail = next) {
        next = mail->next; /* 'handle' frees the mail */
        mail->handle(mail);
        n++;
    }
    return n;
}

static bool has_mail(struct mailbox *box)
{
    lock_take(&box->lock);
    bool has = box->first != NULL;

    lock_drop(&box->lock);
    return has;
}

bool mailbox_wait(struct mailbox *box, int timeout_ms)
{
    int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
    struct pollfd fd = {.fd = box->event_fd, .events = POLLIN};

    while (!has_mail(box)) {
        int n = poll(&fd, 1, timeout_ms);

        if (n == 0)
            return false;
        if (n < 0 && errno != EINTR)
            return false;
        eventfd_t ignored;

        /* Mail that was taken before its announcement arrived leaves the descriptor readable. */
        if (n > 0)
            eventfd_read(box->event_fd, &ignored);
        if (timeout_ms > 0) {
            int64_t left = (deadline - clock_mono_ns()) / NS_PER_MS;

            timeout_ms = left > 0 ? (int)left : 0;
        }
    }
    return true;
}
