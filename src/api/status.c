/* status.c -- GET /status: has a revision taken effect, and if not, who keeps it from that (decision 0009).
 *
 * The streams' loop answers, by mail; the request is suspended meanwhile. A client that hangs up is answered
 * at once, so that nothing waits on behalf of nobody. */
#include "router.h"
#include "server.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"

#define WAIT_MAX (300 * NS_PER_S)

/* ---- what is asked ---- */

struct asked {
    uint64_t revision;
    int64_t wait_ns;
};

static void fault(struct request *r, const char *field, struct str reason)
{
    err_cause_at(&r->err, str_from_c(field), reason);
}

static void read_revision(struct request *r, struct asked *asked)
{
    struct str text = request_query(r, "revision");
    uint64_t newest = snap_revision(r->snap);

    asked->revision = newest;
    if (text.p && !str_to_uint(text, UINT64_MAX, &asked->revision))
        fault(r, "revision", arena_printf(&r->arena, "must be a number, not \"" STR_FMT "\"", STR_ARG(text)));
    else if (asked->revision > newest)
        fault(r, "revision",
              arena_printf(&r->arena, "must be at most the store's newest, %llu, not " STR_FMT,
                           (unsigned long long)newest, STR_ARG(text)));
}

static void read_wait(struct request *r, struct asked *asked)
{
    struct str text = request_query(r, "wait");

    if (!text.p)
        return;
    if (!duration_parse(text, &asked->wait_ns))
        fault(r, "wait",
              arena_printf(&r->arena, "must be a duration such as 30s: " STR_FMT,
                           STR_ARG(duration_explain(&r->arena, text))));
    else if (asked->wait_ns < 0 || asked->wait_ns > WAIT_MAX)
        fault(r, "wait", arena_printf(&r->arena, "must be from 0s to 5m, not " STR_FMT, STR_ARG(text)));
}

static bool read_query(struct request *r, struct asked *asked)
{
    *asked = (struct asked){0};
    read_revision(r, asked);
    read_wait(r, asked);
    if (r->err.n_causes > 0)
        err_set(&r->err, ERR_INVALID, "the query is not valid");
    else if (r->mesh.p && !snap_find_mesh(r->snap, r->mesh))
        err_set(&r->err, ERR_NOT_FOUND, "not found");
    if (r->err.kind != ERR_NONE)
        answer_error(r);
    return r->err.kind == ERR_NONE;
}

/* ---- the answer ---- */

static json_t *laggards_json(const struct ads_question *q)
{
    json_t *list = json_array();

    for (size_t i = 0; i < q->n_laggards; i++) {
        const struct ads_laggard *l = &q->laggards[i];
        json_t *o = json_object();
        json_object_set_new(o, "mesh", json_from_str(l->mesh));
        json_object_set_new(o, "name", json_from_str(l->name));
        json_object_set_new(o, "state", json_string(l->refused ? "refused" : "pending"));
        json_object_set_new(o, "reason", json_from_str(l->reason));
        json_array_append_new(list, o);
    }
    return list;
}

void api_put_proxies(json_t *body, const struct ads_question *q)
{
    json_t *proxies = json_object();

    json_object_set_new(proxies, "total",
                        json_integer((json_int_t)(q->n_applied + q->n_pending + q->n_refused)));
    json_object_set_new(proxies, "applied", json_integer((json_int_t)q->n_applied));
    json_object_set_new(proxies, "pending", json_integer((json_int_t)q->n_pending));
    json_object_set_new(proxies, "refused", json_integer((json_int_t)q->n_refused));
    json_object_set_new(body, "proxies", proxies);
    json_object_set_new(body, "laggards", laggards_json(q));
}

static void answer_status(struct mail *mail)
{
    struct ads_question *q = CONTAINER_OF(mail, struct ads_question, mail);
    struct request *r = q->ctx;
    struct asked *asked = r->handler_data;
    json_t *body = json_object();

    json_object_set_new(body, "revision", json_integer((json_int_t)asked->revision));
    json_object_set_new(body, "applied", json_boolean(q->n_pending + q->n_refused == 0));
    api_put_proxies(body, q);
    answer_json(r, 200, body);
    r->server->api->n_asking--;
    request_forget_peer(r);
    request_resume(r);
    ads_question_free(q);
}

/* ---- asking ---- */

static void peer_gone(struct request *r)
{
    struct api *api = r->server->api;

    COUNT(api_waiters_gone);
    lock_take(&api->net_lock);
    if (api->net)
        ads_hurry(net_ads(api->net), (uint64_t)(uintptr_t)r);
    lock_drop(&api->net_lock);
}

struct ads_question *api_question_new(struct request *r, void (*handle)(struct mail *))
{
    struct ads_question *q = ads_question_new();

    q->mail.handle = handle;
    q->box = &r->server->api->mailbox;
    q->ctx = r;
    q->sequence = snap_sequence(r->snap);
    q->mesh = r->mesh;
    q->access = r->options->access;
    q->user = r->user;
    return q;
}

static struct ads_question *question_new(struct request *r, const struct asked *asked)
{
    struct ads_question *q = api_question_new(r, answer_status); /* of that revision, or of a later one */

    q->id = (uint64_t)(uintptr_t)r;
    q->deadline = asked->wait_ns > 0 ? clock_mono_ns() + asked->wait_ns : 0;
    return q;
}

bool api_ask_proxies(struct api *api, struct ads_question *q)
{
    lock_take(&api->net_lock);
    bool running = api->net != NULL;
    if (running)
        ads_ask(net_ads(api->net), q);
    lock_drop(&api->net_lock);
    return running;
}

void status_get(struct request *r)
{
    struct api *api = r->server->api;
    struct asked *asked = ARENA_NEW(&r->arena, struct asked);

    r->title = "Could not tell what has taken effect";
    r->handler_data = asked;
    if (!read_query(r, asked))
        return;
    if (api->n_asking >= api->options.max_waiters) {
        COUNT(api_waiters_refused);
        answer_fault(r, ERR_UNAVAILABLE, "%zu requests wait already, as many as apiServer.maxWaiters allows",
                     api->n_asking);
        return;
    }
    struct ads_question *q = question_new(r, asked);
    snap_unref(r->snap); /* others must not live as long as this waits */
    r->snap = NULL;
    request_suspend(r);
    api->n_asking++;
    request_watch_peer(r, peer_gone);
    if (api_ask_proxies(api, q))
        return;
    api->n_asking--;
    request_forget_peer(r);
    ads_question_free(q);
    answer_fault(r, ERR_UNAVAILABLE, "the proxies' port is not open");
    request_resume(r);
}
