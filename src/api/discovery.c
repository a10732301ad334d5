/* discovery.c -- POST /v3/discovery:<type>: proxies that poll for their configuration (decision 20).
 *
 * A loop of net answers, by mail, when there is something new or the time is up; the request is suspended
 * meanwhile. A client that hangs up is answered at once, so that nothing waits on behalf of nobody. */
#include "receive.h"
#include "router.h"
#include "server.h"

static const struct str paths[XDS_N] = {
    [XDS_CLUSTER] = STR_INIT("discovery:clusters"), [XDS_ENDPOINT] = STR_INIT("discovery:endpoints"),
    [XDS_SECRET] = STR_INIT("discovery:secrets"),   [XDS_LISTENER] = STR_INIT("discovery:listeners"),
    [XDS_ROUTE] = STR_INIT("discovery:routes"),     [XDS_EXTENSION] = STR_INIT("discovery:extension_configs"),
    [XDS_RUNTIME] = STR_INIT("discovery:runtime"),
};

static enum xds_type type_of(const struct request *r)
{
    enum xds_type type = 0;

    while (type < XDS_N && !str_eq(r->segments[r->n_segments - 1], paths[type]))
        type++;
    return type;
}

/* The answer's memory becomes the response's. */
static void answer_response(struct request *r, struct ads_poll *p)
{
    struct buf body;

    buf_init(&body, ANSWER_MAX);
    body.p = (uint8_t *)p->json;
    body.n = body.size = p->json_size;
    p->json = NULL;
    r->secret = true;
    answer_take(r, 200, TYPE_JSON, &body);
}

static void answer_poll(struct mail *mail)
{
    struct ads_poll *p = CONTAINER_OF(mail, struct ads_poll, mail);
    struct request *r = p->ctx;

    if (p->kind != ERR_NONE)
        answer_fault(r, p->kind, STR_FMT, STR_ARG(p->text));
    else if (p->json)
        answer_response(r, p);
    else
        answer_empty(r, 304);
    request_forget_peer(r);
    request_resume(r);
    ads_poll_free(p);
}

static void peer_gone(struct request *r)
{
    struct api *api = r->server->api;

    lock_take(&api->net_lock);
    if (api->net)
        ads_poll_hurry(net_ads(api->net), (uint64_t)(uintptr_t)r);
    lock_drop(&api->net_lock);
}

static bool ask(struct api *api, struct ads_poll *p)
{
    lock_take(&api->net_lock);
    bool running = api->net != NULL;
    if (running)
        ads_poll(net_ads(api->net), p);
    lock_drop(&api->net_lock);
    return running;
}

void discovery_post(struct request *r)
{
    struct str authorization = request_header(r, "Authorization");
    struct ads_poll *p;

    r->title = "Could not discover";
    r->show_text = true;
    if (r->options->bootstrap.authenticate && !authorization.p) {
        answer_fault(r, ERR_UNAUTHENTICATED,
                     "authentication failed: there must be exactly one authorization value");
        return;
    }
    p = ads_poll_new(&(struct credential){.text = authorization, .source = r->source});
    if (ads_poll_read(p, type_of(r), buf_str(&r->body), &r->err) != ERR_NONE) {
        answer_error(r);
        ads_poll_free(p);
        return;
    }
    receive_spare_body(r); /* Envoy's has 60 kB, and there may be very many that wait */
    p->mail.handle = answer_poll;
    p->box = &r->server->api->mailbox;
    p->ctx = r;
    p->id = (uint64_t)(uintptr_t)r;
    snap_unref(r->snap); /* others must not live as long as this waits */
    r->snap = NULL;
    request_suspend(r);
    request_watch_peer(r, peer_gone);
    if (ask(r->server->api, p))
        return;
    request_forget_peer(r);
    ads_poll_free(p);
    answer_fault(r, ERR_UNAVAILABLE, "the proxies' port is not open");
    request_resume(r);
}
