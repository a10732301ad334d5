/* Services: which inbounds offer one, in canonical order, with a content version.
 *
 * A service is one allocation and holds a reference of every Dataplane that its texts point into. */
#include "service.h"

#include <assert.h>
#include <string.h>

#include "ursa/base/hash.h"

struct service_data {
    struct service pub;
    size_t n_offers;
    struct offer *offers; /* behind the endpoints */
    char *name;           /* behind the offers */
};

static struct service_data *data_of(const struct service *s)
{
    return CONTAINER_OF((uintptr_t)s, struct service_data, pub);
}

struct service *service_ref(const struct service *s)
{
    struct service *own = &data_of(s)->pub;
    atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
    return own;
}

void service_unref(struct service *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct service_data *d = data_of(s);
    for (size_t i = 0; i < d->n_offers; i++)
        resource_unref(d->offers[i].dataplane);
    free(d);
}

const struct offer *service_offers(const struct service *s, size_t *n)
{
    *n = data_of(s)->n_offers;
    return data_of(s)->offers;
}

const struct dp_inbound *service_inbound(const struct service *s, size_t i, const struct dp_networking **net)
{
    const struct service_data *d = data_of(s);
    if (i >= d->n_offers)
        return NULL;
    *net = resource_dataplane(d->offers[i].dataplane)->networking;
    return d->offers[i].inbound;
}

struct str inbound_address(const struct dp_networking *net, const struct dp_inbound *in)
{
    return in->address.n ? in->address : net->address;
}

struct str outbound_address(const struct dp_outbound *out)
{
    return out->address.n ? out->address : STR("127.0.0.1");
}

struct str inbound_advertised_address(const struct dp_networking *net, const struct dp_inbound *in)
{
    return net->advertised_address.n ? net->advertised_address : inbound_address(net, in);
}

struct str inbound_workload_address(const struct dp_networking *net, const struct dp_inbound *in)
{
    return in->service_address.n ? in->service_address : inbound_address(net, in);
}

uint32_t inbound_workload_port(const struct dp_inbound *in)
{
    return in->service_port ? in->service_port : in->port;
}

static bool inbound_is_probed(const struct dp_inbound *in)
{
    return in->service_probe && inbound_is_served(in);
}

static struct str check_name(const struct dp_networking *net, size_t i, struct arena *a)
{
    uint32_t port = inbound_workload_port(&net->inbound[i]);
    struct str address = inbound_workload_address(net, &net->inbound[i]);
    size_t first = 0;
    while (!inbound_is_probed(&net->inbound[first]) || inbound_workload_port(&net->inbound[first]) != port)
        first++;
    if (str_eq(inbound_workload_address(net, &net->inbound[first]), address))
        return arena_printf(a, "localhost:%u", port);
    return arena_printf(a, "localhost:%u:" STR_FMT, port, STR_ARG(address));
}

void inbound_check_names(const struct dp_networking *net, struct arena *a, struct str names[])
{
    for (size_t i = 0; i < net->n_inbound; i++)
        names[i] = inbound_is_probed(&net->inbound[i]) ? check_name(net, i, a) : STR_NONE;
}

bool inbound_is_healthy(const struct dp_inbound *in)
{
    return in->health ? in->health->ready : !in->service_probe;
}

bool networking_is_transparent(const struct dp_networking *net)
{
    const struct dp_transparent *t = net->transparent_proxying;
    return t && t->redirect_port_inbound && t->redirect_port_outbound;
}

static struct endpoint endpoint_of(const struct offer *o)
{
    const struct dp_networking *net = resource_dataplane(o->dataplane)->networking;
    return (struct endpoint){inbound_advertised_address(net, o->inbound), o->inbound->port,
                             &o->inbound->tags};
}

static int offer_cmp(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    struct endpoint ex = endpoint_of(x), ey = endpoint_of(y);
    int c = str_cmp(ex.address, ey.address);
    if (c == 0)
        c = (ex.port > ey.port) - (ex.port < ey.port);
    return c ? c : str_cmp(x->dataplane->key.name, y->dataplane->key.name);
}

static void add_str(struct buf *b, struct str s)
{
    uint32_t n = (uint32_t)s.n;
    buf_add(b, &n, sizeof n);
    buf_add_str(b, s);
}

static uint64_t content_version(enum protocol protocol, const struct endpoint *v, size_t n)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    buf_add(&b, &protocol, sizeof protocol);
    for (size_t i = 0; i < n; i++) {
        add_str(&b, v[i].address);
        buf_add(&b, &v[i].port, sizeof v[i].port);
        uint32_t n_tags = (uint32_t)v[i].tags->n;
        buf_add(&b, &n_tags, sizeof n_tags);
        for (size_t k = 0; k < v[i].tags->n; k++) {
            add_str(&b, v[i].tags->v[k].key);
            add_str(&b, v[i].tags->v[k].value);
        }
    }
    uint64_t version = hash_content(b.p, b.n);
    buf_fini(&b);
    return version;
}

struct service *service_new(struct str name, struct offer *offers, size_t n)
{
    struct service_data *d =
        xcalloc(1, sizeof *d + n * (sizeof(struct endpoint) + sizeof(struct offer)) + name.n + 1);
    struct endpoint *ends = (struct endpoint *)(d + 1);
    d->offers = (struct offer *)(ends + n);
    d->name = (char *)(d->offers + n);
    memcpy(d->name, name.p, name.n);
    if (n) {
        qsort(offers, n, sizeof *offers, offer_cmp);
        memcpy(d->offers, offers, n * sizeof *offers);
    }
    d->n_offers = n;
    atomic_init(&d->pub.refs, 1);
    d->pub.name = str_from(d->name, name.n);
    d->pub.endpoints = ends;
    d->pub.protocol = PROTOCOL_NONE;
    for (size_t i = 0; i < n; i++) {
        struct str protocol = tags_get(&offers[i].inbound->tags, TAG_PROTOCOL);
        d->pub.protocol = protocol_common(d->pub.protocol, protocol_parse(protocol));
        resource_ref(offers[i].dataplane);
        if (inbound_is_healthy(offers[i].inbound))
            ends[d->pub.n_endpoints++] = endpoint_of(&offers[i]);
    }
    d->pub.version = content_version(d->pub.protocol, ends, d->pub.n_endpoints);
    return &d->pub;
}

static int tree_cmp(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, ((const struct service *)item)->name);
}

static const void *tree_key(const void *item)
{
    return &((const struct service *)item)->name;
}

static void tree_ref(void *item)
{
    service_ref(item);
}

static void tree_unref(void *item)
{
    service_unref(item);
}

const struct ptree_ops service_tree = {tree_cmp, tree_key, tree_ref, tree_unref};
