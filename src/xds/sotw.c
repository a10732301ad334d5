/* xds/sotw.c -- one resource type of one stream in the state-of-the-world variant. The rules are those of
 * Envoy's xDS protocol document and of xds.md sections 1.3 to 1.6. */
#include "subscription.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"

/* Seed of a version, so that the version of nothing at all is not 0. */
#define VERSION_SEED UINT64_C(0x7572736178647331)
/* A client that refuses its listeners for ever must not collect clusters for ever. */
#define KEPT_MAX 1000

static void renew(struct subscription *sub)
{
    sub->sotw.computed = false;
    sub->sotw.kept_of = NULL;
}

static void fini(struct subscription *sub)
{
    free(sub->sotw.wanted);
    free(sub->sotw.text);
    xds_list_unref(sub->sotw.given);
    xds_list_unref(sub->sotw.kept);
}

static size_t names_size(const struct subscription *sub)
{
    return sub->n_names * sizeof(struct wanted) + sub->sotw.text_size;
}

/* ---- names ---- */

static bool names_equal(const struct subscription *sub, const struct str *names, size_t n)
{
    if (n != sub->n_names)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(names[i], sub->sotw.wanted[i].name))
            return false;
    }
    return true;
}

/* Replaces the names; those that stay keep what is known of them. True when there are new ones, which are
 * then asked for. */
static bool names_replace(struct subscription *sub, const struct str *names, size_t n)
{
    struct sotw_state *s = &sub->sotw;
    size_t size = 0, old = 0;
    bool grew = false;
    for (size_t i = 0; i < n; i++)
        size += names[i].n;
    struct wanted *wanted = xcalloc(n > 0 ? n : 1, sizeof(*wanted));
    char *text = xmalloc(size + 1), *p = text;
    for (size_t i = 0; i < n; i++) {
        while (old < sub->n_names && str_cmp(s->wanted[old].name, names[i]) < 0)
            old++;
        if (old < sub->n_names && str_eq(s->wanted[old].name, names[i]))
            wanted[i] = s->wanted[old];
        else
            grew = wanted[i].asked = true;
        if (names[i].n > 0)
            memcpy(p, names[i].p, names[i].n);
        wanted[i].name = str_from(p, names[i].n);
        p += names[i].n;
    }
    free(s->wanted);
    free(s->text);
    s->wanted = wanted;
    s->text = text;
    s->text_size = size;
    s->computed = false;
    sub->n_names = n;
    return grew;
}

/* An empty list asks for everything of a whole-set type (CDS, LDS), unless names were given before: then it
 * gives them up. */
static bool asks_for_all(const struct subscription *sub, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(names[i], STR("*")))
            return true;
    }
    return n == 0 && xds_type_info(sub->type)->whole_set && (!sub->active || sub->wildcard);
}

/* Everything that is subscribed by name is sent again with the next response, which is owed. */
static void ask_again(struct subscription *sub)
{
    for (size_t i = 0; i < sub->n_names; i++)
        sub->sotw.wanted[i].asked = true;
    sub->sotw.fresh = false;
    sub->owed = sub->active;
}

/* ---- requests ---- */

/* A refused response leaves it open which of its resources the client took over. One alone is known to be bad
 * and is left until it changes; of several, all go out again with the next change. */
static void note_refusal(struct subscription *sub, uint64_t nonce)
{
    struct sotw_state *s = &sub->sotw;
    size_t n = 0;
    for (size_t i = 0; i < sub->n_names; i++)
        n += s->wanted[i].nonce == nonce;
    for (size_t i = 0; i < sub->n_names && (n > 1 || nonce != sub->nonce); i++) {
        if (s->wanted[i].nonce == nonce)
            s->wanted[i].doubtful = true;
    }
}

/* The first request of a stream, or one that names no response: what the client has is not known, only what
 * it says. */
static enum request_sense open_again(struct subscription *sub, const struct discovery_request *r,
                                     size_t n_names)
{
    bool first = !sub->active;
    sub->wildcard = asks_for_all(sub, r->names, n_names);
    sub->active = true;
    (void)names_replace(sub, r->names, sub->wildcard ? 0 : n_names);
    /* Asking by name a second time before any answer means that something waits for it (a cluster that
     * warms): then it is answered even when the versions agree. */
    if (!first && !xds_type_info(sub->type)->whole_set) {
        ask_again(sub);
        return REQUEST_CHANGED;
    }
    sub->sotw.fresh = true;
    sub->version = version_parse(r->version_info);
    return first ? REQUEST_OPENED : REQUEST_CHANGED;
}

