/* workers.c -- a few threads, and the line that work waits in. */
#include "ursa/base/workers.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ursa/base/alloc.h"
#include "ursa/base/count.h"
#include "ursa/base/map.h"

#define MAX_THREADS 16

/* Work of one group; there is no such object without any. */
struct group {
    struct list node; /* in the line, in the order of turns */
    struct list works;
    size_t name_size;
    char name[];
};

struct line {
    struct list groups;
    struct map by_name;
};

struct workers {
    const char *name;
    unsigned max_threads;
    struct lock lock; /* protects what follows */
    pthread_cond_t wake;
    struct line lines[2]; /* by enum work_when */
    size_t n_waiting;     /* works in them */
    bool stopping;
    unsigned n_threads, n_idle;
    pthread_t threads[MAX_THREADS];
};

/* ---- the lines ---- */

static struct group *find_or_add(struct line *line, struct str name)
{
    struct group *g = map_find(&line->by_name, name);

    if (g)
        return g;
    g = xcalloc(1, sizeof(*g) + name.n);
    if (name.n)
        memcpy(g->name, name.p, name.n);
    g->name_size = name.n;
    list_init(&g->works);
    list_add_tail(&line->groups, &g->node);
    map_put(&line->by_name, str_from(g->name, g->name_size), g);
    return g;
}

/* NULL when nobody waits. */
static struct work *line_take(struct line *line)
{
    if (list_empty(&line->groups))
        return NULL;

    struct group *g = LIST_ITEM(line->groups.next, struct group, node);
    struct work *w = LIST_ITEM(g->works.next, struct work, node);

    list_del(&w->node);
    list_del(&g->node);
    if (list_empty(&g->works)) {
        map_del(&line->by_name, str_from(g->name, g->name_size));
        free(g);
    } else {
        list_add_tail(&line->groups, &g->node);
    }
    return w;
}

static struct work *take(struct workers *ws)
{
    struct work *w = line_take(&ws->lines[WORK_NOW]);

    if (!w)
        w = line_take(&ws->lines[WORK_LATER]);
    ws->n_waiting -= w != NULL;
    return w;
}

/* ---- the threads ---- */

static void run(struct work *w)
{
    w->run(w);
    w->has_run = true;
    mailbox_send(w->box, w->mail);
}

/* NULL: the end. */
static struct work *wait_for_work(struct workers *ws)
{
    struct work *w;

    lock_take(&ws->lock);
    ws->n_idle++;
    while (!ws->stopping && ws->n_waiting == 0)
        pthread_cond_wait(&ws->wake, &ws->lock.mutex);
    ws->n_idle--;
    w = ws->stopping ? NULL : take(ws);
    lock_drop(&ws->lock);
    return w;
}

static void *run_all(void *ctx)
{
    struct workers *ws = ctx;

    for (struct work *w; (w = wait_for_work(ws));)
        run(w);
    return NULL;
}

/* Under the lock: for work that nobody idle will take. A thread that is not to be had is not missed as long
 * as there are others. */
static void add_thread(struct workers *ws)
{
    if (ws->n_waiting <= ws->n_idle || ws->n_threads == ws->max_threads)
        return;
    if (pthread_create(&ws->threads[ws->n_threads], NULL, run_all, ws) == 0)
        pthread_setname_np(ws->threads[ws->n_threads++], ws->name);
    else
        COUNT(workers_lacking);
}

void workers_give(struct workers *ws, struct work *w, struct str group, enum work_when when)
{
    struct work *own = NULL;

    w->has_run = false;
    list_init(&w->node);
    lock_take(&ws->lock);
    list_add_tail(&find_or_add(&ws->lines[when], group)->works, &w->node);
    ws->n_waiting++;
    add_thread(ws);
    if (ws->n_threads > 0)
        pthread_cond_signal(&ws->wake);
    else
        own = take(ws);
    lock_drop(&ws->lock);
    if (own)
        run(own);
}

/* ---- life ---- */

unsigned workers_for_processors(unsigned max)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n < (long)max ? (unsigned)n : max;
}

struct workers *workers_new(const char *name, unsigned max)
{
    struct workers *ws = xcalloc(1, sizeof(*ws));

    ws->name = name;
    ws->max_threads = max < MAX_THREADS ? max : MAX_THREADS;
    lock_init(&ws->lock);
    pthread_cond_init(&ws->wake, NULL);
    for (size_t i = 0; i < ARRAY_LEN(ws->lines); i++) {
        list_init(&ws->lines[i].groups);
        map_init(&ws->lines[i].by_name);
    }
    return ws;
}

void workers_stop(struct workers *ws)
{
    if (!ws)
        return;
    lock_take(&ws->lock);
    ws->stopping = true;
    pthread_cond_broadcast(&ws->wake);
    lock_drop(&ws->lock);
    for (unsigned i = 0; i < ws->n_threads; i++)
        pthread_join(ws->threads[i], NULL);
    for (struct work *w; (w = take(ws));)
        mailbox_send(w->box, w->mail);
    for (size_t i = 0; i < ARRAY_LEN(ws->lines); i++)
        map_fini(&ws->lines[i].by_name);
    pthread_cond_destroy(&ws->wake);
    lock_fini(&ws->lock);
    free(ws);
}
