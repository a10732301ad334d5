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

#define EVENTS_A_PASS 256
/* A push brings every connection mail at once, and then something to send. After so long, what else there is
 * has its turn. */
#define MAIL_A_PASS (2 * NS_PER_MS)
#define WORK_A_PASS NS_PER_MS /* mail may bring what comes before the rest of it */

static size_t run_letters(struct loop *l, int64_t until)
{
    size_t n = 0;

    if (!l->letters)
        l->letters = mailbox_take(&l->mailbox);
    for (struct mail *m; (m = l->letters) && clock_mono_ns() < until; n++) {
        l->letters = m->next; /* 'handle' frees the mail */
        m->handle(m);
    }
    return n;
}

size_t loop_run_mail(struct loop *l)
{
    return run_letters(l, INT64_MAX);
}

static void mail_ready(struct watch *w, uint32_t events)
{
    (void)w, (void)events; /* it has ended the wait, and the pass looks at the box */
}

void loop_init(struct loop *l)
{
    *l = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .now = clock_mono_ns()};
    if (l->epoll_fd < 0) {
        /* Loops are made at start only; without descriptors nothing can run. */
        perror("ursa: epoll_create1");
        abort();
    }
    for (size_t i = 0; i < LOOP_LANES; i++) {
        turn_init(&l->lanes[i].turn);
        list_init(&l->lanes[i].jobs);
    }
    turns_init(&l->busy);
    list_init(&l->burials);
    mailbox_init(&l->mailbox);
    l->mail = (struct watch){.fd = l->mailbox.event_fd, .ready = mail_ready};
    loop_watch(l, &l->mail, EPOLLIN);
}

void loop_fini(struct loop *l)
{
    for (size_t i = 0; i < LOOP_LANES; i++)
        assert(list_empty(&l->lanes[i].jobs));
    assert(!l->letters && list_empty(&l->burials));
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

void loop_work(struct loop *l, struct job *j, uint64_t number)
{
    struct lane *lane = &l->lanes[number % LOOP_LANES];

    if (job_waits(j))
        return;
    list_add_tail(&lane->jobs, &j->node);
    turns_wait(&l->busy, &lane->turn);
}

bool job_waits(const struct job *j)
{
    return !list_empty(&j->node);
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

/* One job of the lane; returns the time afterwards. */
static int64_t take_turn(struct loop *l, struct lane *lane, int64_t now)
{
    if (list_empty(&lane->jobs)) /* cancelled */
        return now;
    struct job *j = LIST_ITEM(lane->jobs.next, struct job, node);

    list_del(&j->node);
    j->run(j);
    int64_t then = clock_mono_ns();

    turn_leave(&lane->turn); /* the job may have put something into its own lane */
    turn_served(&lane->turn, then - now);
    if (!list_empty(&lane->jobs))
        turns_wait(&l->busy, &lane->turn);
    return then;
}

static void run_work(struct loop *l)
{
    int64_t now = clock_mono_ns(), until = now + WORK_A_PASS;
    struct turn *t;

    while (now < until && (t = turns_take(&l->busy)))
        now = take_turn(l, CONTAINER_OF(t, struct lane, turn), now);
}

static void run_burials(struct loop *l)
{
    while (!list_empty(&l->burials)) {
        struct job *j = LIST_ITEM(l->burials.next, struct job, node);

        list_del(&j->node);
        j->run(j);
    }
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
    bool is_behind = l->letters || turns_anyone(&l->busy);
    int n = epoll_wait(l->epoll_fd, batch, EVENTS_A_PASS, is_behind ? 0 : wait_ms(l, until));

    assert(n >= 0 || errno == EINTR);
    l->now = clock_mono_ns();
    for (int i = 0; i < n; i++) {
        struct watch *w = batch[i].data.ptr;

        w->ready(w, batch[i].events);
    }
    run_letters(l, clock_mono_ns() + MAIL_A_PASS);
    timers_run(&l->timers, l->now);
    run_work(l);
    run_burials(l);
}