/* The names of a request that answers the newest response; 'repeated' when its nonce was answered before. */
static void take_names(struct subscription *sub, const struct str *names, size_t n, bool repeated)
{
    bool all = asks_for_all(sub, names, n);
    if (all)
        n = 0;
    if (all != sub->wildcard || !names_equal(sub, names, n)) {
        bool widened = all && !sub->wildcard;
        sub->owed |= names_replace(sub, names, n) || widened;
        sub->wildcard = all;
    } else if (repeated && !xds_type_info(sub->type)->whole_set) {
        ask_again(sub); /* the same question twice: something in the client waits (xds.md 1.5) */
    }
}

static enum request_sense request(struct subscription *sub, const struct discovery_request *r)
{
    uint64_t nonce;
    size_t n_names = names_normalize(r->names, r->n_names);
    if (!sub->active || sub->nonce == 0 || r->response_nonce.n == 0)
        return open_again(sub, r, n_names);
    if (!subscription_read_nonce(sub, r->response_nonce, &nonce))
        return REQUEST_IGNORED;
    enum request_sense sense = subscription_take_answer(sub, r, nonce);
    if (sense == REQUEST_NACK)
        note_refusal(sub, nonce);
    if (nonce == sub->nonce) {
        take_names(sub, r->names, n_names, sense == REQUEST_CHANGED && !r->has_error);
    } else { /* the answer to the newest response is still to come and brings the names of then */
        COUNT(xds_requests_stale);
        if (sense == REQUEST_CHANGED)
            sense = REQUEST_IGNORED;
    }
    return sense;
}

/* ---- what the client should have ---- */

/* Of a whole set, what was given and is gone must stay in it to stay with the client: the union. NULL when
 * nothing is gone, or more than anybody waits for. */
static struct xds_list *union_make(const struct xds_list *newest, const struct xds_list *given)
{
    struct xds_list *l = xcalloc(1, sizeof(*l) + (newest->n + given->n) * sizeof(l->v[0]));
    size_t k = 0;
    atomic_init(&l->refs, 1);
    for (size_t i = 0; i < given->n; i++) {
        while (k < newest->n && str_cmp(newest->v[k]->name, given->v[i]->name) < 0)
            l->v[l->n++] = xds_resource_ref(newest->v[k++]);
        if (k == newest->n || !str_eq(newest->v[k]->name, given->v[i]->name))
            l->v[l->n++] = xds_resource_ref(given->v[i]);
    }
    while (k < newest->n)
        l->v[l->n++] = xds_resource_ref(newest->v[k++]);
    if (l->n > newest->n && l->n - newest->n <= KEPT_MAX)
        return l;
    xds_list_unref(l);
    return NULL;
}

static struct xds_list *whole_set(struct subscription *sub, struct xds_list *newest, bool hold)
{
    struct sotw_state *s = &sub->sotw;
    if (!hold || !s->given || !sub->wildcard || !xds_type_info(sub->type)->whole_set)
        return newest;
    if (s->kept_of != newest) {
        xds_list_unref(s->kept);
        s->kept = union_make(newest, s->given);
        s->kept_of = newest;
    }
    return s->kept ? s->kept : newest;
}

/* The client has this whole set. */
static void note_given(struct subscription *sub, struct xds_list *list)
{
    struct sotw_state *s = &sub->sotw;
    if (!xds_type_info(sub->type)->whole_set || !sub->wildcard || s->given == list)
        return;
    list = xds_list_ref(list); /* it may be 'kept' */
    xds_list_unref(s->given);
    xds_list_unref(s->kept);
    s->given = list;
    s->kept = NULL;
    s->kept_of = NULL;
}

