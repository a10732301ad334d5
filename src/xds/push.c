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
 *  - What is gone stays with the client until the listeners and routes of the newest configuration were
 * accepted: clusters in the state of the world, where a last response leaves them out; everything but
 * listeners in the incremental variant, which then tells removals of their own in reverse order. While a
 * client refuses its listeners, the old ones run on and keep their clusters. After a reconnect the
 * incremental client tells its clusters before its listeners and routes, and until it has asked for those too
 * nothing goes; in the state of the world it is not known which clusters the client has, so nothing is kept
 * then. */
#include "session.h"

#include <assert.h>

#include "ursa/base/count.h"

void session_set_config(struct session *s, struct config_set *config)
{
    struct config_set *old = s->config;
    s->config = config_set_ref(config);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (!old || old->lists[t] != config->lists[t])
            s->rules->renew(&s->subs[t]);
    }
    config_set_unref(old);
}

static bool is_due(struct session *s, enum xds_type t, bool hold)
{
    return s->rules->is_due(&s->subs[t], s->config->lists[t], hold && t != XDS_LISTENER);
}

/* Removals that are told wait for nothing but themselves. */
static bool is_settled(struct session *s, enum xds_type t)
{
    return !s->subs[t].active ||
           (!is_due(s, t, s->rules->tells_removals) && subscription_is_accepted(&s->subs[t]));
}

bool session_is_serving(struct session *s)
{
    if (!s->config || !is_settled(s, XDS_LISTENER) || !is_settled(s, XDS_SECRET))
        return false;
    return s->subs[XDS_LISTENER].active &&
           (s->subs[XDS_SECRET].active || s->config->lists[XDS_SECRET]->n == 0);
}

static bool waits_for_clusters(const struct session *s, enum xds_type t)
{
    return (t == XDS_LISTENER || t == XDS_ROUTE) && !s->subs[t].owed &&
           s->growing > s->subs[XDS_CLUSTER].answered;
}

/* What it has of listeners and routes may need what it has of clusters. */
static bool is_still_telling(const struct session *s)
{
    return s->came_back && (!s->subs[XDS_LISTENER].active ||
                            (!s->subs[XDS_ROUTE].active && s->config->lists[XDS_ROUTE]->n > 0));
}

static void decide_holding(struct session *s)
{
    s->holds = is_still_telling(s) || !(is_settled(s, XDS_LISTENER) && is_settled(s, XDS_ROUTE));
}

/* Removals go last, and in reverse order: what may be used goes after what may use it. */
static enum xds_type removal_due(struct session *s)
{
    bool telling = is_still_telling(s);
    for (enum xds_type t = XDS_N; s->rules->tells_removals && t-- > 0;) {
        if (is_due(s, t, s->holds) && !waits_for_clusters(s, t)) {
            s->removes = true;
            return t;
        }
        s->waits |= telling && is_due(s, t, false);
    }
    return XDS_N;
}

enum xds_type session_due(struct session *s)
{
    s->waits = s->removes = false;
    if (!s->config)
        return XDS_N;
    decide_holding(s);
    if (s->endpoints_owed && s->subs[XDS_ENDPOINT].active) {
        s->endpoints_owed = false;
        s->rules->repeat_late(&s->subs[XDS_ENDPOINT], &s->subs[XDS_CLUSTER]);
    }
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (!is_due(s, t, s->holds || s->rules->tells_removals))
            continue;
        if (!waits_for_clusters(s, t))
            return t;
        s->waits = true;
    }
    return removal_due(s);
}

bool session_is_due(struct session *s, enum xds_type t, bool *waits)
{
    decide_holding(s);
    *waits = waits_for_clusters(s, t);
    return is_due(s, t, s->holds);
}

void session_stop_waiting(struct session *s)
{
    s->growing = 0;
    s->came_back = false;
}

static void clusters_sent(struct session *s, const struct xds_response *r)
{
    if (r->adds)
        s->growing = r->nonce;
    if (s->subs[XDS_ENDPOINT].active)
        s->rules->repeat(&s->subs[XDS_ENDPOINT], r);
    else
        s->endpoints_owed |= r->changes;
}

void session_send(struct session *s, enum xds_type t, struct xds_response *out)
{
    bool hold = (s->holds || (s->rules->tells_removals && !s->removes)) && t != XDS_LISTENER;
    assert(s->rules->is_due(&s->subs[t], s->config->lists[t], hold));
    s->rules->send(&s->subs[t], s->config->lists[t], hold, out);
    COUNT(xds_responses);
    headway_sent(s, t);
    if (t == XDS_CLUSTER)
        clusters_sent(s, out);
}
