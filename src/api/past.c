/* past.c -- see past.h. */
#include "past.h"

#include "server.h"

/* ---- asking ---- */

struct question {
    struct store_job job;
    struct mail mail;
    struct request *request;
    void (*ask)(struct request *, struct history *);
};

static void continue_request(struct mail *mail)
{
    struct question *q = CONTAINER_OF(mail, struct question, mail);
    struct request *r = q->request;

    free(q);
    if (r->status == 0)
        r->then(r);
    if (r->status != 0) /* else it waits for something else now */
        request_resume(r);
}

/* On the reader's thread. */
static void run_question(struct store_job *job, struct history *h)
{
    struct question *q = CONTAINER_OF(job, struct question, job);

    q->ask(q->request, h);
    mailbox_send(&q->request->server->api->mailbox, &q->mail);
}

void request_read(struct request *r, void (*ask)(struct request *, struct history *),
                  void (*then)(struct request *))
{
    struct question *q = xcalloc(1, sizeof(*q));

    q->job.run = run_question;
    q->mail.handle = continue_request;
    q->request = r;
    q->ask = ask;
    r->then = then;
    request_suspend(r);
    if (store_submit(r->options->store, &q->job))
        return;
    free(q);
    answer_fault(r, ERR_UNAVAILABLE, "too many questions about the past are waiting: try again later");
    request_resume(r);
}

void past_fault(struct request *r)
{
    r->show_text = true;
    answer_error(r);
}

/* ---- one revision ---- */

bool past_revision(struct request *r, const char *key, bool *found, uint64_t *revision)
{
    struct str text = request_query(r, key);

    *found = text.p != NULL;
    if (!text.p || str_to_uint(text, INT64_MAX, revision))
        return true;
    err_cause_at(&r->err, str_from_c(key), STR("must be the number of a revision"));
    answer_error(r);
    return false;
}

struct then {
    uint64_t revision;
    void (*show)(struct request *);
};

static void ask_state(struct request *r, struct history *h)
{
    const struct then *then = r->handler_data;
    const struct history_scope scope = {.type = r->type, .mesh = r->mesh, .name = r->name};
    struct snap *state;

    if (history_at(h, then->revision, &scope, &state, &r->err) != ERR_NONE) {
        past_fault(r);
        return;
    }
    snap_unref(r->snap);
    r->snap = state;
    r->revision = arena_printf(&r->arena, "%llu", (unsigned long long)then->revision);
}

static void show_state(struct request *r)
{
    const struct then *then = r->handler_data;

    then->show(r);
}

void past_show(struct request *r, void (*show)(struct request *))
{
    struct then then = {.show = show};
    bool found;

    if (!past_revision(r, "revision", &found, &then.revision))
        return;
    if (!found) {
        show(r);
        return;
    }
    if (res_type_info(r->type)->traits & RES_NO_HISTORY) {
        err_cause_at(&r->err, STR("revision"),
                     arena_printf(&r->arena, "no history is kept of " STR_FMT " resources",
                                  STR_ARG(res_type_info(r->type)->name)));
        answer_error(r);
        return;
    }
    r->handler_data = ARENA_NEW(&r->arena, struct then);
    *(struct then *)r->handler_data = then;
    request_read(r, ask_state, show_state);
}

/* ---- whose past ---- */

bool past_sees(const void *ctx, const struct res_key *key)
{
    const struct request *r = ctx;

    return access_sees(&r->options->access, &r->user, key);
}

bool past_is_open(const struct request *r)
{
    const struct access_scope all = {.reach = REACH_GLOBAL, .type = RES_N};
    struct arena scratch;
    struct err e;

    arena_init(&scratch);
    err_init(&e, &scratch);
    bool open = access_check(&r->options->access, &r->user, ACCESS_ADMIN, &all, &e) == ERR_NONE;
    arena_fini(&scratch);
    return open;
}
