/* xds/subscription.c -- what the subscriptions of both variants of the protocol have in common: names,
 * versions, nonces. */
#include "subscription.h"

#include <stdlib.h>

#include "ursa/base/count.h"

void version_format(uint64_t version, char out[VERSION_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = VERSION_TEXT_SIZE - 1; i-- > 0; version >>= 4)
        out[i] = digits[version & 15];
    out[VERSION_TEXT_SIZE - 1] = '\0';
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

const struct xds_rules *rules_of(enum xds_variant variant)
{
    return variant == XDS_DELTA ? &rules_delta : &rules_sotw;
}

void subscription_init(struct subscription *s, enum xds_type type, const struct xds_rules *rules)
{
    *s = (struct subscription){.rules = rules, .type = type};
}

void subscription_fini(struct subscription *s)
{
    s->rules->fini(s);
    subscription_init(s, s->type, s->rules);
}

/* Envoy's lists come sorted, so the common case is one pass. */
size_t names_normalize(struct str *names, size_t n)
{
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = str_cmp(names[i - 1], names[i]) < 0;
    return sorted ? n : str_sort_distinct(names, n);
}

bool subscription_read_nonce(const struct subscription *s, struct str text, uint64_t *nonce)
{
    if (str_to_uint(text, s->nonce, nonce) && *nonce > 0)
        return true;
    COUNT(xds_requests_stale);
    return false;
}

enum request_sense subscription_take_answer(struct subscription *s, const struct discovery_request *r,
                                            uint64_t nonce)
{
    if (nonce <= s->answered)
        return REQUEST_CHANGED;
    s->answered = nonce;
    if (nonce == s->nonce)
        s->refused = r->has_error;
    if (r->has_error) {
        s->counters.responses_rejected++;
        return REQUEST_NACK;
    }
    if (nonce == s->nonce)
        s->acked = s->version;
    s->counters.responses_acknowledged++;
    return REQUEST_ACK;
}

struct xds_resource *list_find_from(const struct xds_list *list, size_t *at, struct str name)
{
    *at = xds_search(list->v, list->n, *at, name);
    return *at < list->n && str_eq(list->v[*at]->name, name) ? list->v[*at] : NULL;
}

void xds_response_fini(struct xds_response *r)
{
    for (size_t i = 0; i < r->n; i++)
        xds_resource_unref(r->v[i]);
    free(r->v);
    for (size_t i = 0; i < r->removed.n; i++)
        free(r->removed.v[i]);
    VEC_FINI(&r->removed);
    *r = (struct xds_response){0};
}
