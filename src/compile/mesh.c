/* One mesh of the engine: its proxies, what they lack, and the passes that bring it to them. */
#include "engine.h"
#include "functions.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"

/* What a pass costs, and the mesh rests for: its own time, and what a loop spends on each delivery until it
 * is sent and acknowledged. */
#define DELIVERY_COST (NS_PER_MS / 25)
#define REST_MIN NS_PER_MS /* the thread's timers are no finer */
#define REST_MAX (200 * NS_PER_MS)
/* What a proxy that comes has for itself: its certificates are issued, and it asks for one thing after the
 * other, before the others of its mesh are told of it. */
#define LEAD (10 * NS_PER_MS)

/* ---- whose turn it is ---- */

/* Within a pass a mesh waits for its turn only. The next pass waits until as much time has gone by as the
 * last one cost: what arrives in growing numbers is compiled in growing groups, and a mesh that never stands
 * still takes half of the thread's time at most. A proxy that comes waits for no rest: the view moves at
 * once, and who has something already follows when the rest is over. */
static bool is_resting(const struct engine_mesh *m)
{
    return clock_mono_ns() < m->rests_until;
}

static bool has_newcomers(const struct engine_mesh *m)
{
    return m->expects || !list_empty(&m->waiting);
}

static bool may_begin(const struct engine_mesh *m, bool rests)
{
    return m->changed_since && (list_empty(&m->due) || m->leads) && (!rests || has_newcomers(m));
}

/* Whose turn it is among those that are due, or NULL. */
static struct engine_proxy *next_due(const struct engine_mesh *m, bool rests)
{
    if (list_empty(&m->due))
        return NULL;
    struct engine_proxy *p = LIST_ITEM(m->due.next, struct engine_proxy, due);
    return p->answered && m->leads && rests ? NULL : p;
}

static void schedule(struct engine_mesh *m)
{
    struct engine *e = m->engine;
    if (!m->lacks_since && !m->changed_since)
        list_del(&m->lacking);
    else if (list_empty(&m->lacking))
        list_add_tail(&e->lacking, &m->lacking);
    bool rests = is_resting(m);
    if (rests && (m->changed_since || m->leads))
        timer_set(&e->resting, &m->rest, m->rests_until);
    if (!may_begin(m, rests) && !next_due(m, rests))
        turn_leave(&m->ready);
    else
        turns_wait(&e->ready, &m->ready);
}

static void end_rest(struct timer *timer, int64_t now)
{
    (void)now;
    schedule(CONTAINER_OF(timer, struct engine_mesh, rest));
}

/* ---- changes and the view ---- */

/* A proxy that brought its Dataplane attaches when that is stored. */
static bool announces(const struct engine_mesh *m, const struct change *c)
{
    const struct resource *dp = c->after;
    return dp && dp->origin == ORIGIN_PROXY && dp->key.type == RES_DATAPLANE &&
           !map_find(&m->by_name, dp->key.name);
}

void engine_mesh_note(struct engine_mesh *m, const struct change *c, uint64_t sequence)
{
    m->expects |= announces(m, c);
    if (c->before)
        resource_ref(c->before);
    if (c->after)
        resource_ref(c->after);
    VEC_PUSH(&m->changes, *c);
    if (!m->changed_since)
        m->changed_since = sequence;
    schedule(m);
}

bool engine_mesh_has_noted(const struct engine_mesh *m, const struct change *c)
{
    const struct change *last = m->changes.n ? &m->changes.v[m->changes.n - 1] : NULL;
    return last && last->before == c->before && last->after == c->after;
}

static void drop_changes(struct engine_mesh *m)
{
    for (size_t i = 0; i < m->changes.n; i++) {
        resource_unref(m->changes.v[i].before);
        resource_unref(m->changes.v[i].after);
    }
    VEC_FINI(&m->changes);
    m->changed_since = 0;
}

static void move_view(struct engine_mesh *m)
{
    struct view *next = m->view ? view_next(m->view, m->engine->snap, m->changes.v, m->changes.n, NULL, NULL)
                                : view_new(m->engine->snap, str_from_c(m->name));
    if (next || m->view)
        compiler_update(m->compiler, next, m->changes.v, m->changes.n);
    view_unref(m->view);
    m->view = next;
    list_del(&m->by_age);
    list_add_tail(&m->engine->by_age, &m->by_age);
}

void engine_mesh_refresh(struct engine_mesh *m)
{
    list_del(&m->by_age);
    list_add_tail(&m->engine->by_age, &m->by_age);
    if (m->view && !m->changed_since)
        move_view(m);
}

/* ---- proxies ---- */

static bool same_params(const struct proxy_params *a, const struct proxy_params *b)
{
    return str_eq(a->name, b->name) && a->admin_port == b->admin_port &&
           str_eq(a->admin_address, b->admin_address) && a->dns_port == b->dns_port &&
           a->empty_dns_port == b->empty_dns_port;
}

/* The newest state that the view is equal to, as far as this mesh is concerned. */
static uint64_t covered(const struct engine_mesh *m)
{
    return m->changed_since ? m->changed_since - 1 : snap_sequence(m->engine->snap);
}

