/* xds/register.c -- stores and removes the Dataplanes that proxies bring; waits for the writer by mail. */
#include "register.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"

/* After a restart the proxies need time to come back: Envoy tries again at growing intervals of up to 30 s.
 */
#define START_GRACE_NS (60 * NS_PER_S)

/* One is enough, but those of broken connections are noticed late. */
#define STREAMS_MAX 32

/* Of a crowd that is gone; the deadline stays in the past for the rest. */
#define REMOVALS_AT_ONCE 100

struct registered {
    struct list node; /* in a desk's 'expiring' while nobody holds it */
    struct list live; /* the streams that are served, the newest last */
    char *id;
    struct str mesh, name;             /* parts of 'id' */
    size_t n_streams, n_registrations; /* that have not ended; that the writer has not answered */
    size_t names_size;                 /* bytes that the names cost which its streams subscribe to */
    int64_t deadline;
    bool removing;      /* a desk is about to ask for its removal */
    struct list parked; /* registrations that must come behind that */
};

struct registration {
    struct mail mail; /* from the writer to the loop */
    struct list node; /* in 'parked' */
    struct desk *desk;
    struct registered *proxy;
    struct admit_request *request;
    void (*done)(void *ctx, enum err_kind, struct str text); /* NULL: cancelled */
    void *ctx;
};

struct removal {
    struct mail mail;
    struct desk *desk;
    struct admit_request *request;
};

/* ---- who is there: under the lock ---- */

/* Keeps the list sorted; nearly all delays are equal, so the place is nearly always the end. */
static void expire_at(struct desk *desk, struct registered *p, int64_t deadline)
{
    struct list *after = desk->expiring.prev;
    p->deadline = deadline;
    while (after != &desk->expiring && LIST_ITEM(after, struct registered, node)->deadline > deadline)
        after = after->prev;
    list_add_tail(after->next, &p->node);
}

static struct registered *find_or_add(struct registry *reg, struct str mesh, struct str name)
{
    struct arena scratch;
    arena_init(&scratch);
    struct str id = arena_printf(&scratch, STR_FMT "." STR_FMT, STR_ARG(mesh), STR_ARG(name));
    struct registered *p = map_find(&reg->proxies, id);
    if (!p) {
        p = xcalloc(1, sizeof(*p));
        p->id = xstrndup(id);
        p->mesh = str_from(p->id, mesh.n);
        p->name = str_from(p->id + mesh.n + 1, name.n);
        list_init(&p->node);
        list_init(&p->live);
        list_init(&p->parked);
        map_put(&reg->proxies, str_from(p->id, id.n), p);
    }
    arena_fini(&scratch);
    return p;
}

static void forget(struct registry *reg, struct registered *p)
{
    list_del(&p->node);
    map_del(&reg->proxies, str_from_c(p->id));
    free(p->id);
    free(p);
}

static bool is_held(const struct registered *p)
{
    return p->n_streams > 0 || p->n_registrations > 0;
}

static void expire_unless_held(struct desk *desk, struct registered *p)
{
    if (!is_held(p) && !p->removing)
        expire_at(desk, p, clock_mono_ns() + desk->registry->options->deregistration_delay_ns);
}

/* ---- who is there ---- */

void registry_init(struct registry *reg, const struct ads_options *options)
{
    *reg = (struct registry){.options = options};
    lock_init(&reg->lock);
    map_init(&reg->proxies);
}

void registry_fini(struct registry *reg)
{
    assert(reg->proxies.n == 0);
    map_fini(&reg->proxies);
    lock_fini(&reg->lock);
}

void desk_init(struct desk *desk, struct registry *reg, struct mailbox *mailbox)
{
    *desk = (struct desk){.registry = reg, .mailbox = mailbox};
    list_init(&desk->expiring);
}

void desk_fini(struct desk *desk)
{
    assert(desk->n_under_way == 0);
    lock_take(&desk->registry->lock);
    LIST_FOR (node, &desk->expiring)
        forget(desk->registry, LIST_ITEM(node, struct registered, node));
    lock_drop(&desk->registry->lock);
}

void desk_await_stored(struct desk *desk)
{
    struct registry *reg = desk->registry;
    int64_t delay = reg->options->deregistration_delay_ns;
    int64_t deadline = clock_mono_ns() + (delay > START_GRACE_NS ? delay : START_GRACE_NS);
    struct snap *snap = store_snap(reg->options->store);
    struct snap_range all = snap_range(snap, RES_DATAPLANE, STR_NONE);
    struct snap_iter it = snap_iter(&all);
    const struct resource *r;
    while ((r = snap_next(&it))) {
        if (r->origin != ORIGIN_PROXY)
            continue;
        lock_take(&reg->lock);
        expire_at(desk, find_or_add(reg, r->key.mesh, r->key.name), deadline);
        lock_drop(&reg->lock);
    }
    snap_unref(snap);
}

