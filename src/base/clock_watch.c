/* clock_watch.c -- a timer of the wall clock that never comes but ends when that clock is set, and the
 * distance between the two clocks, which tells how far. */
#include "ursa/base/clock_watch.h"

#include <sys/timerfd.h>
#include <unistd.h>

void clock_watch_init(struct clock_watch *w)
{
    const struct itimerspec never = {.it_value.tv_sec = INT64_MAX / NS_PER_S};

    w->ahead = clock_wall_ns() - clock_mono_ns();
    w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    /* Without this, a jump is noticed with the next thing that happens. */
    if (w->fd >= 0)
        (void)timerfd_settime(w->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

void clock_watch_fini(struct clock_watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
}

int64_t clock_watch_jump(struct clock_watch *w)
{
    uint64_t ignored;
    int64_t before, ahead, held_up, jump;

    if (w->fd >= 0)
        (void)!read(w->fd, &ignored, sizeof(ignored)); /* fails with ECANCELED, once for each time */
    before = clock_mono_ns();
    ahead = clock_wall_ns() - before;
    held_up = clock_mono_ns() - before;
    jump = ahead - w->ahead;
    /* Who did not run between two looks at two clocks would see a jump where there is none. */
    if (held_up > CLOCK_JUMP_NS / 2 || (jump < CLOCK_JUMP_NS && jump > -CLOCK_JUMP_NS))
        return 0;
    w->ahead = ahead;
    return jump;
}
