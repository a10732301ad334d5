/* throttle.c -- a bucket (rate.h) a source, in a hash table of sets: a source is in its set or nowhere, and
 * takes the place of the one that owes least. A full bucket is as good as none. */
#include "ursa/base/throttle.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"
#include "ursa/base/lock.h"

#define SETS 512
#define WAYS 8 /* 64 KiB in all */

struct bucket {
    uint64_t source; /* 0: free */
    int64_t full_at;
};

struct throttle {
    struct rate_limit limit;
    struct lock lock; /* protects what follows */
    struct bucket sets[SETS][WAYS];
};

uint64_t throttle_source(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    uint8_t text[9] = {0}; /* which family, and the bytes that count */

    if (address && address->sa_family == AF_INET) {
        text[0] = 4;
        memcpy(text + 1, &v4->sin_addr, 4);
    } else if (address && address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        text[0] = 4;
        memcpy(text + 1, v6->sin6_addr.s6_addr + 12, 4);
    } else if (address && address->sa_family == AF_INET6) {
        text[0] = 6;
        memcpy(text + 1, v6->sin6_addr.s6_addr, 8);
    } else {
        return 0;
    }
    uint64_t source = hash_key(text, sizeof(text)); /* keyed: nobody can choose whose set he falls into */
    return source ? source : 1;
}

struct throttle *throttle_new(const struct rate_limit *limit)
{
    struct throttle *t = xcalloc(1, sizeof(*t));

    t->limit = *limit;
    lock_init(&t->lock);
    return t;
}

void throttle_free(struct throttle *t)
{
    if (!t)
        return;
    lock_fini(&t->lock);
    free(t);
}

static struct bucket *find(struct throttle *t, uint64_t source)
{
    struct bucket *set = t->sets[source % SETS];

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].source == source)
            return &set[i];
    return NULL;
}

bool throttle_holds(struct throttle *t, uint64_t source, int64_t now)
{
    if (source == 0)
        return false;
    lock_take(&t->lock);
    const struct bucket *b = find(t, source);
    int64_t full_at = b ? b->full_at : 0;
    lock_drop(&t->lock);
    return !rate_admit(&full_at, &t->limit, now); /* of a copy: asking costs nothing */
}

void throttle_count(struct throttle *t, uint64_t source, int64_t now)
{
    if (source == 0)
        return;
    lock_take(&t->lock);
    struct bucket *b = find(t, source);
    if (!b) {
        struct bucket *set = t->sets[source % SETS];
        b = &set[0];
        for (size_t i = 1; i < WAYS; i++)
            if (set[i].full_at < b->full_at)
                b = &set[i];
        *b = (struct bucket){.source = source};
    }
    (void)!rate_admit(&b->full_at, &t->limit, now);
    lock_drop(&t->lock);
}