struct registered *registry_hold(struct registry *reg, const struct proxy_node *node)
{
    lock_take(&reg->lock);
    struct registered *p = find_or_add(reg, node->params.mesh, node->params.name);
    bool has_room = p->n_streams < STREAMS_MAX;
    if (has_room) {
        p->n_streams++;
        list_del(&p->node);
    }
    lock_drop(&reg->lock);
    return has_room ? p : NULL;
}

void registry_release(struct desk *desk, struct registered *p)
{
    lock_take(&desk->registry->lock);
    assert(p->n_streams > 0);
    p->n_streams--;
    expire_unless_held(desk, p);
    lock_drop(&desk->registry->lock);
}

bool registered_live(struct registry *reg, struct registered *p, struct list *place)
{
    lock_take(&reg->lock);
    bool has_others = !list_empty(&p->live);
    list_add_tail(&p->live, place);
    lock_drop(&reg->lock);
    return has_others;
}

void registered_leave(struct registry *reg, struct list *place)
{
    lock_take(&reg->lock);
    list_del(place);
    lock_drop(&reg->lock);
}

bool registered_is_last(struct registry *reg, struct registered *p, const struct list *place)
{
    lock_take(&reg->lock);
    bool is_last = p->live.prev == place;
    lock_drop(&reg->lock);
    return is_last;
}

bool registered_name(struct registry *reg, struct registered *p, size_t before, size_t after)
{
    if (before == after)
        return true;
    lock_take(&reg->lock);
    p->names_size = p->names_size - before + after;
    bool fits = after <= before || p->names_size <= PROXY_NAMES_MAX;
    lock_drop(&reg->lock);
    return fits;
}

/* Why the writer refused; without a fault of the operation it was the writer itself (too much to do, the
 * disk). */
static struct str refusal_text(struct admit_request *req)
{
    const struct err *e = &req->ops[0].err;
    return e->kind != ERR_NONE ? err_render(e, &req->arena) : str_from_c(err_kind_name(req->kind));
}

/* ---- storing ---- */

static void answer_registration(struct mail *mail)
{
    struct registration *r = CONTAINER_OF(mail, struct registration, mail);
    struct admit_request *req = r->request;
    struct registry *reg = r->desk->registry;
    r->desk->n_under_way--;
    if (r->done) {
        struct str text = STR_NONE;
        if (req->kind != ERR_NONE)
            text = arena_printf(&req->arena, "could not register proxy passed in kuma-dp run: " STR_FMT,
                                STR_ARG(refusal_text(req)));
        r->done(r->ctx, req->kind, text);
    }
    lock_take(&reg->lock);
    r->proxy->n_registrations--;
    expire_unless_held(r->desk, r->proxy);
    lock_drop(&reg->lock);
    admit_request_free(req);
    free(r);
}

static void registration_written(struct admit_request *req)
{
    struct registration *r = req->ctx;
    mailbox_send(r->desk->mailbox, &r->mail);
}

/* A removal that another loop is about to ask for must not come behind it. */
static bool park(struct registry *reg, struct registration *r)
{
    lock_take(&reg->lock);
    r->proxy->n_registrations++;
    bool parked = r->proxy->removing;
    if (parked)
        list_add_tail(&r->proxy->parked, &r->node);
    lock_drop(&reg->lock);
    return parked;
}

struct registration *desk_submit(struct desk *desk, struct registered *proxy, struct resource *dataplane,
                                 const struct resource *stored,
                                 void (*done)(void *ctx, enum err_kind, struct str text), void *ctx)
{
    struct registry *reg = desk->registry;
    struct registration *r = xcalloc(1, sizeof(*r));
    struct admit_request *req = admit_request_new(1);
    *r = (struct registration){.mail.handle = answer_registration,
                               .desk = desk,
                               .proxy = proxy,
                               .request = req,
                               .done = done,
                               .ctx = ctx};
    req->author = arena_str(&req->arena, str_from_c(proxy->id));
    req->origin = stored && stored->origin == ORIGIN_API ? ORIGIN_API : ORIGIN_PROXY;
    req->ops[0] = (struct admit_op){
        .kind = ADMIT_PUT,
        .res = resource_ref(dataplane),
        .keep_unchanged = true,
        .if_base = true,
        .base = stored ? resource_ref((struct resource *)(uintptr_t)stored) : NULL, /* only counts */
    };
    req->done = registration_written;
    req->ctx = r;
    desk->n_under_way++;
    COUNT(xds_registrations);
    if (!park(reg, r))
        admit_submit(reg->options->admit, req);
    return r;
}

