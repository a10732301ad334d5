/* ursa/base/turns.h -- whose turn it is among those who share a thread: who was served least comes first.
 *
 * So who needs little never waits for those who need much, and those who need much share what is left in
 * equal parts. Who was idle for long is owed no more than TURNS_CREDIT: that much it may have at once. One
 * thread at a time. */
#ifndef URSA_BASE_TURNS_H
#define URSA_BASE_TURNS_H

#include "ursa/base/clock.h"
#include "ursa/base/list.h"

/* A push to a thousand proxies is about as long. */
#define TURNS_CREDIT (50 * NS_PER_MS)

struct turns {
    struct list waiting; /* struct turn.node, by what they were served */
    int64_t served;      /* of those who wait or waited last, the least: what is fair */
};

/* Embedded in who takes turns. */
struct turn {
    struct list node; /* linked to itself when it does not wait */
    int64_t served;   /* ns */
};

void turns_init(struct turns *);
void turn_init(struct turn *);
/* It waits for its turn from now on; asking twice is asking once. */
void turns_wait(struct turns *, struct turn *);
bool turn_waits(const struct turn *);
/* It does not wait any more; harmless when it did not. */
void turn_leave(struct turn *);
bool turns_anyone(const struct turns *); /* waits */
/* Whose turn it is: it does not wait any more. NULL: nobody does. */
struct turn *turns_take(struct turns *);
/* After its turn, before it waits again: how long that took. */
void turn_served(struct turn *, int64_t ns);

#endif