static uint64_t version_of(struct subscription *sub, const struct xds_list *list, bool hold)
{
    struct sotw_state *s = &sub->sotw;
    if (s->computed && s->holding == hold)
        return s->wants;
    uint64_t hash = VERSION_SEED;
    size_t at = 0;
    for (size_t i = 0; i < (sub->wildcard ? list->n : sub->n_names); i++) {
        const struct xds_resource *r =
            sub->wildcard ? list->v[i] : list_find_from(list, &at, s->wanted[i].name);
        if (r)
            hash = hash_mix(hash, r->version); /* the name is part of the content */
    }
    s->computed = true;
    s->holding = hold;
    s->wants = hash;
    return hash;
}

/* What a client says to have on its first request is true or worthless as a whole. */
static void compare_fresh(struct subscription *sub, struct xds_list *list, uint64_t version)
{
    size_t at = 0;
    sub->sotw.fresh = false;
    sub->owed = sub->version != version;
    if (sub->owed)
        return;
    for (size_t i = 0; i < sub->n_names; i++) {
        const struct xds_resource *r = list_find_from(list, &at, sub->sotw.wanted[i].name);
        sub->sotw.wanted[i].asked = false;
        sub->sotw.wanted[i].sent = r ? r->version : 0;
    }
    sub->acked = version;
    note_given(sub, list);
}

static bool is_due(struct subscription *sub, struct xds_list *newest, bool hold)
{
    if (!sub->active)
        return false;
    struct xds_list *list = whole_set(sub, newest, hold);
    uint64_t version = version_of(sub, list, hold);
    if (sub->sotw.fresh)
        compare_fresh(sub, list, version);
    return sub->owed || sub->version != version;
}

/* ---- responses ---- */

/* Whether a whole set adds to what was given before, and changes something of it; of a client that came back
 * it is not known what it had. */
static void compare_given(const struct xds_list *given, struct xds_response *r)
{
    size_t at = 0;
    r->changes = !given;
    for (size_t i = 0; given && i < r->n; i++) {
        const struct xds_resource *had = list_find_from(given, &at, r->v[i]->name);
        r->adds |= !had;
        r->changes |= had && had->version != r->v[i]->version;
    }
}

static void send(struct subscription *sub, struct xds_list *newest, bool hold, struct xds_response *out)
{
    struct xds_list *list = whole_set(sub, newest, hold);
    bool whole = xds_type_info(sub->type)->whole_set;
    size_t at = 0;
    assert(!sub->sotw.fresh);
    sub->version = version_of(sub, list, hold);
    sub->nonce++;
    sub->owed = false;
    sub->counters.responses_sent++;
    *out = (struct xds_response){.type = sub->type, .version = sub->version, .nonce = sub->nonce};
    for (size_t i = 0; i < list->n && sub->wildcard; i++)
        VEC_PUSH(out, xds_resource_ref(list->v[i]));
    for (size_t i = 0; i < sub->n_names; i++) {
        struct wanted *w = &sub->sotw.wanted[i];
        struct xds_resource *r = list_find_from(list, &at, w->name);
        if (r && (whole || w->asked || w->doubtful || w->sent != r->version)) {
            VEC_PUSH(out, xds_resource_ref(r));
            w->nonce = sub->nonce;
            w->doubtful = false;
        }
        w->asked = false;
        w->sent = r ? r->version : 0;
    }
    compare_given(sub->sotw.given, out);
    note_given(sub, list);
}

/* Envoy asks for all its endpoints with one request: all of them are repeated. */
static void repeat(struct subscription *sub, const struct xds_response *clusters)
{
    if (clusters->changes)
        ask_again(sub);
}

static void repeat_late(struct subscription *sub, const struct subscription *clusters)
{
    (void)clusters;
    ask_again(sub);
}

static bool covers(const struct subscription *sub, const struct xds_list *list)
{
    size_t at = 0;
    for (size_t i = 0; i < list->n && !sub->wildcard; i++) {
        while (at < sub->n_names && str_cmp(sub->sotw.wanted[at].name, list->v[i]->name) < 0)
            at++;
        if (at == sub->n_names || !str_eq(sub->sotw.wanted[at].name, list->v[i]->name))
            return false;
    }
    return true;
}

const struct xds_rules rules_sotw = {.request = request,
                                     .renew = renew,
                                     .is_due = is_due,
                                     .send = send,
                                     .repeat = repeat,
                                     .repeat_late = repeat_late,
                                     .covers = covers,
                                     .names_size = names_size,
                                     .fini = fini};
