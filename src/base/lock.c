/* lock.c -- the annotated mutex. A failing pthread call here is a bug of ours, never a condition. */
#include "ursa/base/lock.h"

#include <assert.h>

static void check(int failure)
{
    assert(failure == 0);
    (void)failure;
}

void lock_init(struct lock *l)
{
    check(pthread_mutex_init(&l->mutex, NULL));
}

void lock_fini(struct lock *l)
{
    check(pthread_mutex_destroy(&l->mutex));
}

/* clang cannot see that the mutex inside is the capability. */
LOCK_ATTR(no_thread_safety_analysis) void lock_take(struct lock *l)
{
    check(pthread_mutex_lock(&l->mutex));
}

LOCK_ATTR(no_thread_safety_analysis) void lock_drop(struct lock *l)
{
    check(pthread_mutex_unlock(&l->mutex));
}
