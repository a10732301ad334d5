/* xds/delta.c -- one resource type of one stream in the incremental variant: what the client has, resource by
 * resource, and what it is to be told. The rules are those of Envoy's xDS protocol document and of
 * architecture.md ("What real Envoy 1.40 demands").
 *
 * A stream remembers no names but those of which the compiler knows nothing: what the client has is a list of
 * the compiler's, which many streams share, and a byte for each of its resources. What is to be sent is the
 * difference of two sorted lists; where they share a resource, not even its name is read. */
#include "subscription.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"

enum {
    NAMED = 1,     /* subscribed by name */
    SENT = 2,      /* the client was given it in this version */
    ASKED = 4,     /* to be answered whatever the client has */
    FLYING = 8,    /* in a response that is not answered */
    DOUBTFUL = 16, /* was in a refused response among others: sent again with the next change */
    TOLD = 32      /* aside only: the client was told that it is gone, and has not agreed */
};
/* What a client has of a resource in a version that is none of ours. */
#define FOREIGN_VERSION UINT64_MAX
/* A client that refuses its listeners for ever, or never answers, must not collect what is gone for ever. */
#define ASIDE_MAX 1000

/* ---- what is kept aside ---- */

static int aside_cmp(const void *a, const void *b)
{
    return strcmp(((const struct aside *)a)->name, ((const struct aside *)b)->name);
}

static struct str aside_name(const struct aside *a)
{
    return str_from_c(a->name);
}

static void aside_add(struct delta_state *d, struct str name, uint64_t version, unsigned flags)
{
    VEC_PUSH(&d->aside, ((struct aside){.name = xstrndup(name), .version = version, .flags = flags}));
    d->aside_size += sizeof(struct aside) + name.n + 1;
}

/* Lets go of everything aside that nothing is to be remembered of. */
static void aside_sweep(struct delta_state *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->aside.n; i++) {
        struct aside *a = &d->aside.v[i];
        if (a->flags != 0) {
            d->aside.v[kept++] = *a;
            continue;
        }
        d->aside_size -= sizeof(*a) + strlen(a->name) + 1;
        free(a->name);
    }
    d->aside.n = kept;
}

static struct aside *aside_find(const struct delta_state *d, size_t n, struct str name)
{
    size_t at = 0, to = n;
    while (at < to) {
        size_t mid = at + (to - at) / 2;
        if (str_cmp(aside_name(&d->aside.v[mid]), name) < 0)
            at = mid + 1;
        else
            to = mid;
    }
    return at < n && str_eq(aside_name(&d->aside.v[at]), name) ? &d->aside.v[at] : NULL;
}

static void aside_fini(struct delta_state *d)
{
    for (size_t i = 0; i < d->aside.n; i++)
        free(d->aside.v[i].name);
    VEC_FINI(&d->aside);
    d->aside_size = 0;
}

static void fini(struct subscription *sub)
{
    aside_fini(&sub->delta);
    free(sub->delta.flags);
    xds_list_unref(sub->delta.list);
}

static size_t names_size(const struct subscription *sub)
{
    return sub->delta.aside_size;
}

static void renew(struct subscription *sub)
{
    sub->delta.compared = false;
}

/* ---- what the client has, beside what there is ---- */

static const struct xds_list no_list;

static const struct xds_list *list_of(const struct delta_state *d)
{
    return d->list ? d->list : &no_list;
}

struct step {
    struct str name;
    struct xds_resource *now; /* NULL: there is none any more */
    uint64_t had;             /* the version that the client has; 0: none */
    unsigned flags;
};
struct walk {
    const struct delta_state *d;
    const struct xds_list *newest;
    size_t old, aside, now;
};

static void take_name(struct str *least, struct str name)
{
    if (!least->p || str_cmp(name, *least) < 0)
        *least = name;
}

