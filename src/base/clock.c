/* clock.c -- the two clocks, and the fake that stands in for them in tests. Formats are in time.c. */
#include "ursa/base/clock.h"

#include <stdatomic.h>
#include <time.h>

static atomic_bool faked;
static atomic_int_fast64_t fake_mono, fake_wall;

static int64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t); /* cannot fail for these two */
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return atomic_load(&faked) ? atomic_load(&fake_mono) : read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
    return atomic_load(&faked) ? atomic_load(&fake_wall) : read_clock(CLOCK_REALTIME);
}

int clock_ms_until(int64_t deadline)
{
    if (deadline == INT64_MAX)
        return -1;
    int64_t ms = (deadline - clock_mono_ns()) / NS_PER_MS + 1;
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

void clock_fake(int64_t mono_ns, int64_t wall_ns)
{
    atomic_store(&fake_mono, mono_ns);
    atomic_store(&fake_wall, wall_ns);
    atomic_store(&faked, mono_ns != -1 || wall_ns != -1);
}