void registration_cancel(struct registration *r)
{
    if (r)
        r->done = NULL;
}

/* ---- removing ---- */

static void answer_removal(struct mail *mail)
{
    struct removal *r = CONTAINER_OF(mail, struct removal, mail);
    struct registry *reg = r->desk->registry;
    const struct admit_op *op = &r->request->ops[0];
    r->desk->n_under_way--;
    if (r->request->kind == ERR_NONE && op->outcome == OUTCOME_DELETED) {
        COUNT(xds_deregistrations);
        log_info("xds", "mesh=" STR_FMT " proxy=" STR_FMT " deregistered", STR_ARG(op->key.mesh),
                 STR_ARG(op->key.name));
    } else if (r->request->kind != ERR_NONE && r->request->kind != ERR_NOT_FOUND) {
        log_warn("xds",
                 "mesh=" STR_FMT " proxy=" STR_FMT " deregistration failed, will be tried again: " STR_FMT,
                 STR_ARG(op->key.mesh), STR_ARG(op->key.name), STR_ARG(refusal_text(r->request)));
        lock_take(&reg->lock);
        struct registered *p = find_or_add(reg, op->key.mesh, op->key.name);
        list_del(&p->node);
        expire_unless_held(r->desk, p);
        lock_drop(&reg->lock);
    }
    admit_request_free(r->request);
    free(r);
}

static void removal_written(struct admit_request *req)
{
    struct removal *r = req->ctx;
    mailbox_send(r->desk->mailbox, &r->mail);
}

static void submit_removal(struct desk *desk, const struct res_key *key)
{
    struct removal *r = xcalloc(1, sizeof(*r));
    struct admit_request *req = admit_request_new(1);
    *r = (struct removal){.mail.handle = answer_removal, .desk = desk, .request = req};
    req->author = STR("ursa");
    req->origin = ORIGIN_PROXY;
    req->ops[0] = (struct admit_op){
        .kind = ADMIT_DELETE,
        .key = {key->type, arena_str(&req->arena, key->mesh), arena_str(&req->arena, key->name)},
        .if_origin_proxy = true};
    req->done = removal_written;
    req->ctx = r;
    desk->n_under_way++;
    admit_submit(desk->registry->options->admit, req);
}

int64_t desk_deadline(const struct desk *desk)
{
    int64_t deadline = INT64_MAX;
    lock_take(&desk->registry->lock);
    if (!list_empty(&desk->expiring))
        deadline = LIST_ITEM(desk->expiring.next, struct registered, node)->deadline;
    lock_drop(&desk->registry->lock);
    return deadline;
}

/* The next whose time is up; no one else forgets it until removal_asked(). */
static struct registered *take_expired(struct desk *desk, int64_t now_ns)
{
    struct registered *p = NULL;
    lock_take(&desk->registry->lock);
    if (!list_empty(&desk->expiring)) {
        struct registered *first = LIST_ITEM(desk->expiring.next, struct registered, node);
        p = first->deadline <= now_ns ? first : NULL;
    }
    if (p) {
        list_del(&p->node);
        p->removing = true;
    }
    lock_drop(&desk->registry->lock);
    return p;
}

/* The removal is with the writer: whoever came back meanwhile may register now, behind it. */
static void removal_asked(struct registry *reg, struct registered *p)
{
    struct list parked;
    list_init(&parked);
    lock_take(&reg->lock);
    p->removing = false;
    LIST_FOR (node, &p->parked) {
        list_del(node);
        list_add_tail(&parked, node);
    }
    if (!is_held(p))
        forget(reg, p);
    lock_drop(&reg->lock);
    LIST_FOR (node, &parked)
        admit_submit(reg->options->admit, LIST_ITEM(node, struct registration, node)->request);
}

void desk_run_timers(struct desk *desk, int64_t now_ns)
{
    struct registry *reg = desk->registry;
    struct registered *p;
    for (size_t n = 0; n < REMOVALS_AT_ONCE && (p = take_expired(desk, now_ns)); n++) {
        struct snap *snap = store_snap(reg->options->store);
        const struct resource *stored = snap_find(snap, RES_DATAPLANE, p->mesh, p->name);
        if (stored && stored->origin == ORIGIN_PROXY)
            submit_removal(desk, &stored->key);
        snap_unref(snap);
        removal_asked(reg, p);
    }
}
