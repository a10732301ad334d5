/* reader.c -- the thread on which history is read, a job at a time.
 *
 * Nobody waits for it but who asked: the writer commits beside it, and reads of the present are answered from
 * snapshots. */
#include "reader.h"

#include <assert.h>
#include <string.h>

#include "history.h"
#include "ursa/base/alloc.h"
#include "ursa/base/count.h"

#define MAX_WAITING 256

struct reader {
    struct backend *backend;
    struct snap_slot *slot;
    struct mailbox box;
    struct mail stop; /* the last mail */
    atomic_uint n_waiting;
    pthread_t thread;
};

static void run(struct reader *r, struct store_job *job)
{
    struct history h;
    history_init(&h, r->backend, snap_slot_get(r->slot));
    atomic_fetch_sub(&r->n_waiting, 1);
    COUNT(store_reads);
    job->run(job, &h);
    history_fini(&h);
}

static void *loop(void *ctx)
{
    struct reader *r = ctx;
    bool stopping = false;
    while (!stopping) {
        mailbox_wait(&r->box, -1);
        for (struct mail *mail = mailbox_take(&r->box), *next; mail; mail = next) {
            next = mail->next;
            if (mail == &r->stop)
                stopping = true;
            else
                run(r, CONTAINER_OF(mail, struct store_job, mail));
        }
    }
    return NULL;
}

enum err_kind reader_start(struct backend *backend, struct snap_slot *slot, struct reader **out,
                           struct err *e)
{
    struct reader *r = xcalloc(1, sizeof(*r));
    r->backend = backend;
    r->slot = slot;
    mailbox_init(&r->box);
    int fault = pthread_create(&r->thread, NULL, loop, r);
    if (fault) {
        mailbox_fini(&r->box);
        free(r);
        return err_set(e, ERR_UNAVAILABLE, "cannot start the reader thread: %s", strerror(fault));
    }
    pthread_setname_np(r->thread, "ursa-reader");
    *out = r;
    return ERR_NONE;
}

void reader_stop(struct reader *r)
{
    if (!r)
        return;
    mailbox_send(&r->box, &r->stop);
    pthread_join(r->thread, NULL);
    assert(atomic_load(&r->n_waiting) == 0);
    mailbox_fini(&r->box);
    free(r);
}

bool reader_submit(struct reader *r, struct store_job *job)
{
    if (atomic_fetch_add(&r->n_waiting, 1) >= MAX_WAITING) {
        atomic_fetch_sub(&r->n_waiting, 1);
        COUNT(store_reads_refused);
        return false;
    }
    mailbox_send(&r->box, &job->mail);
    return true;
}