/* The next name, in order, of anything that the client knows of or that there is; false at the end. */
static bool walk_next(struct walk *w, struct step *step)
{
    const struct xds_list *list = list_of(w->d);
    struct xds_resource *old = w->old < list->n ? list->v[w->old] : NULL,
                        *now = w->now < w->newest->n ? w->newest->v[w->now] : NULL;
    const struct aside *aside = w->aside < w->d->aside.n ? &w->d->aside.v[w->aside] : NULL;
    if (!old && !now && !aside)
        return false;
    *step = (struct step){.name = STR_NONE};
    if (old != now || aside) { /* mostly they are the same, and nothing is aside: then no name is read */
        if (old)
            take_name(&step->name, old->name);
        if (now)
            take_name(&step->name, now->name);
        if (aside)
            take_name(&step->name, aside_name(aside));
        old = old && str_eq(old->name, step->name) ? old : NULL;
        now = now && str_eq(now->name, step->name) ? now : NULL;
        aside = aside && str_eq(aside_name(aside), step->name) ? aside : NULL;
    }
    if (aside) {
        step->flags = aside->flags;
        step->had = aside->version;
        w->aside++;
    }
    if (old) {
        step->flags = w->d->flags[w->old++];
        step->had = step->flags & SENT ? old->version : 0;
    }
    step->now = now;
    w->now += now != NULL;
    return true;
}

/* Steps over what is in both lists and needs nothing, neither now nor with the next change; returns how many
 * these were. Nearly all of a walk is that, so it reads no resource. */
static size_t walk_same(struct walk *w, bool wildcard)
{
    const struct xds_list *list = list_of(w->d);
    size_t n = 0, left = list->n - w->old, left_now = w->newest->n - w->now;
    if (w->aside < w->d->aside.n)
        return 0;
    left = left < left_now ? left : left_now;
    while (n < left && list->v[w->old + n] == w->newest->v[w->now + n]) {
        unsigned flags = w->d->flags[w->old + n];
        if ((flags & (SENT | ASKED | DOUBTFUL)) != SENT && (flags != 0 || wildcard))
            break;
        n++;
    }
    w->old += n;
    w->now += n;
    return n;
}

/* Of a type that Envoy drops when it is told so. It does not drop a secret, a route or a filter while
 * something uses it, perhaps a listener that drains; it gives these up itself, and complains when told to. */
static bool goes_when_told(enum xds_type type)
{
    return xds_type_info(type)->whole_set || type == XDS_ENDPOINT;
}

enum verdict {
    VERDICT_NOTHING,
    VERDICT_SEND,
    VERDICT_MISSING, /* there is no such resource, and the client asks */
    VERDICT_GONE     /* the client has one that there is not any more */
};

static enum verdict judge(const struct subscription *sub, const struct step *s)
{
    if (!sub->wildcard && !(s->flags & NAMED))
        return VERDICT_NOTHING;
    if (s->now)
        return s->flags & (ASKED | TOLD) || s->had != s->now->version ? VERDICT_SEND : VERDICT_NOTHING;
    if (s->flags & ASKED)
        return VERDICT_MISSING;
    if (s->flags & TOLD)
        return VERDICT_NOTHING;
    return s->had != 0 && (sub->wildcard || goes_when_told(sub->type)) ? VERDICT_GONE : VERDICT_NOTHING;
}

/* ---- requests ---- */

/* A refused response leaves it open which of its resources the client took over: one alone is known to be bad
 * and is left until it changes; of several, all go out again with the next change, and so do removals. */
static unsigned answered(unsigned flags, bool newest, bool doubt)
{
    if (!(flags & FLYING))
        return flags;
    flags |= doubt ? DOUBTFUL : 0;
    return newest ? flags & ~(unsigned)FLYING : flags;
}

static void note_answer(struct subscription *sub, enum request_sense sense, uint64_t nonce)
{
    struct delta_state *d = &sub->delta;
    bool newest = nonce == sub->nonce, refused = sense == REQUEST_NACK,
         doubt = refused && (d->n_flying > 1 || !newest);
    if (d->n_flying == 0 || (!newest && !doubt))
        return;
    for (size_t i = 0; i < list_of(d)->n; i++)
        d->flags[i] = (uint8_t)answered(d->flags[i], newest, doubt);
    for (size_t i = 0; i < d->aside.n; i++) {
        struct aside *aside = &d->aside.v[i];
        if (newest && !refused && aside->flags & TOLD) {
            aside->flags &= NAMED;
            aside->version = 0;
        }
        aside->flags = answered(aside->flags, newest, refused);
    }
    aside_sweep(d);
    if (newest)
        d->n_flying = 0;
}

