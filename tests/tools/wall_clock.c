/* wall_clock.c -- a library to be loaded before others (LD_PRELOAD): the wall clock goes as a test says, all
 * other clocks are the machine's.
 *
 * libfaketime does that as well, but Envoy stops in its start when it is loaded. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

/* The file that URSA_TEST_CLOCK names. The test changes 'ahead' only, so that nobody sees half of a change.
 */
struct wall_clock {
    _Atomic int64_t ahead; /* of the machine's clock, ns */
    int64_t since, times;  /* from then on it goes so many times as fast */
};

static const struct wall_clock *told(void)
{
    static const struct wall_clock *_Atomic known;
    const struct wall_clock *clock = atomic_load(&known);

    if (clock)
        return clock;
    int fd = open(getenv("URSA_TEST_CLOCK"), O_RDONLY | O_CLOEXEC); // NOLINT: without it nothing is tested
    void *at = mmap(NULL, sizeof(*clock), PROT_READ, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        abort();
    close(fd);
    atomic_store(&known, at);
    return at;
}

static int64_t now_ns(void)
{
    const struct wall_clock *clock = told();
    struct timespec t;

    syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
    int64_t real = t.tv_sec * NS_PER_S + t.tv_nsec;

    return real + atomic_load(&clock->ahead) + (real - clock->since) * (clock->times - 1);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)
        return (int)syscall(SYS_clock_gettime, id, t);
    int64_t ns = now_ns();

    *t = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    return 0;
}

int gettimeofday(struct timeval *t, void *zone)
{
    int64_t ns = now_ns();

    (void)zone;
    *t = (struct timeval){.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / 1000};
    return 0;
}

time_t time(time_t *t)
{
    time_t s = now_ns() / NS_PER_S;

    if (t)
        *t = s;
    return s;
}