static void proxy_deliver(struct engine_proxy *p, struct config_set *set)
{
    bool same = p->delivered == set || (p->delivered && set && config_set_eq(p->delivered, set));
    if (p->answered && same)
        return;
    config_set_unref(p->delivered);
    p->delivered = set ? config_set_ref(set) : NULL;
    p->answered = true;
    COUNT(compile_deliveries);
    p->mesh->n_delivered++;
    p->deliver(p->ctx, set, covered(p->mesh));
}

/* A new proxy that waits for its certificate does not count: it lacks everything, and its stream knows that.
 */
static void set_held(struct engine_proxy *p, bool held)
{
    held = held && p->answered;
    p->mesh->n_held += (size_t)held - (size_t)p->held;
    p->held = held;
}

static void checks_compile(struct engine_proxy *p)
{
    struct blob *checks = compiler_health_checks(p->mesh->compiler, &p->params);
    bool same = p->checks == checks || (p->checks && checks && blob_eq(p->checks, checks));
    if (!p->answered || !same)
        p->deliver_checks(p->ctx, checks);
    p->answered = true;
    blob_unref(p->checks);
    p->checks = checks;
}

static void proxy_compile(struct engine_proxy *p)
{
    if (p->deliver_checks) {
        checks_compile(p);
        return;
    }
    struct arena a;
    arena_init(&a);
    struct err err;
    err_init(&err, &a);
    struct config_set *set = NULL;
    enum err_kind kind = compiler_config(p->mesh->compiler, &p->params, &set, &err);
    if (kind == ERR_BUG)
        log_error("compile", "mesh=%s proxy=" STR_FMT " %.*s", p->mesh->name, STR_ARG(p->params.name),
                  STR_ARG(err.text));
    set_held(p, kind == ERR_UNAVAILABLE);
    if (kind != ERR_UNAVAILABLE)
        proxy_deliver(p, set);
    config_set_unref(set);
    arena_fini(&a);
}

/* Who has nothing yet comes before all who have something. */
static void make_due(struct engine_proxy *p, uint64_t since)
{
    struct engine_mesh *m = p->mesh;
    if (list_empty(&p->due))
        list_add_tail(p->answered ? &m->due : m->due.next, &p->due);
    if (!m->lacks_since)
        m->lacks_since = since;
}

/* Every stream of the proxy among these; false: there is none. */
static bool make_name_due(const struct map *proxies, struct str name, uint64_t since)
{
    struct engine_proxy *p = map_find(proxies, name);
    if (!p)
        return false;
    make_due(p, since);
    LIST_FOR (node, &p->twins)
        make_due(LIST_ITEM(node, struct engine_proxy, twins), since);
    return true;
}

/* The memo may still know that a certificate is to come, from a stream that has gone since: the next one must
 * not wait for it. */
bool engine_mesh_touch(struct engine_mesh *m, struct str name)
{
    compiler_touch_certificates(m->compiler, name);
    if (!make_name_due(&m->by_name, name, covered(m)))
        return false;
    schedule(m);
    return true;
}

void engine_mesh_touch_host(struct engine_mesh *m, struct str name)
{
    if (!compiler_touch_host(m->compiler, name))
        return;
    m->collects = true;
    LIST_FOR (node, &m->proxies)
        make_due(LIST_ITEM(node, struct engine_proxy, in_mesh), covered(m));
    schedule(m);
}

/* ---- passes ---- */

/* Whom the changes may concern, and who came with them. */
static void find_due(struct engine_mesh *m, uint64_t since)
{
    struct str name;
    while (compiler_next_stale(m->compiler, &name)) {
        make_name_due(&m->by_name, name, since);
        make_name_due(&m->checked, name, since);
    }
    LIST_FOR (node, &m->waiting) {
        list_del(node);
        make_due(LIST_ITEM(node, struct engine_proxy, due), since);
    }
}

static void all_due(struct engine_mesh *m, uint64_t since)
{
    LIST_FOR (node, &m->proxies) {
        struct engine_proxy *p = LIST_ITEM(node, struct engine_proxy, in_mesh);
        list_del(&p->due);
        make_due(p, since);
    }
}

/* Those who come while others wait already do not make that longer. */
static void take_lead(struct engine_mesh *m)
{
    int64_t until = clock_mono_ns() + LEAD;
    if (has_newcomers(m) && list_empty(&m->due)) {
        m->leads = true;
        m->rests_until = m->rests_until > until ? m->rests_until : until;
    }
    m->expects = false;
}

static void begin_pass(struct engine_mesh *m)
{
    uint64_t since = m->changed_since;
    take_lead(m);
    for (size_t i = 0; i < m->changes.n; i++)
        issuer_note(m->engine->issuer, &m->changes.v[i]);
    bool existed = m->view;
    move_view(m);
    drop_changes(m);
    m->collects = true;
    if (existed && m->view)
        find_due(m, since);
    else
        all_due(m, since);
    COUNT(compile_passes);
}

