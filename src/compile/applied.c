/* How far the engine has come, and who waits for that. */
#include "engine.h"

#include "ursa/base/alloc.h"

struct waiter {
    struct mail mail; /* to the engine */
    struct engine *engine;
    struct list node;
    uint64_t sequence;
    struct mailbox *box;
    struct mail *answer;
};

static void handle_waiter(struct mail *mail)
{
    struct waiter *w = CONTAINER_OF(mail, struct waiter, mail);
    list_add_tail(&w->engine->waiters, &w->node);
}

void engine_notify_applied(struct engine *e, uint64_t sequence, struct mailbox *box, struct mail *answer)
{
    struct waiter *w = xcalloc(1, sizeof *w);
    *w = (struct waiter){
        .mail = {.handle = handle_waiter}, .engine = e, .sequence = sequence, .box = box, .answer = answer};
    list_init(&w->node);
    mailbox_send(&e->box, &w->mail);
}

uint64_t engine_applied(struct engine *e)
{
    return atomic_load_explicit(&e->applied, memory_order_acquire);
}

/* The last sequence of which no proxy lacks anything. A mesh that nothing concerns holds nobody up. */
static uint64_t find_applied(const struct engine *e)
{
    uint64_t first = snap_sequence(e->snap) + 1; /* that is lacking */
    LIST_FOR (node, &e->lacking) {
        const struct engine_mesh *m = LIST_ITEM(node, struct engine_mesh, lacking);
        if (m->lacks_since && m->lacks_since < first)
            first = m->lacks_since;
        if (m->changed_since && m->changed_since < first)
            first = m->changed_since;
    }
    return first - 1;
}

void engine_publish_applied(struct engine *e)
{
    uint64_t applied = find_applied(e);
    /* A proxy that attaches lacks everything, which takes nothing back of what was said before. */
    if (applied > atomic_load_explicit(&e->applied, memory_order_relaxed))
        atomic_store_explicit(&e->applied, applied, memory_order_release);
    LIST_FOR (node, &e->waiters) {
        struct waiter *w = LIST_ITEM(node, struct waiter, node);
        if (w->sequence > applied && !e->stop)
            continue;
        list_del(&w->node);
        mailbox_send(w->box, w->answer);
        free(w);
    }
}
