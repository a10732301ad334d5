/* ursa/base/lock.h -- a mutex that clang's -Wthread-safety understands. No code takes two at once. */
#ifndef URSA_BASE_LOCK_H
#define URSA_BASE_LOCK_H

#include <pthread.h>

#include "ursa/base/defs.h"

#if defined(__clang__)
#define LOCK_ATTR(x) __attribute__((x))
#else
#define LOCK_ATTR(x)
#endif

struct LOCK_ATTR(capability("mutex")) lock {
    pthread_mutex_t mutex;
};

#define LOCK_INIT                                                                                            \
    {                                                                                                        \
        .mutex = PTHREAD_MUTEX_INITIALIZER                                                                   \
    }
void lock_init(struct lock *);
void lock_fini(struct lock *);
void lock_take(struct lock *l) LOCK_ATTR(acquire_capability(*l));
void lock_drop(struct lock *l) LOCK_ATTR(release_capability(*l));

#endif
