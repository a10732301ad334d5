/* tags.c -- tag sets, and the tags that name a proxy. */
#include "ursa/resource.h"

struct str tags_get(const struct tags *tags, struct str key)
{
    size_t from = 0, to = tags->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = str_cmp(key, tags->v[mid].key);

        if (order == 0)
            return tags->v[mid].value;
        if (order < 0)
            to = mid;
        else
            from = mid + 1;
    }
    return STR_NONE;
}

struct tags tags_merged(struct arena *a, const struct tags *base, const struct tags *over)
{
    struct tags out = {ARENA_ARRAY(a, struct tag, base->n + over->n), 0};
    size_t i = 0, k = 0;

    while (i < base->n || k < over->n) {
        int c = i == base->n ? 1 : k == over->n ? -1 : str_cmp(base->v[i].key, over->v[k].key);
        out.v[out.n++] = c < 0 ? base->v[i] : over->v[k];
        i += c <= 0;
        k += c >= 0;
    }
    return out;
}

bool inbound_is_served(const struct dp_inbound *in)
{
    return in->port && tags_get(&in->tags, TAG_SERVICE).n;
}

struct str dataplane_service(const struct dataplane_spec *dp)
{
    const struct dp_networking *net = dp->networking;

    if (net->n_inbound > 0)
        return tags_get(&net->inbound[0].tags, TAG_SERVICE);
    return net->gateway ? tags_get(&net->gateway->tags, TAG_SERVICE) : STR_NONE;
}