/* What a client that comes back says to have. */
static void take_versions(struct subscription *sub, const struct discovery_request *r)
{
    struct delta_state *d = &sub->delta;
    for (size_t i = 0; i < r->n_versions; i++) {
        uint64_t version = version_parse(r->versions[i].version);
        aside_add(d, r->versions[i].name, version ? version : FOREIGN_VERSION, SENT);
    }
    if (d->aside.n < 2)
        return;
    qsort(d->aside.v, d->aside.n, sizeof(d->aside.v[0]), aside_cmp);
    for (size_t i = 1; i < d->aside.n; i++) { /* of one name, one entry */
        if (strcmp(d->aside.v[i - 1].name, d->aside.v[i].name) == 0)
            d->aside.v[i - 1].flags = 0;
    }
    aside_sweep(d);
}

/* An empty set is an answer, too, unless the client says to have something. */
static void ask_for_all(struct subscription *sub, bool first)
{
    sub->wildcard = true;
    sub->owed |= !first || sub->delta.aside.n == 0;
}

/* Without a wildcard, only what has been named is left. */
static void drop_wildcard(struct subscription *sub)
{
    struct delta_state *d = &sub->delta;
    sub->wildcard = false;
    for (size_t i = 0; i < list_of(d)->n; i++)
        d->flags[i] = d->flags[i] & NAMED ? d->flags[i] : 0;
    for (size_t i = 0; i < d->aside.n; i++)
        d->aside.v[i].flags = d->aside.v[i].flags & NAMED ? d->aside.v[i].flags : 0;
    aside_sweep(d);
}

/* A name that the client takes up. What it says to have, when it comes back, needs no answer. */
static unsigned named(struct subscription *sub, unsigned flags, bool first)
{
    bool asks = !first || !(flags & SENT);
    sub->n_names += !(flags & NAMED);
    sub->owed |= asks;
    return flags | NAMED | (asks ? ASKED : 0);
}

static void subscribe(struct subscription *sub, const struct str *names, size_t n, bool first)
{
    struct delta_state *d = &sub->delta;
    size_t at = 0, n_before = d->aside.n;
    for (size_t i = 0; i < n; i++) {
        struct aside *aside;
        if (str_eq(names[i], STR("*")))
            ask_for_all(sub, first);
        else if (list_find_from(list_of(d), &at, names[i]))
            d->flags[at] = (uint8_t)named(sub, d->flags[at], first);
        else if ((aside = aside_find(d, n_before, names[i])))
            aside->flags = named(sub, aside->flags, first);
        else
            aside_add(d, names[i], 0, named(sub, 0, first));
    }
    if (d->aside.n > n_before)
        qsort(d->aside.v, d->aside.n, sizeof(d->aside.v[0]), aside_cmp);
}

/* A name that the client gives up. With a wildcard it cannot know whether it still has the resource, and is
 * told. */
static unsigned unnamed(struct subscription *sub, unsigned flags)
{
    if (!(flags & NAMED))
        return flags;
    sub->n_names--;
    return sub->wildcard ? (flags & ~(unsigned)NAMED) | ASKED : 0;
}

static void unsubscribe(struct subscription *sub, const struct str *names, size_t n)
{
    struct delta_state *d = &sub->delta;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        struct aside *aside;
        if (str_eq(names[i], STR("*")) && sub->wildcard)
            drop_wildcard(sub);
        else if (list_find_from(list_of(d), &at, names[i]))
            d->flags[at] = (uint8_t)unnamed(sub, d->flags[at]);
        else if ((aside = aside_find(d, d->aside.n, names[i])))
            aside->flags = unnamed(sub, aside->flags);
    }
    aside_sweep(d);
}

