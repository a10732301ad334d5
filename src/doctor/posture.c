/* posture.c -- who in a mesh must prove who they are, and who may talk to whom at all. */
#include "ursa/posture.h"
#include "exam.h"
#include "ursa/base/clock.h"

#define STATES_MAX 20 /* of the past that are looked at in an examination, for all meshes together */

/* ---- PERMISSIVE ---- */

static bool is_permissive(const struct resource *mesh)
{
    const struct ca_backend *b = mesh ? mesh_enabled_backend(resource_mesh(mesh)) : NULL;

    return b && b->mode == CA_PERMISSIVE;
}

static bool was_permissive(struct mesh_exam *m, uint64_t revision)
{
    const struct history_scope scope = {.type = RES_MESH, .name = m->name};
    struct snap *then;
    struct err e;

    err_init(&e, &m->scratch);
    if (history_at(m->exam->world->history, revision, &scope, &then, &e) != ERR_NONE)
        return false;
    bool permissive = is_permissive(snap_find_mesh(then, m->name));
    snap_unref(then);
    return permissive;
}

/* Since when, as far back as the history is looked at; else since the Mesh was last written. */
static int64_t permissive_since(struct mesh_exam *m)
{
    const struct history_scope scope = {.type = RES_MESH, .name = m->name};
    int64_t since = m->resource->modified_ns;
    struct history_page page = {0};
    struct exam *x = m->exam;
    struct err e;

    err_init(&e, &m->scratch);
    if (!x->world->history || history_list(x->world->history, &scope, 0, STATES_MAX, &m->scratch, &page, &e))
        return since;
    for (size_t i = 0; i < page.n && x->n_states < STATES_MAX; i++) {
        x->n_states++;
        if (!was_permissive(m, page.entries[i].revision))
            break;
        since = page.entries[i].time_ns;
    }
    return since;
}

void check_permissive(struct mesh_exam *m)
{
    struct arena *a = m->exam->arena;
    struct finding *f;

    if (!is_permissive(m->resource) || !(f = mesh_add(m, FOUND_MTLS_PERMISSIVE, FINDING_WARNING)))
        return;
    f->resource = resource_title(a, m->resource);
    f->text = arena_printf(a,
                           "its proxies take calls without a certificate, from anybody, since " STR_FMT
                           ": mode PERMISSIVE is for moving in",
                           STR_ARG(time_format(a, permissive_since(m) / NS_PER_S * NS_PER_S)));
    f->remedy = arena_printf(a,
                             "when every workload that is called has a proxy, set mode of backend " STR_FMT
                             " of Mesh " STR_FMT " to STRICT",
                             STR_ARG(mesh_enabled_backend(m->spec)->name), STR_ARG(m->name));
}

/* ---- on its way to another CA, or to other TLS ---- */

/* A step takes seconds, and a proxy that is away is waited for a minute. */
#define STEP_NS (5 * 60 * NS_PER_S)

void check_journey(struct mesh_exam *m)
{
    const struct resource *record = posture_record(m->exam->world->snap, m->name);
    const struct mesh_posture_spec *posture = record ? resource_mesh_posture(record) : NULL;
    struct arena *a = m->exam->arena;
    struct finding *f;

    if (!posture || m->exam->world->now_ns - posture->since.ns < STEP_NS ||
        !(f = mesh_add(m, FOUND_MESH_ON_ITS_WAY, FINDING_WARNING)))
        return;
    f->resource = resource_title(a, m->resource);
    f->text = arena_printf(a, "it does not get on since " STR_FMT "%s: its proxies are told to " STR_FMT,
                           STR_ARG(time_format(a, posture->since.ns / NS_PER_S * NS_PER_S)),
                           posture->serve == SERVE_BOTH ? " and takes plain text, too" : "",
                           STR_ARG(posture_text(posture, a)));
    f->remedy = arena_printf(a,
                             "see at GET /meshes/" STR_FMT "/ca which proxies have not taken this over, and "
                             "restart or remove them, or what CA is at fault",
                             STR_ARG(m->name));
}

/* ---- permissions ---- */

static bool names_everybody(const struct selector *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].match.n == 1 && str_eq(tags_get(&v[i].match, TAG_SERVICE), STR("*")))
            return true;
    return false;
}

/* A permission for everybody to call everybody loses nothing where there is no mTLS. */
static bool is_for_all(const struct resource *permission)
{
    const struct policy_spec *p = resource_policy(permission);

    return names_everybody(p->sources, p->n_sources) && names_everybody(p->destinations, p->n_destinations);
}

static const struct resource *first_that_restricts(struct mesh_exam *m)
{
    struct snap_range classic = snap_range(m->exam->world->snap, RES_TRAFFIC_PERMISSION, m->name);
    struct snap_range targeted = snap_range(m->exam->world->snap, RES_MESH_TRAFFIC_PERMISSION, m->name);
    struct snap_iter it = snap_iter(&classic);

    for (const struct resource *r; (r = snap_next(&it));)
        if (!is_for_all(r))
            return r;
    return targeted.n ? snap_at(&targeted, 0) : NULL;
}

static void tell_without_effect(struct mesh_exam *m)
{
    const struct resource *permission = first_that_restricts(m);
    struct arena *a = m->exam->arena;
    struct finding *f;

    if (!permission || !(f = mesh_add(m, FOUND_PERMISSIONS_WITHOUT_MTLS, FINDING_WARNING)))
        return;
    f->resource = resource_title(a, m->resource);
    f->text =
        arena_printf(a,
                     "mTLS is off, so that " STR_FMT " and all other permissions have no effect: everybody "
                     "may call everybody",
                     STR_ARG(resource_title(a, permission)));
    f->remedy = arena_printf(a, "name a backend in mtls.enabledBackend of Mesh " STR_FMT, STR_ARG(m->name));
}

static void tell_nobody_may(struct mesh_exam *m)
{
    const struct snap *snap = m->exam->world->snap;
    struct arena *a = m->exam->arena;
    struct finding *f;

    if (m->dataplanes.n == 0 || snap_range(snap, RES_TRAFFIC_PERMISSION, m->name).n > 0 ||
        snap_range(snap, RES_MESH_TRAFFIC_PERMISSION, m->name).n > 0)
        return;
    if (!(f = mesh_add(m, FOUND_NOBODY_MAY_TALK, FINDING_ERROR)))
        return;
    f->resource = resource_title(a, m->resource);
    f->text = STR("mTLS is on and there is no permission: every call is refused");
    f->remedy = arena_printf(a, "apply a TrafficPermission or a MeshTrafficPermission to mesh " STR_FMT,
                             STR_ARG(m->name));
}

void check_permissions(struct mesh_exam *m)
{
    if (mesh_enabled_backend(m->spec))
        tell_nobody_may(m);
    else
        tell_without_effect(m);
}
