/* loop.c -- the passes of an epoll loop. */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ursa/base/clock.h"

#define EVENTS_A_PASS 128
/* A push wakes every connection at once. Serving 64 of them takes a few milliseconds; then events and timers
 * have their turn. */
#define JOBS_A_PASS 64

static void mail_ready(struct watch *w, uint32_t events)
{
    (void)events;
    mailbox_run(&CONTAINER_OF(w, struct loop, mail)->mailbox);
}

void loop_init(struct loop *l)
{
    *l = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .now = clock_mono_ns()};
    if (l->epoll_fd < 0) {
        /* Loops are made at start only; without descriptors nothing can run. */
        perror("ursa: epoll_create1");
        abort();
    }
    list_init(&l->work);
    list_init(&l->burials);
    mailbox_init(&l->mailbox);
    l->mail = (struct watch){.fd = l->mailbox.event_fd, .ready = mail_ready};
    loop_watch(l, &l->mail, EPOLLIN);
}

void loop_fini(struct loop *l)
{
    while (mailbox_run(&l->mailbox) > 0)
        ;
    assert(list_empty(&l->work) && list_empty(&l->burials));
    timers_fini(&l->timers);
    close(l->epoll_fd);
    mailbox_fini(&l->mailbox);
}

void loop_watch(struct loop *l, struct watch *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    int op = w->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    if (events == w->events)
        return;
    if (epoll_ctl(l->epoll_fd, op, w->fd, &e) < 0) {
        /* Only the kernel's memory or its limit of watches can be at fault (ENOMEM, ENOSPC): as with any lack
         * of memory. */
        perror("ursa: epoll_ctl");
        abort();
    }
    w->events = events;
}

void job_init(struct job *j, void (*run)(struct job *))
{
    list_init(&j->node);
    j->run = run;
}

void loop_work(struct loop *l, struct job *j)
{
    if (list_empty(&j->node))
        list_add_tail(&l->work, &j->node);
}

void loop_work_cancel(struct job *j)
{
    list_del(&j->node);
}

void loop_bury(struct loop *l, struct job *j)
{
    assert(list_empty(&j->node));
    list_add_tail(&l->burials, &j->node);
}

static void run_first(struct list *jobs)
{
    struct job *j = LIST_ITEM(jobs->next, struct job, node);

    list_del(&j->node);
    j->run(j);
}

/* For epoll_wait: rounded up, so that the loop does not spin through the last millisecond. */
static int wait_ms(const struct loop *l, int64_t until)
{
    int64_t next = timers_next(&l->timers), now = clock_mono_ns();

    if (next < until)
        until = next;
    if (until == INT64_MAX)
        return -1;
    if (until <= now)
        return 0;
    int64_t ms = (until - now - 1) / NS_PER_MS + 1;

    return ms < INT_MAX ? (int)ms : INT_MAX;
}

void loop_pass(struct loop *l, int64_t until)
{
    struct epoll_event batch[EVENTS_A_PASS];
    int n = epoll_wait(l->epoll_fd, batch, EVENTS_A_PASS, list_empty(&l->work) ? wait_ms(l, until) : 0);

    assert(n >= 0 || errno == EINTR);
    l->now = clock_mono_ns();
    for (int i = 0; i < n; i++) {
        struct watch *w = batch[i].data.ptr;

        w->ready(w, batch[i].events);
    }
    timers_run(&l->timers, l->now);
    for (int i = 0; i < JOBS_A_PASS && !list_empty(&l->work); i++)
        run_first(&l->work);
    while (!list_empty(&l->burials))
        run_first(&l->burials);
}
