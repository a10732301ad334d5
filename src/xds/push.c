/* xds/push.c -- what to send next: make before break.
 *
 * Types go out in the order of enum xds_type: clusters, endpoints, secrets, listeners, routes, extensions.
 * Beside that:
 *  - Endpoints follow every clusters response that changes a cluster, equal or not: Envoy holds the changed
 * cluster back (warming) until they come. They never wait for the ACK of the clusters, which Envoy withholds
 * meanwhile.
 *  - That withheld ACK is the signal that new clusters are ready: a change of listeners and routes waits for
 * the answer to a response that added clusters, so that no request meets a route to a cluster that is not
 * there yet. What a client asks for is never held back, and who keeps the time (stream.c) ends a wait in
 * vain: a client that does not answer must not run on old listeners for ever.
 *  - A clusters response carries the whole set, so removing is leaving out. Clusters that are gone stay in
 * the set ("retired") until the listeners and routes of the newest configuration were accepted; then a last
 * response leaves them out. While a client refuses its listeners, the old ones run on and keep their
 * clusters. After a reconnect it is not known which clusters the client has, so nothing is retired then. */
#include "session.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/count.h"

/* A client that refuses its listeners for ever must not collect clusters for ever. */
#define RETIRED_MAX 1000

struct resources {
    struct xds_resource *const *v;
    size_t n;
};

static int cluster_cmp(const void *a, const void *b)
{
    return str_cmp((*(struct xds_resource *const *)a)->name, (*(struct xds_resource *const *)b)->name);
}

static struct resources resources_of(struct session *s, enum xds_type t)
{
    const struct xds_list *list = s->config->lists[t];
    if (t == XDS_CLUSTER && s->retiring)
        return (struct resources){s->clusters.v, s->clusters.n};
    return (struct resources){list->v, list->n};
}

static void retired_drop(struct session *s)
{
    for (size_t i = 0; i < s->retired.n; i++)
        xds_resource_unref(s->retired.v[i]);
    VEC_CLEAR(&s->retired);
    VEC_CLEAR(&s->clusters);
}

/* Finds out which clusters the client was given that 'config' does not have any more. */
static void retire(struct session *s)
{
    struct cluster_vec kept = {0};
    for (size_t i = 0; i < s->retired.n; i++) {
        struct xds_resource *r = s->retired.v[i];
        if (!config_set_find(s->config, XDS_CLUSTER, r->name) &&
            !config_set_find(s->offered, XDS_CLUSTER, r->name))
            VEC_PUSH(&kept, xds_resource_ref(r));
    }
    const struct xds_list *old = s->offered->lists[XDS_CLUSTER];
    for (size_t i = 0; i < old->n; i++) {
        if (!config_set_find(s->config, XDS_CLUSTER, old->v[i]->name))
            VEC_PUSH(&kept, xds_resource_ref(old->v[i]));
    }
    retired_drop(s);
    VEC_FINI(&s->retired);
    s->retired = kept;
    if (kept.n > RETIRED_MAX)
        retired_drop(s);
    const struct xds_list *list = s->config->lists[XDS_CLUSTER];
    for (size_t i = 0; i < list->n && s->retired.n > 0; i++)
        VEC_PUSH(&s->clusters, list->v[i]);
    for (size_t i = 0; i < s->retired.n; i++)
        VEC_PUSH(&s->clusters, s->retired.v[i]);
    if (s->retired.n > 0)
        qsort(s->clusters.v, s->clusters.n, sizeof(struct xds_resource *), cluster_cmp);
}

void session_set_config(struct session *s, struct config_set *config)
{
    struct config_set *old = s->config;
    s->config = config_set_ref(config);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (!old || old->lists[t] != config->lists[t])
            s->subs[t].computed = false;
    }
    if (s->offered && old->lists[XDS_CLUSTER] != config->lists[XDS_CLUSTER])
        retire(s);
    config_set_unref(old);
}

static bool is_due(struct session *s, enum xds_type t)
{
    struct resources r = resources_of(s, t);
    return subscription_is_due(&s->subs[t], r.v, r.n);
}

