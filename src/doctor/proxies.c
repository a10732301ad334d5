/* proxies.c -- Dataplanes and their proxies: who is not there, not let in, refuses, or has a certificate of
 * the past. */
#include <arpa/inet.h>

#include "exam.h"
#include "ursa/base/clock.h"
#include "ursa/insight.h"

/* Who has just been made or has just left is not worth a word. */
#define SETTLES_NS (60 * NS_PER_S)
/* Renewal begins before 4/5 of a certificate's life; by then it must be over. */
#define RENEWED_BY(life_ns) ((life_ns) / 20 * 17)

static struct finding *add(struct mesh_exam *m, const struct resource *dp, enum finding_id id,
                           enum finding_severity severity)
{
    struct finding *f = mesh_add(m, id, severity);

    if (f)
        f->resource = resource_title(m->exam->arena, dp);
    return f;
}

/* ---- not let in ---- */

static void check_membership(struct mesh_exam *m, const struct resource *dp)
{
    struct arena *a = m->exam->arena;
    struct finding *f;
    struct err e;

    err_init(&e, &m->scratch);
    if (!m->spec->constraints ||
        mesh_check_membership(m->spec, m->name, resource_dataplane(dp), &e) == ERR_NONE)
        return;
    f = add(m, dp, FOUND_DATAPLANE_NOT_LET_IN, FINDING_WARNING);
    if (!f)
        return;
    f->text = arena_printf(a, "it would not be let in again: " STR_FMT, STR_ARG(e.causes[0].reason));
    f->remedy = arena_printf(a,
                             "change its tags, constraints.dataplaneProxy of Mesh " STR_FMT
                             ", or 'ursactl delete dataplane " STR_FMT " --mesh " STR_FMT "'",
                             STR_ARG(m->name), STR_ARG(dp->key.name), STR_ARG(m->name));
}

/* ---- not there ---- */

static bool is_called(const struct resource *dp)
{
    const struct dp_networking *net = resource_dataplane(dp)->networking;

    for (size_t i = 0; i < net->n_inbound; i++)
        if (inbound_is_healthy(&net->inbound[i]) && inbound_is_served(&net->inbound[i]))
            return true;
    return false;
}

/* When it was last there, or made when it never was. */
static int64_t last_seen(const struct resource *dp, const struct dataplane_insight_spec *insight, bool *never)
{
    int64_t seen = 0;

    for (size_t i = 0; insight && i < insight->n_subscriptions; i++)
        if (insight->subscriptions[i].disconnect_time.ns > seen)
            seen = insight->subscriptions[i].disconnect_time.ns;
    *never = seen == 0;
    return *never ? dp->created_ns : seen;
}

static void check_presence(struct mesh_exam *m, const struct resource *dp,
                           const struct dataplane_insight_spec *insight)
{
    struct arena *a = m->exam->arena;
    struct finding *f;
    bool never;
    int64_t since = last_seen(dp, insight, &never);

    if (!is_called(dp) || m->exam->world->now_ns - since < SETTLES_NS ||
        dataplane_is_online(m->exam->world->snap, dp) ||
        !(f = add(m, dp, FOUND_PROXY_OFFLINE, FINDING_WARNING)))
        return;
    f->text = arena_printf(a, "its inbounds are ready and others are sent there, but its proxy %s " STR_FMT,
                           never ? "has not connected since it was made at" : "is not connected since",
                           STR_ARG(time_format(a, since)));
    f->remedy = arena_printf(
        a, "start its ursa-dp or kuma-dp, or 'ursactl delete dataplane " STR_FMT " --mesh " STR_FMT "'",
        STR_ARG(dp->key.name), STR_ARG(m->name));
}

/* ---- certificates ---- */

static void tell_other_backend(struct mesh_exam *m, const struct resource *dp, struct str issued,
                               struct str enabled)
{
    struct finding *f = add(m, dp, FOUND_CERTIFICATE_OF_OTHER_BACKEND, FINDING_WARNING);
    struct arena *a = m->exam->arena;

