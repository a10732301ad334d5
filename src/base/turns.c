/* turns.c -- start-time fair queueing, with a bounded credit for who was away. */
#include "ursa/base/turns.h"

void turns_init(struct turns *ts)
{
    list_init(&ts->waiting);
    ts->served = 0;
}

void turn_init(struct turn *t)
{
    list_init(&t->node);
    t->served = 0;
}

/* Who has just been served comes mostly to the end, so that is where the place is looked for. */
void turns_wait(struct turns *ts, struct turn *t)
{
    struct list *before = ts->waiting.prev;

    if (turn_waits(t))
        return;
    if (t->served < ts->served - TURNS_CREDIT)
        t->served = ts->served - TURNS_CREDIT;
    while (before != &ts->waiting && LIST_ITEM(before, struct turn, node)->served > t->served)
        before = before->prev;
    list_add_tail(before->next, &t->node);
}

bool turn_waits(const struct turn *t)
{
    return !list_empty(&t->node);
}

void turn_leave(struct turn *t)
{
    list_del(&t->node);
}

bool turns_anyone(const struct turns *ts)
{
    return !list_empty(&ts->waiting);
}

struct turn *turns_take(struct turns *ts)
{
    if (list_empty(&ts->waiting))
        return NULL;
    struct turn *t = LIST_ITEM(ts->waiting.next, struct turn, node);

    list_del(&t->node);
    if (t->served > ts->served)
        ts->served = t->served;
    return t;
}

void turn_served(struct turn *t, int64_t ns)
{
    t->served += ns;
}
