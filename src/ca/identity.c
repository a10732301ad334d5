/* identity.c -- the names that a workload's certificate carries, and that others look for (xds.md 4.1). */
#include "ursa/ca.h"

#include <stdlib.h>

/* ---- names ---- */

/* Unreserved characters, sub-delims, ':' and '@' of RFC 3986. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           str_chr(STR("-._~!$&'()*+,;=:@"), c) < STR("-._~!$&'()*+,;=:@").n;
}

static struct str escaped(struct arena *a, struct str name, bool keeps_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, 3 * name.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = (uint8_t)name.p[i];

        if (is_plain(name.p[i]) || (keeps_slash && c == '/')) {
            out[n++] = name.p[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    return str_from(out, n);
}

struct str identity_domain(struct arena *a, struct str mesh)
{
    return arena_printf(a, "spiffe://" STR_FMT "/", STR_ARG(escaped(a, mesh, false)));
}

struct str identity_service(struct arena *a, struct str mesh, struct str service)
{
    struct str domain = identity_domain(a, mesh), path = escaped(a, service, true);

    return arena_printf(a, STR_FMT STR_FMT, STR_ARG(domain), STR_ARG(path));
}

struct str identity_tag(struct arena *a, struct str key, struct str value)
{
    struct str tag = escaped(a, key, true), path = escaped(a, value, false);

    return arena_printf(a, "kuma://" STR_FMT "/" STR_FMT, STR_ARG(tag), STR_ARG(path));
}

/* ---- of a Dataplane ---- */

static int compare(const void *a, const void *b)
{
    const struct tag *x = a, *y = b;
    int order = str_cmp(x->key, y->key);

    return order ? order : str_cmp(x->value, y->value);
}

static size_t add_tags(struct tag *to, size_t n, const struct tags *set)
{
    for (size_t i = 0; i < set->n; i++)
        to[n++] = set->v[i];
    return n;
}

/* Every pair of tag and value of the inbounds and the gateway, sorted, each once. */
static struct tag *collect(struct arena *a, const struct dp_networking *net, size_t *n_out)
{
    size_t n = net->gateway ? net->gateway->tags.n : 0, n_unique = 0;
    struct tag *all;

    for (size_t i = 0; i < net->n_inbound; i++)
        n += net->inbound[i].tags.n;
    all = ARENA_ARRAY(a, struct tag, n + 1);
    n = 0;
    for (size_t i = 0; i < net->n_inbound; i++)
        n = add_tags(all, n, &net->inbound[i].tags);
    if (net->gateway)
        n = add_tags(all, n, &net->gateway->tags);
    qsort(all, n, sizeof(*all), compare);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || compare(&all[i], &all[i - 1]) != 0)
            all[n_unique++] = all[i];
    }
    *n_out = n_unique;
    return all;
}

void identity_uris(struct arena *a, struct str mesh, const struct dataplane_spec *spec, struct str **uris,
                   size_t *n_uris)
{
    size_t n_tags, n = 0;
    struct tag *tags = collect(a, spec->networking, &n_tags);

    *uris = ARENA_ARRAY(a, struct str, 2 * n_tags + 1);
    for (size_t i = 0; i < n_tags; i++) {
        if (str_eq(tags[i].key, TAG_SERVICE))
            (*uris)[n++] = identity_service(a, mesh, tags[i].value);
    }
    for (size_t i = 0; i < n_tags; i++)
        (*uris)[n++] = identity_tag(a, tags[i].key, tags[i].value);
    *n_uris = n;
}