static bool is_settled(struct session *s, enum xds_type t)
{
    return !s->subs[t].active || (!is_due(s, t) && subscription_is_accepted(&s->subs[t]));
}

bool session_is_serving(struct session *s)
{
    if (!s->config || !is_settled(s, XDS_LISTENER) || !is_settled(s, XDS_SECRET))
        return false;
    return s->subs[XDS_LISTENER].active &&
           (s->subs[XDS_SECRET].active || s->config->lists[XDS_SECRET]->n == 0);
}

static void decide_retiring(struct session *s)
{
    bool retiring = s->retired.n > 0 && s->subs[XDS_CLUSTER].wildcard &&
                    !(is_settled(s, XDS_LISTENER) && is_settled(s, XDS_ROUTE));
    /* The set itself may have changed while 'retiring' did not. */
    if (retiring || s->retiring)
        s->subs[XDS_CLUSTER].computed = false;
    s->retiring = retiring;
}

/* The client has the clusters of its first request's version: as if they had been sent. */
static void note_offered(struct session *s)
{
    config_set_unref(s->offered);
    s->offered = config_set_ref(s->config);
}

static bool waits_for_clusters(const struct session *s, enum xds_type t)
{
    return (t == XDS_LISTENER || t == XDS_ROUTE) && !s->subs[t].owed &&
           s->growing > s->subs[XDS_CLUSTER].answered;
}

enum xds_type session_due(struct session *s)
{
    s->waits = false;
    if (!s->config)
        return XDS_N;
    decide_retiring(s);
    if (s->endpoints_owed && s->subs[XDS_ENDPOINT].active) {
        s->subs[XDS_ENDPOINT].fresh = s->endpoints_owed = false;
        subscription_ask_again(&s->subs[XDS_ENDPOINT]);
    }
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (is_due(s, t)) {
            if (!waits_for_clusters(s, t))
                return t;
            s->waits = true;
        }
        if (t == XDS_CLUSTER && s->subs[t].active && !s->offered)
            note_offered(s);
    }
    return XDS_N;
}

bool session_is_due(struct session *s, enum xds_type t, bool *waits)
{
    decide_retiring(s);
    *waits = waits_for_clusters(s, t);
    return is_due(s, t);
}

void session_stop_waiting(struct session *s)
{
    s->growing = 0;
}

/* Both sorted by name: did the new list add clusters, did it change one? */
static void compare_clusters(const struct xds_list *old, const struct xds_list *new, bool *added,
                             bool *changed)
{
    size_t i = 0;
    *added = *changed = false;
    for (size_t k = 0; k < new->n; k++) {
        while (i < old->n && str_cmp(old->v[i]->name, new->v[k]->name) < 0)
            i++;
        if (i == old->n || !str_eq(old->v[i]->name, new->v[k]->name))
            *added = true;
        else if (old->v[i]->version != new->v[k]->version)
            *changed = true;
    }
}

static void clusters_sent(struct session *s)
{
    bool added = false, changed = true; /* of a client that came back it is not known what it lacks */
    if (s->offered)
        compare_clusters(s->offered->lists[XDS_CLUSTER], s->config->lists[XDS_CLUSTER], &added, &changed);
    if (added)
        s->growing = s->subs[XDS_CLUSTER].nonce;
    if (changed && s->subs[XDS_ENDPOINT].active && !s->subs[XDS_ENDPOINT].fresh)
        subscription_ask_again(&s->subs[XDS_ENDPOINT]);
    else if (changed)
        s->endpoints_owed = true;
    note_offered(s);
    if (!s->retiring)
        retired_drop(s);
}

void session_send(struct session *s, enum xds_type t, struct xds_response *out)
{
    struct resources r = resources_of(s, t);
    assert(is_due(s, t));
    subscription_send(&s->subs[t], r.v, r.n, out);
    COUNT(xds_responses);
    headway_sent(s, t);
    if (t == XDS_CLUSTER)
        clusters_sent(s);
}