static void open_first(struct subscription *sub, const struct discovery_request *r)
{
    sub->active = true;
    take_versions(sub, r);
    if (r->n_names == 0 && xds_type_info(sub->type)->whole_set)
        ask_for_all(sub, true);
}

/* Names count whatever the nonce is: they are changes, and none may be lost. */
static enum request_sense request(struct subscription *sub, const struct discovery_request *r)
{
    enum request_sense sense = REQUEST_CHANGED;
    bool first = !sub->active;
    uint64_t nonce;
    if (first) {
        sense = REQUEST_OPENED;
        open_first(sub, r);
    } else if (r->response_nonce.n > 0) {
        sense = REQUEST_IGNORED;
        if (subscription_read_nonce(sub, r->response_nonce, &nonce)) {
            sense = subscription_take_answer(sub, r, nonce);
            note_answer(sub, sense, nonce);
        }
    }
    if (!first && r->n_names == 0 && r->n_unsubscribed == 0)
        return sense == REQUEST_CHANGED ? REQUEST_IGNORED : sense;
    unsubscribe(sub, r->unsubscribed, names_normalize(r->unsubscribed, r->n_unsubscribed));
    subscribe(sub, r->names, names_normalize(r->names, r->n_names), first);
    sub->delta.compared = false;
    return sense == REQUEST_IGNORED ? REQUEST_CHANGED : sense;
}

/* ---- responses ---- */

/* What is remembered of a resource that there is, and whether it goes into the response. */
static unsigned tell_present(struct subscription *sub, const struct step *s, enum verdict verdict,
                             struct xds_response *out)
{
    unsigned flags = s->flags & ~(unsigned)(ASKED | TOLD);
    if (!sub->wildcard && !(flags & NAMED))
        return 0;
    if (out && (verdict == VERDICT_SEND || flags & DOUBTFUL)) {
        VEC_PUSH(out, xds_resource_ref(s->now));
        out->adds |= s->had == 0;
        out->changes = true;
        flags = (flags | FLYING) & ~(unsigned)DOUBTFUL;
    }
    return flags | SENT;
}

/* The same of one that there is not: true when something of it must be remembered. */
static bool tell_absent(const struct subscription *sub, const struct step *s, enum verdict verdict, bool hold,
                        struct xds_response *out, struct aside *left)
{
    bool tell = verdict == VERDICT_MISSING || (verdict == VERDICT_GONE && !hold) ||
                (out && (s->flags & TOLD) && (s->flags & DOUBTFUL));
    left->flags = s->flags & (NAMED | TOLD | FLYING | DOUBTFUL);
    left->version = sub->wildcard || left->flags & NAMED ? s->had : 0;
    if (tell) {
        VEC_PUSH(&out->removed, xstrndup(s->name));
        left->flags = (s->flags & NAMED) | TOLD | FLYING;
        left->version = sub->delta.aside.n <= ASIDE_MAX ? left->version : 0;
    }
    if (left->version == 0)
        left->flags &= NAMED;
    else if (!(left->flags & TOLD))
        left->flags |= SENT;
    return left->flags != 0;
}

/* Brings the client to the newest list. Without a response, there was nothing to tell. */
static void advance(struct subscription *sub, struct xds_list *newest, bool hold, struct xds_response *out)
{
    struct delta_state *d = &sub->delta,
                       next = {.list = xds_list_ref(newest), .n_flying = d->n_flying, .compared = true};
    struct walk w = {.d = d, .newest = newest};
    struct step step;
    next.flags = xcalloc(newest->n + 1, 1);
    for (;;) {
        size_t same = walk_same(&w, sub->wildcard);
        if (same > 0)
            memcpy(next.flags + w.now - same, d->flags + w.old - same, same);
        if (!walk_next(&w, &step))
            break;
        enum verdict verdict = judge(sub, &step);
        struct aside left = {0};
        if (step.now)
            next.flags[w.now - 1] = (uint8_t)(left.flags = tell_present(sub, &step, verdict, out));
        else if (tell_absent(sub, &step, verdict, hold, out, &left))
            aside_add(&next, step.name, left.version, left.flags);
        next.n_flying += (left.flags & FLYING) != 0;
        next.n_flying -= (step.flags & FLYING) != 0;
        next.has_removals |= verdict == VERDICT_GONE && hold;
    }
    fini(sub);
    *d = next;
    sub->version = newest->version;
}