    if (!f)
        return;
    f->text =
        arena_printf(a, "its certificate is of backend " STR_FMT ", while " STR_FMT " is the enabled one",
                     STR_ARG(issued), STR_ARG(enabled));
    f->remedy = arena_printf(a,
                             "keep " STR_FMT
                             " among mtls.backends until it has another one; 'ursactl status --mesh " STR_FMT
                             "' names who has not taken over the state",
                             STR_ARG(issued), STR_ARG(m->name));
}

static void tell_not_renewed(struct mesh_exam *m, const struct resource *dp, int64_t expires_ns)
{
    bool past = expires_ns <= m->exam->world->now_ns;
    struct finding *f = add(m, dp, FOUND_CERTIFICATE_NOT_RENEWED, past ? FINDING_ERROR : FINDING_WARNING);
    struct arena *a = m->exam->arena;

    if (!f)
        return;
    f->text = arena_printf(a, "its certificate should have been renewed by now, and %s at " STR_FMT,
                           past ? "expired" : "expires", STR_ARG(time_format(a, expires_ns)));
    f->remedy = arena_printf(a,
                             "see whether the mesh's CA can sign (findings ca-*), and what "
                             "'ursactl inspect dataplane " STR_FMT " --mesh " STR_FMT "' says",
                             STR_ARG(dp->key.name), STR_ARG(m->name));
}

static void check_certificate(struct mesh_exam *m, const struct resource *dp,
                              const struct dataplane_insight_spec *insight)
{
    const struct ca_backend *enabled = mesh_enabled_backend(m->spec);
    const struct dp_mtls_insight *mtls = insight ? insight->mtls : NULL;
    int64_t issued, expires;

    if (!enabled || !mtls || !dataplane_is_online(m->exam->world->snap, dp))
        return;
    if (mtls->issued_backend.n && !str_eq(mtls->issued_backend, enabled->name))
        tell_other_backend(m, dp, mtls->issued_backend, enabled->name);
    issued = mtls->last_certificate_regeneration.ns;
    expires = mtls->certificate_expiration_time.ns;
    if (expires > issued && m->exam->world->now_ns > issued + RENEWED_BY(expires - issued))
        tell_not_renewed(m, dp, expires);
}

/* ---- all ---- */

void check_proxies(struct mesh_exam *m)
{
    const struct snap *snap = m->exam->world->snap;
    struct snap_iter it = snap_iter(&m->dataplanes);

    for (const struct resource *dp; (dp = snap_next(&it));) {
        const struct resource *r = snap_find(snap, RES_DATAPLANE_INSIGHT, m->name, dp->key.name);
        const struct dataplane_insight_spec *insight = r ? resource_dataplane_insight(r) : NULL;

        check_membership(m, dp);
        check_presence(m, dp, insight);
        check_certificate(m, dp, insight);
    }
}

/* ---- refusals ---- */

/* The list is of all meshes: found once, not once a mesh. */
void check_refusals(struct mesh_exam *m)
{
    const struct doctor_world *w = m->exam->world;
    struct arena *a = m->exam->arena;

    for (size_t i = 0; i < w->n_laggards; i++) {
        const struct ads_laggard *l = &w->laggards[i];
        struct finding *f;

        if (!l->refused || !str_eq(l->mesh, m->name) ||
            !(f = mesh_add(m, FOUND_PROXY_REFUSES, FINDING_ERROR)))
            continue;
        f->resource = arena_printf(a, STR_FMT " " STR_FMT, STR_ARG(res_type_info(RES_DATAPLANE)->name),
                                   STR_ARG(l->name));
        f->text =
            arena_printf(a, "its Envoy refuses what it was sent, and goes on with what it had: " STR_FMT,
                         STR_ARG(arena_str(a, l->reason)));
        f->remedy = arena_printf(
            a, "undo or correct the change ('ursactl history --mesh " STR_FMT "' says what was changed last)",
            STR_ARG(m->name));
    }
}
