/* xds/subscription.c -- one resource type of one stream: names, versions, nonces. The rules are those of
 * Envoy's xDS protocol document and of xds.md sections 1.3 to 1.6. */
#include "subscription.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"

/* Seed of a version, so that the version of nothing at all is not 0. */
#define VERSION_SEED UINT64_C(0x7572736178647331)

void version_format(uint64_t version, char out[VERSION_TEXT_SIZE])
{
    snprintf(out, VERSION_TEXT_SIZE, "%016llx", (unsigned long long)version);
}

uint64_t version_parse(struct str s)
{
    uint64_t v = 0;
    if (s.n != VERSION_TEXT_SIZE - 1)
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return 0;
    }
    return v;
}

void subscription_init(struct subscription *s, enum xds_type type)
{
    *s = (struct subscription){.type = type};
}

void subscription_fini(struct subscription *s)
{
    free(s->wanted);
    free(s->text);
    *s = (struct subscription){.type = s->type};
}

/* ---- names ---- */

static int name_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorts and drops repetitions in place; Envoy's lists come sorted, so the common case is one pass. */
static size_t names_normalize(struct str *names, size_t n)
{
    size_t n_out = n > 0;
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = str_cmp(names[i - 1], names[i]) < 0;
    if (sorted)
        return n;
    qsort(names, n, sizeof(*names), name_cmp);
    for (size_t i = 1; i < n; i++) {
        if (!str_eq(names[n_out - 1], names[i]))
            names[n_out++] = names[i];
    }
    return n_out;
}

static bool names_equal(const struct subscription *s, const struct str *names, size_t n)
{
    if (n != s->n_wanted)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(names[i], s->wanted[i].name))
            return false;
    }
    return true;
}

/* Replaces the names; those that stay keep what is known of them. True when there are new ones, which are
 * then asked for. */
static bool names_replace(struct subscription *s, const struct str *names, size_t n)
{
    size_t size = 0, old = 0;
    bool grew = false;
    for (size_t i = 0; i < n; i++)
        size += names[i].n;
    struct wanted *wanted = xcalloc(n > 0 ? n : 1, sizeof(*wanted));
    char *text = xmalloc(size + 1), *p = text;
    for (size_t i = 0; i < n; i++) {
        while (old < s->n_wanted && str_cmp(s->wanted[old].name, names[i]) < 0)
            old++;
        if (old < s->n_wanted && str_eq(s->wanted[old].name, names[i]))
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
    s->n_wanted = n;
    s->text = text;
    s->text_size = size;
    s->computed = false;
    return grew;
}

/* An empty list asks for everything of a whole-set type (CDS, LDS), unless names were given before: then it
 * gives them up. */
static bool asks_for_all(const struct subscription *s, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(names[i], STR("*")))
            return true;
    }
    return n == 0 && xds_type_info(s->type)->whole_set && (!s->active || s->wildcard);
}

void subscription_ask_again(struct subscription *s)
{
    for (size_t i = 0; i < s->n_wanted; i++)
        s->wanted[i].asked = true;
    s->owed = s->active;
}

/* ---- requests ---- */

/* A refused response leaves it open which of its resources the client took over. One alone is known to be bad
 * and is left until it changes; of several, all go out again with the next change. */
static void note_refusal(struct subscription *s, uint64_t nonce)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_wanted; i++)
        n += s->wanted[i].nonce == nonce;
    for (size_t i = 0; i < s->n_wanted && (n > 1 || nonce != s->nonce); i++) {
        if (s->wanted[i].nonce == nonce)
            s->wanted[i].doubtful = true;
    }
}

/* The first request that carries a nonce answers that response; what follows with the same nonce is about
 * names only. */
static enum request_sense take_answer(struct subscription *s, const struct discovery_request *r,
                                      uint64_t nonce)
{
    if (nonce <= s->answered)
        return REQUEST_CHANGED;
    s->answered = nonce;
    if (nonce == s->nonce)
        s->refused = r->has_error;
    if (r->has_error) {
        note_refusal(s, nonce);
        s->counters.responses_rejected++;
        return REQUEST_NACK;
    }
    if (nonce == s->nonce)
        s->acked = s->version;
    s->counters.responses_acknowledged++;
    return REQUEST_ACK;
}

/* The first request of a stream, or one that names no response: what the client has is not known, only what
 * it says. */
static enum request_sense open_again(struct subscription *s, const struct discovery_request *r,
                                     size_t n_names)
{
    bool first = !s->active;
    s->wildcard = asks_for_all(s, r->names, n_names);
    s->active = true;
    (void)names_replace(s, r->names, s->wildcard ? 0 : n_names);
    /* Asking by name a second time before any answer means that something waits for it (a cluster that
     * warms): then it is answered even when the versions agree. */
    if (!first && !xds_type_info(s->type)->whole_set) {
        s->fresh = false;
        subscription_ask_again(s);
        return REQUEST_CHANGED;
    }
    s->fresh = true;
    s->version = version_parse(r->version_info);
    return first ? REQUEST_OPENED : REQUEST_CHANGED;
}

