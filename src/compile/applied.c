/* How far the engine has come, and who waits for that. */
#include "engine.h"

#include <string.h>

#include "ursa/base/alloc.h"

struct waiter {
    struct mail mail; /* to the engine */
    struct engine *engine;
    struct list node;
    uint64_t sequence;
    struct mailbox *box;
    struct mail *answer;
    size_t mesh_size; /* 0: all meshes */
    char mesh[];
};

static void handle_waiter(struct mail *mail)
{
    struct waiter *w = CONTAINER_OF(mail, struct waiter, mail);
    list_add_tail(&w->engine->waiters, &w->node);
}

void engine_notify_applied(struct engine *e, struct str mesh, uint64_t sequence, struct mailbox *box,
                           struct mail *answer)
{
    struct waiter *w = xcalloc(1, sizeof *w + mesh.n);
    *w = (struct waiter){.mail = {.handle = handle_waiter},
                         .engine = e,
                         .sequence = sequence,
                         .box = box,
                         .answer = answer,
                         .mesh_size = mesh.n};
    if (mesh.n)
        memcpy(w->mesh, mesh.p, mesh.n);
    list_init(&w->node);
    mailbox_send(&e->box, &w->mail);
}

uint64_t engine_applied(struct engine *e)
{
    return atomic_load_explicit(&e->applied, memory_order_acquire);
}

/* The last sequence of which no proxy of the mesh lacks anything, and which is none after 'last'. */
static uint64_t applied_in(const struct engine_mesh *m, uint64_t last)
{
    if (m->lacks_since && m->lacks_since <= last)
        last = m->lacks_since - 1;
    if (m->changed_since && m->changed_since <= last)
        last = m->changed_since - 1;
    return last;
}

/* A mesh that nothing concerns holds nobody up. */
static uint64_t find_applied(const struct engine *e)
{
    uint64_t last = snap_sequence(e->snap);
    LIST_FOR (node, &e->lacking)
        last = applied_in(LIST_ITEM(node, struct engine_mesh, lacking), last);
    return last;
}

static bool waits_on(const struct waiter *w, uint64_t applied)
{
    const struct engine *e = w->engine;
    if (w->sequence <= applied || e->stop)
        return false;
    if (w->mesh_size == 0)
        return true;
    uint64_t last = snap_sequence(e->snap);
    const struct engine_mesh *m = map_find(&e->meshes, str_from(w->mesh, w->mesh_size));
    return w->sequence > (m ? applied_in(m, last) : last);
}

void engine_publish_applied(struct engine *e)
{
    uint64_t applied = find_applied(e);
    /* A proxy that attaches lacks everything, which takes nothing back of what was said before. */
    if (applied > atomic_load_explicit(&e->applied, memory_order_relaxed))
        atomic_store_explicit(&e->applied, applied, memory_order_release);
    LIST_FOR (node, &e->waiters) {
        struct waiter *w = LIST_ITEM(node, struct waiter, node);
        if (waits_on(w, applied))
            continue;
        list_del(&w->node);
        mailbox_send(w->box, w->answer);
        free(w);
    }
}