static void compare(struct subscription *sub, struct xds_list *newest)
{
    struct delta_state *d = &sub->delta;
    struct walk w = {.d = d, .newest = newest};
    struct step step;
    d->has_news = d->has_removals = false;
    while (walk_same(&w, sub->wildcard), walk_next(&w, &step)) {
        enum verdict verdict = judge(sub, &step);
        d->has_news |= verdict == VERDICT_SEND || verdict == VERDICT_MISSING;
        d->has_removals |= verdict == VERDICT_GONE;
    }
    d->compared = true;
    if (d->has_news || d->has_removals || sub->owed || d->list == newest)
        return;
    advance(sub, newest, false, NULL);
    if (subscription_is_accepted(sub))
        sub->acked = sub->version;
}

static bool is_due(struct subscription *sub, struct xds_list *newest, bool hold)
{
    struct delta_state *d = &sub->delta;
    if (!sub->active)
        return false;
    if (!d->compared)
        compare(sub, newest);
    return sub->owed || d->has_news || (d->has_removals && !(hold && d->aside.n <= ASIDE_MAX));
}

static void send(struct subscription *sub, struct xds_list *newest, bool hold, struct xds_response *out)
{
    bool is_new = !sub->delta.list && sub->delta.aside.n == 0;
    assert(sub->delta.compared);
    *out = (struct xds_response){.type = sub->type, .is_delta = true, .nonce = ++sub->nonce};
    advance(sub, newest, hold && sub->delta.aside.n <= ASIDE_MAX, out);
    out->version = sub->version;
    out->adds &= !is_new; /* what a client begins with, it does not wait for */
    sub->owed = false;
    sub->counters.responses_sent++;
}

/* ---- endpoints follow clusters ---- */

/* Envoy holds a cluster that it was sent back (warming) until its endpoints come, and does not ask for them
 * again. */
static void repeat_one(struct subscription *sub, size_t *at, struct str name)
{
    struct delta_state *d = &sub->delta;
    struct aside *aside;
    if (list_find_from(list_of(d), at, name)) {
        if (sub->wildcard || d->flags[*at] & NAMED)
            d->flags[*at] |= ASKED;
    } else if ((aside = aside_find(d, d->aside.n, name)) && (sub->wildcard || aside->flags & NAMED)) {
        aside->flags |= ASKED;
    }
    d->compared = false;
}

static void repeat(struct subscription *sub, const struct xds_response *clusters)
{
    size_t at = 0;
    for (size_t i = 0; i < clusters->n; i++)
        repeat_one(sub, &at, clusters->v[i]->name);
}

static void repeat_late(struct subscription *sub, const struct subscription *clusters)
{
    const struct delta_state *d = &clusters->delta;
    size_t at = 0;
    for (size_t i = 0; i < list_of(d)->n; i++) {
        if (d->flags[i] & FLYING)
            repeat_one(sub, &at, d->list->v[i]->name);
    }
}

static bool covers(const struct subscription *sub, const struct xds_list *list)
{
    struct walk w = {.d = &sub->delta, .newest = list};
    struct step step;
    if (sub->wildcard)
        return true;
    while (walk_next(&w, &step)) {
        if (step.now && !(step.flags & NAMED))
            return false;
    }
    return true;
}

const struct xds_rules rules_delta = {.request = request,
                                      .renew = renew,
                                      .is_due = is_due,
                                      .send = send,
                                      .repeat = repeat,
                                      .repeat_late = repeat_late,
                                      .covers = covers,
                                      .names_size = names_size,
                                      .fini = fini,
                                      .tells_removals = true};