/* The names of a request that answers the newest response; 'repeated' when its nonce was answered before. */
static void take_names(struct subscription *s, const struct str *names, size_t n, bool repeated)
{
    bool all = asks_for_all(s, names, n);
    if (all)
        n = 0;
    if (all != s->wildcard || !names_equal(s, names, n)) {
        bool widened = all && !s->wildcard;
        s->owed |= names_replace(s, names, n) || widened;
        s->wildcard = all;
    } else if (repeated && !xds_type_info(s->type)->whole_set) {
        subscription_ask_again(s); /* the same question twice: something in the client waits (xds.md 1.5) */
    }
}

enum request_sense subscription_request(struct subscription *s, const struct discovery_request *r)
{
    uint64_t nonce;
    size_t n_names = names_normalize(r->names, r->n_names);
    if (!s->active || s->nonce == 0 || r->response_nonce.n == 0)
        return open_again(s, r, n_names);
    if (!str_to_uint(r->response_nonce, s->nonce, &nonce) || nonce == 0) {
        COUNT(xds_requests_stale);
        return REQUEST_IGNORED;
    }
    enum request_sense sense = take_answer(s, r, nonce);
    if (nonce == s->nonce) {
        take_names(s, r->names, n_names, sense == REQUEST_CHANGED && !r->has_error);
    } else { /* the answer to the newest response is still to come and brings the names of then */
        COUNT(xds_requests_stale);
        if (sense == REQUEST_CHANGED)
            sense = REQUEST_IGNORED;
    }
    return sense;
}

/* ---- responses ---- */

/* The resource of that name at or after *at, where the search goes on for the next, greater name. */
static struct xds_resource *find_from(struct xds_resource *const *v, size_t n, size_t *at, struct str name)
{
    size_t to = n;
    while (*at < to) { /* few names of many resources: search instead of stepping */
        size_t mid = *at + (to - *at) / 2;
        if (str_cmp(v[mid]->name, name) < 0)
            *at = mid + 1;
        else
            to = mid;
    }
    return *at < n && str_eq(v[*at]->name, name) ? v[*at] : NULL;
}

uint64_t subscription_version(struct subscription *s, struct xds_resource *const *v, size_t n)
{
    if (s->computed)
        return s->wants;
    uint64_t hash = VERSION_SEED;
    size_t at = 0;
    for (size_t i = 0; i < (s->wildcard ? n : s->n_wanted); i++) {
        const struct xds_resource *r = s->wildcard ? v[i] : find_from(v, n, &at, s->wanted[i].name);
        if (r)
            hash = hash_mix(hash, r->version); /* the name is part of the content */
    }
    s->computed = true;
    s->wants = hash;
    return hash;
}

/* What a client says to have on its first request is true or worthless as a whole. */
static void compare_fresh(struct subscription *s, struct xds_resource *const *v, size_t n, uint64_t version)
{
    size_t at = 0;
    s->fresh = false;
    s->owed = s->version != version;
    for (size_t i = 0; i < s->n_wanted && !s->owed; i++) {
        const struct xds_resource *r = find_from(v, n, &at, s->wanted[i].name);
        s->wanted[i].asked = false;
        s->wanted[i].sent = r ? r->version : 0;
    }
    if (!s->owed)
        s->acked = version;
}

bool subscription_is_due(struct subscription *s, struct xds_resource *const *v, size_t n)
{
    if (!s->active)
        return false;
    uint64_t version = subscription_version(s, v, n);
    if (s->fresh)
        compare_fresh(s, v, n, version);
    return s->owed || s->version != version;
}

void subscription_send(struct subscription *s, struct xds_resource *const *v, size_t n,
                       struct xds_response *out)
{
    bool whole = xds_type_info(s->type)->whole_set;
    size_t at = 0;
    assert(!s->fresh);
    s->version = subscription_version(s, v, n);
    s->nonce++;
    s->owed = false;
    s->counters.responses_sent++;
    *out = (struct xds_response){.type = s->type, .version = s->version, .nonce = s->nonce};
    out->v = xcalloc(s->wildcard ? n + 1 : s->n_wanted + 1, sizeof(struct xds_resource *));
    for (size_t i = 0; i < n && s->wildcard; i++)
        out->v[out->n++] = xds_resource_ref(v[i]);
    for (size_t i = 0; i < s->n_wanted; i++) {
        struct wanted *w = &s->wanted[i];
        struct xds_resource *r = find_from(v, n, &at, w->name);
        if (r && (whole || w->asked || w->doubtful || w->sent != r->version)) {
            out->v[out->n++] = xds_resource_ref(r);
            w->nonce = s->nonce;
            w->doubtful = false;
        }
        w->asked = false;
        w->sent = r ? r->version : 0;
    }
}

void xds_response_fini(struct xds_response *r)
{
    for (size_t i = 0; i < r->n; i++)
        xds_resource_unref(r->v[i]);
    free(r->v);
    *r = (struct xds_response){0};
}