static void end_pass(struct engine_mesh *m)
{
    if (m->collects)
        compiler_collect(m->compiler);
    m->collects = m->leads = false;
    if (m->n_held == 0)
        m->lacks_since = 0;
    int64_t cost = m->spent + (int64_t)m->n_delivered * DELIVERY_COST;
    if (cost >= REST_MIN)
        m->rests_until = clock_mono_ns() + (cost < REST_MAX ? cost : REST_MAX);
    m->spent = 0;
    m->n_delivered = 0;
}

void engine_mesh_run(struct engine_mesh *m, int64_t budget_ns)
{
    int64_t begin = clock_mono_ns(), took = 0;
    if (may_begin(m, is_resting(m)))
        begin_pass(m);
    m->leads = m->leads && is_resting(m);
    struct engine_proxy *p;
    for (; took < budget_ns && (p = next_due(m, is_resting(m))); took = clock_mono_ns() - begin) {
        if (p->deliver && !compiler_advance(m->compiler, &p->params, begin + budget_ns))
            continue; /* the next turn goes on with it */
        list_del(&p->due);
        proxy_compile(p);
    }
    took = clock_mono_ns() - begin;
    m->spent += took;
    turn_served(&m->ready, took);
    if (list_empty(&m->due))
        end_pass(m);
    schedule(m);
}

/* ---- who comes and goes ---- */

static struct engine_mesh *mesh_get(struct engine *e, struct str name)
{
    struct engine_mesh *m = map_find(&e->meshes, name);
    if (m)
        return m;
    m = xcalloc(1, sizeof *m);
    m->engine = e;
    m->name = xstrndup(name);
    list_init(&m->by_age);
    list_init(&m->proxies);
    list_init(&m->due);
    list_init(&m->waiting);
    turn_init(&m->ready);
    list_init(&m->lacking);
    m->rest.expire = end_rest;
    map_init(&m->by_name);
    map_init(&m->checked);
    struct compiler_options options = issuer_compiler_options(e->issuer);
    options.resolver = e->resolver;
    options.health = e->health;
    options.vips = e->vips;
    m->compiler = compiler_new(name, &options);
    move_view(m);
    map_put(&e->meshes, str_from_c(m->name), m);
    return m;
}

static void mesh_free(struct engine_mesh *m)
{
    struct engine *e = m->engine;
    map_del(&e->meshes, str_from_c(m->name));
    list_del(&m->by_age);
    turn_leave(&m->ready);
    list_del(&m->lacking);
    timer_clear(&e->resting, &m->rest);
    for (size_t i = 0; i < m->changes.n; i++)
        issuer_note(e->issuer, &m->changes.v[i]);
    drop_changes(m);
    compiler_free(m->compiler);
    view_unref(m->view);
    map_fini(&m->by_name);
    map_fini(&m->checked);
    free(m->name);
    free(m);
}

static struct map *map_of(const struct engine_proxy *p)
{
    return p->deliver ? &p->mesh->by_name : &p->mesh->checked;
}

/* A proxy that brought its Dataplane is attached behind that change and must not be asked for before it: with
 * changes that wait for a pass, so does the proxy. */
void engine_mesh_add(struct engine *e, struct engine_proxy *p)
{
    struct engine_mesh *m = mesh_get(e, p->params.mesh);
    p->mesh = m;
    struct engine_proxy *twin = map_find(map_of(p), p->params.name);
    if (twin)
        list_add_tail(&twin->twins, &p->twins);
    else
        map_put(map_of(p), p->params.name, p);
    list_add_tail(&m->proxies, &p->in_mesh);
    m->n_proxies += p->deliver != NULL;
    if (m->changed_since)
        list_add_tail(&m->waiting, &p->due);
    else
        make_due(p, snap_sequence(e->snap));
    schedule(m);
}

static bool has_equal_twin(const struct engine_proxy *p)
{
    LIST_FOR (node, &p->twins) {
        if (same_params(&LIST_ITEM(node, struct engine_proxy, twins)->params, &p->params))
            return true;
    }
    return false;
}

static void leave_mesh(struct engine_proxy *p)
{
    struct engine_mesh *m = p->mesh;
    if (map_find(map_of(p), p->params.name) == p) {
        struct engine_proxy *twin = LIST_ITEM(p->twins.next, struct engine_proxy, twins);
        if (twin == p)
            map_del(map_of(p), p->params.name);
        else
            map_put(map_of(p), twin->params.name, twin);
    }
    set_held(p, false);
    list_del(&p->twins);
    list_del(&p->in_mesh);
    list_del(&p->due);
    m->n_proxies -= p->deliver != NULL;
}

void engine_mesh_remove(struct engine_proxy *p)
{
    struct engine_mesh *m = p->mesh;
    bool again = has_equal_twin(p);
    leave_mesh(p);
    if (list_empty(&m->proxies)) {
        mesh_free(m);
        return;
    }
    if (!again) {
        if (p->deliver)
            compiler_forget(m->compiler, &p->params);
        else
            compiler_forget_health_checks(m->compiler, &p->params);
        m->collects = true;
    }
    if (list_empty(&m->due))
        end_pass(m);
    schedule(m);
}
