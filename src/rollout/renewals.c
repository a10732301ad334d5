/* renewals.c -- see renewals.h. */
#include "renewals.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"

#define RETRY_NS (60 * NS_PER_S)
/* A root that is made to live for a moment keeps nobody busy all the time. */
#define SPACE_NS (5 * NS_PER_S)
/* Roots live by the wall clock, timers by the monotonic one: after so long they are compared again. */
#define GLANCE_NS (3600 * NS_PER_S)

struct renewal {
    struct renewals *renewals;
    struct timer timer;
    bool is_away;       /* the writer is asked */
    int64_t not_before; /* monotonic: the next renewal */
    char mesh[];
};

/* ---- when ---- */

/* The certificate of the mesh's builtin CA, and when it is to be renewed (wall clock); NULL: it has none that
 * is enabled, or it cannot be read. */
static struct resource *find_root(const struct snap *snap, struct str name, int64_t *when)
{
    const struct resource *mesh = snap_find_mesh(snap, name), *secret = NULL;
    const struct ca_backend *enabled = mesh ? mesh_enabled_backend(resource_mesh(mesh)) : NULL;
    struct root_facts *roots;
    struct arena a;
    struct err e;
    size_t n = 0;
    if (!enabled || !str_eq(enabled->type, STR("builtin")))
        return NULL;
    arena_init(&a);
    err_init(&e, &a);
    struct res_key key = ca_builtin_cert_secret(&a, name, enabled->name);
    secret = snap_find(snap, key.type, key.mesh, key.name);
    if (secret && ca_describe_roots(resource_secret(secret)->data, &a, &roots, &n, &e) == ERR_NONE)
        *when = ca_root_renewal_ns(&roots[0]);
    arena_fini(&a);
    return n > 0 ? resource_ref((struct resource *)(uintptr_t)secret) : NULL;
}

static void come_due(struct timer *, int64_t now);

static struct renewal *renewal_get(struct renewals *rs, struct str mesh)
{
    struct renewal *r = map_find(&rs->meshes, mesh);
    if (r)
        return r;
    r = xcalloc(1, sizeof(*r) + mesh.n + 1);
    memcpy(r->mesh, mesh.p, mesh.n);
    r->renewals = rs;
    r->timer.expire = come_due;
    map_put(&rs->meshes, str_from_c(r->mesh), r);
    return r;
}

static void renewal_free(struct renewal *r)
{
    timer_clear(r->renewals->timers, &r->timer);
    map_del(&r->renewals->meshes, str_from_c(r->mesh));
    free(r);
}

/* ---- renewing ---- */

struct errand {
    struct mail mail;
    struct renewal *renewal;
    struct admit_request *request;
};

static void look(struct renewals *, const struct snap *, struct str mesh);

static void look_now(struct renewals *rs, struct str mesh)
{
    struct snap *snap = store_snap(rs->store);
    look(rs, snap, mesh);
    snap_unref(snap);
}

/* While the mesh is on its way the writer refuses: its arrival is news. */
static void take_errand(struct mail *mail)
{
    struct errand *errand = CONTAINER_OF(mail, struct errand, mail);
    struct renewal *r = errand->renewal;
    struct renewals *rs = r->renewals;
    const struct admit_op *op = &errand->request->ops[0];
    bool failed = errand->request->kind != ERR_NONE;
    if (!failed && op->outcome == OUTCOME_UPDATED) {
        log_info("rollout", "mesh=%s its builtin CA has renewed itself", r->mesh);
        COUNT(ca_renewals);
    } else if (failed && errand->request->kind != ERR_CONFLICT) {
        log_error("rollout", "mesh=%s its builtin CA cannot renew itself: " STR_FMT, r->mesh,
                  STR_ARG(op->err.text));
    }
    admit_request_free(errand->request);
    free(errand);
    r->is_away = false;
    rs->n_away--;
    if (failed && !rs->stopping)
        timer_set(rs->timers, &r->timer, clock_mono_ns() + RETRY_NS);
    else if (!rs->stopping)
        look_now(rs, str_from_c(r->mesh));
}

/* On the writer's thread. */
static void renewed(struct admit_request *req)
{
    struct errand *errand = req->ctx;
    mailbox_send(errand->renewal->renewals->box, &errand->mail);
}

static void renew(struct renewal *r, struct resource *secret)
{
    struct errand *errand = xcalloc(1, sizeof(*errand));
    errand->mail.handle = take_errand;
    errand->renewal = r;
    errand->request = admit_renew_ca_new(&secret->key, secret);
    errand->request->author = STR("ursa");
    errand->request->origin = ORIGIN_SYSTEM;
    errand->request->done = renewed;
    errand->request->ctx = errand;
    r->is_away = true;
    r->not_before = clock_mono_ns() + SPACE_NS;
    r->renewals->n_away++;
    admit_submit(r->renewals->admit, errand->request);
}

static void look(struct renewals *rs, const struct snap *snap, struct str mesh)
{
    int64_t when = 0, now = clock_wall_ns();
    struct resource *secret = find_root(snap, mesh, &when);
    struct renewal *r = map_find(&rs->meshes, mesh);
    if (r && r->is_away) {
        resource_unref(secret); /* looked at again when the answer is back */
        return;
    }
    if (!secret) {
        if (r)
            renewal_free(r);
        return;
    }
    r = renewal_get(rs, mesh);
    int64_t mono = clock_mono_ns();
    int64_t due = mono + (when - now < GLANCE_NS ? when - now : GLANCE_NS);
    due = due < r->not_before ? r->not_before : due;
    if (due <= mono)
        renew(r, secret);
    else
        timer_set(rs->timers, &r->timer, due);
    resource_unref(secret);
}

static void come_due(struct timer *timer, int64_t now)
{
    struct renewal *r = CONTAINER_OF(timer, struct renewal, timer);
    (void)now;
    look_now(r->renewals, str_from_c(r->mesh));
}

/* ---- from outside ---- */

bool renewals_concern(const struct change *c)
{
    const struct res_key *key = change_key(c);
    return key->type == RES_MESH || key->type == RES_MESH_POSTURE ||
           (key->type == RES_SECRET && str_find(key->name, STR(".ca-builtin-cert-")) < key->name.n);
}

void renewals_note(struct renewals *rs, const struct change *c)
{
    const struct res_key *key = change_key(c);
    if (renewals_concern(c) && rs->admit && !rs->stopping)
        look_now(rs, key->type == RES_MESH ? key->name : key->mesh);
}

void renewals_init(struct renewals *rs, struct store *store, struct mailbox *box, struct timers *timers)
{
    *rs = (struct renewals){.store = store, .box = box, .timers = timers};
    map_init(&rs->meshes);
}

void renewals_start(struct renewals *rs, struct admit *admit)
{
    struct snap *snap = store_snap(rs->store);
    struct snap_range range = snap_range(snap, RES_MESH, STR_NONE);
    struct snap_iter it = snap_iter(&range);
    rs->admit = admit;
    for (const struct resource *mesh; (mesh = snap_next(&it));)
        look(rs, snap, mesh->key.name);
    snap_unref(snap);
}

void renewals_fini(struct renewals *rs)
{
    size_t at = 0;
    struct str mesh;
    void *r;
    while (map_next(&rs->meshes, &at, &mesh, &r)) {
        timer_clear(rs->timers, &((struct renewal *)r)->timer);
        free(r);
    }
    map_fini(&rs->meshes);
}
