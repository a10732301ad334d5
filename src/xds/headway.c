/* xds/headway.c -- how far a client has come: which state of the store it has taken over, and what lacks.
 *
 * A client that is quiet and has accepted everything has come as far as its configuration. One that is given
 * something new again and again is never quiet; so one response of each type is remembered with the state
 * that it brought, and its answer moves the client on. That one is enough: after its answer the newest
 * response is the next to be remembered. */
#include "session.h"

void headway_sent(struct session *s, enum xds_type t)
{
    struct headway *h = &s->headway[t];
    h->sent = s->sequence;
    if (h->next.nonce == 0) {
        h->next.nonce = s->subs[t].nonce;
        h->next.sequence = s->sequence;
    }
}

void headway_answered(struct session *s, enum xds_type t, bool accepted)
{
    const struct subscription *sub = &s->subs[t];
    struct headway *h = &s->headway[t];
    bool newest = sub->answered == sub->nonce;
    if (h->next.nonce == 0 || sub->answered < h->next.nonce)
        return;
    if (accepted)
        h->accepted = newest ? h->sent : h->next.sequence;
    h->next.nonce = newest ? 0 : sub->nonce;
    h->next.sequence = h->sent;
}

static bool is_asked_for(const struct session *s, enum xds_type t)
{
    const struct xds_list *list = s->config->lists[t];
    const struct subscription *sub = &s->subs[t];
    if (t == XDS_ENDPOINT) /* new clusters are accepted when their endpoints have come */
        return true;
    if (t == XDS_ROUTE ||
        t == XDS_EXTENSION) /* an accepted listener may name some that are yet to be asked for */
        return list->n == 0 || (sub->active && s->rules->covers(sub, list));
    return list->n == 0 || sub->active;
}

static enum lack lack_of_type(struct session *s, enum xds_type t, uint64_t sequence)
{
    const struct subscription *sub = &s->subs[t];
    bool waits, asked = is_asked_for(s, t);
    if (sub->active && asked && s->headway[t].accepted >= sequence)
        return LACK_NOTHING;
    if (sub->active && session_is_due(s, t, &waits))
        return waits ? LACK_CLUSTERS : LACK_SENDING;
    if (sub->active && sub->nonce != sub->answered)
        return LACK_ANSWER;
    if (sub->active && sub->refused)
        return LACK_CONSENT;
    return asked ? LACK_NOTHING : LACK_REQUEST;
}

struct session_lack session_lacks(struct session *s, uint64_t sequence)
{
    struct session_lack first = {LACK_NOTHING, XDS_N};
    if (!s->config)
        return (struct session_lack){LACK_CONFIG, XDS_N};
    for (enum xds_type t = 0; t < XDS_N; t++) {
        enum lack lack = lack_of_type(s, t, sequence);
        if (lack == LACK_CONSENT)
            return (struct session_lack){lack, t};
        if (lack != LACK_NOTHING && first.what == LACK_NOTHING)
            first = (struct session_lack){lack, t};
    }
    return first;
}

struct str session_refusal(const struct session *s, enum xds_type t)
{
    struct str text = str_from_c(s->nack), type = xds_type_info(t)->short_name;
    return str_has_prefix(text, type) ? str_slice(text, type.n + 2, text.n) : STR("");
}
