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

struct registered {
    struct list node; /* in 'expiring' while nobody holds it */
    char *id;
    struct str mesh, name;             /* parts of 'id' */
    size_t n_streams, n_registrations; /* that have not ended; that the writer has not answered */
    size_t names_size;                 /* bytes that the names cost which its streams subscribe to */
    int64_t deadline;
};

struct registration {
    struct mail mail; /* from the writer to the loop */
    struct registry *registry;
    struct registered *proxy;
    struct admit_request *request;
    void (*done)(void *ctx, enum err_kind, struct str text); /* NULL: cancelled */
    void *ctx;
};

struct removal {
    struct mail mail;
    struct registry *registry;
    struct admit_request *request;
};

/* ---- who is there ---- */

/* Keeps the list sorted; nearly all delays are equal, so the place is nearly always the end. */
static void expire_at(struct registry *reg, struct registered *p, int64_t deadline)
{
    struct list *after = reg->expiring.prev;
    p->deadline = deadline;
    while (after != &reg->expiring && LIST_ITEM(after, struct registered, node)->deadline > deadline)
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

void registry_init(struct registry *reg, const struct ads_options *options)
{
    *reg = (struct registry){.options = options};
    map_init(&reg->proxies);
    list_init(&reg->expiring);
    int64_t delay = options->deregistration_delay_ns;
    int64_t deadline = clock_mono_ns() + (delay > START_GRACE_NS ? delay : START_GRACE_NS);
    struct snap *snap = store_snap(options->store);
    struct snap_range all = snap_range(snap, RES_DATAPLANE, STR_NONE);
    struct snap_iter it = snap_iter(&all);
    const struct resource *r;
    while ((r = snap_next(&it))) {
        if (r->origin == ORIGIN_PROXY)
            expire_at(reg, find_or_add(reg, r->key.mesh, r->key.name), deadline);
    }
    snap_unref(snap);
}

void registry_fini(struct registry *reg)
{
    assert(reg->n_under_way == 0);
    LIST_FOR (node, &reg->expiring)
        forget(reg, LIST_ITEM(node, struct registered, node));
    assert(reg->proxies.n == 0);
    map_fini(&reg->proxies);
}

static bool is_held(const struct registered *p)
{
    return p->n_streams > 0 || p->n_registrations > 0;
}

static void expire_unless_held(struct registry *reg, struct registered *p)
{
    if (!is_held(p))
        expire_at(reg, p, clock_mono_ns() + reg->options->deregistration_delay_ns);
}

struct registered *registry_hold(struct registry *reg, const struct proxy_node *node)
{
    struct registered *p = find_or_add(reg, node->params.mesh, node->params.name);
    if (p->n_streams == STREAMS_MAX)
        return NULL;
    p->n_streams++;
    list_del(&p->node);
    return p;
}

void registry_release(struct registry *reg, struct registered *p)
{
    assert(p->n_streams > 0);
    p->n_streams--;
    expire_unless_held(reg, p);
}

bool registered_name(struct registered *p, size_t before, size_t after)
{
    p->names_size = p->names_size - before + after;
    return after <= before || p->names_size <= PROXY_NAMES_MAX;
}

size_t registered_streams(const struct registered *p)
{
    return p->n_streams;
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
    r->registry->n_under_way--;
    if (r->done) {
        struct str text = STR_NONE;
        if (req->kind != ERR_NONE)
            text = arena_printf(&req->arena, "could not register proxy passed in kuma-dp run: " STR_FMT,
                                STR_ARG(refusal_text(req)));
        r->done(r->ctx, req->kind, text);
    }
    r->proxy->n_registrations--;
    expire_unless_held(r->registry, r->proxy);
    admit_request_free(req);
    free(r);
}

static void registration_written(struct admit_request *req)
{
    struct registration *r = req->ctx;
    mailbox_send(r->registry->options->mailbox, &r->mail);
}

struct registration *registry_submit(struct registry *reg, struct registered *proxy,
                                     struct resource *dataplane, const struct resource *stored,
                                     void (*done)(void *ctx, enum err_kind, struct str text), void *ctx)
{
    struct registration *r = xcalloc(1, sizeof(*r));
    struct admit_request *req = admit_request_new(1);
    *r = (struct registration){.mail.handle = answer_registration,
                               .registry = reg,
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
    proxy->n_registrations++;
    reg->n_under_way++;
    COUNT(xds_registrations);
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
    const struct admit_op *op = &r->request->ops[0];
    r->registry->n_under_way--;
    if (r->request->kind == ERR_NONE && op->outcome == OUTCOME_DELETED) {
        COUNT(xds_deregistrations);
        log_info("xds", "mesh=" STR_FMT " proxy=" STR_FMT " deregistered", STR_ARG(op->key.mesh),
                 STR_ARG(op->key.name));
    } else if (r->request->kind != ERR_NONE && r->request->kind != ERR_NOT_FOUND) {
        log_warn("xds",
                 "mesh=" STR_FMT " proxy=" STR_FMT " deregistration failed, will be tried again: " STR_FMT,
                 STR_ARG(op->key.mesh), STR_ARG(op->key.name), STR_ARG(refusal_text(r->request)));
        struct registered *p = find_or_add(r->registry, op->key.mesh, op->key.name);
        list_del(&p->node);
        expire_unless_held(r->registry, p);
    }
    admit_request_free(r->request);
    free(r);
}

static void removal_written(struct admit_request *req)
{
    struct removal *r = req->ctx;
    mailbox_send(r->registry->options->mailbox, &r->mail);
}

static void submit_removal(struct registry *reg, const struct res_key *key)
{
    struct removal *r = xcalloc(1, sizeof(*r));
    struct admit_request *req = admit_request_new(1);
    *r = (struct removal){.mail.handle = answer_removal, .registry = reg, .request = req};
    req->author = STR("ursa");
    req->origin = ORIGIN_PROXY;
    req->ops[0] = (struct admit_op){
        .kind = ADMIT_DELETE,
        .key = {key->type, arena_str(&req->arena, key->mesh), arena_str(&req->arena, key->name)},
        .if_origin_proxy = true};
    req->done = removal_written;
    req->ctx = r;
    reg->n_under_way++;
    admit_submit(reg->options->admit, req);
}

int64_t registry_deadline(const struct registry *reg)
{
    if (list_empty(&reg->expiring))
        return INT64_MAX;
    return LIST_ITEM(reg->expiring.next, struct registered, node)->deadline;
}

void registry_run_timers(struct registry *reg, int64_t now_ns)
{
    if (registry_deadline(reg) > now_ns)
        return;
    struct snap *snap = store_snap(reg->options->store);
    LIST_FOR (node, &reg->expiring) {
        struct registered *p = LIST_ITEM(node, struct registered, node);
        if (p->deadline > now_ns)
            break;
        const struct resource *stored = snap_find(snap, RES_DATAPLANE, p->mesh, p->name);
        if (stored && stored->origin == ORIGIN_PROXY)
            submit_removal(reg, &stored->key);
        forget(reg, p);
    }
    snap_unref(snap);
}
