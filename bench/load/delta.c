/* delta.c -- the incremental protocol: a request names what is wanted and what is no longer, and answers a
 * response by its nonce alone. */
#include <stdlib.h>

#include "load.h"
#include "proxy.h"

enum { /* field numbers */
       REQUEST_NODE = 1,
       REQUEST_TYPE_URL = 2,
       REQUEST_SUBSCRIBE = 3,
       REQUEST_UNSUBSCRIBE = 4,
       REQUEST_INITIAL_VERSIONS = 5,
       REQUEST_RESPONSE_NONCE = 6,
       MAP_KEY = 1,
       MAP_VALUE = 2,
       RESPONSE_RESOURCES = 2,
       RESPONSE_TYPE_URL = 4,
       RESPONSE_NONCE = 5,
       RESPONSE_REMOVED = 6,
       RESOURCE_VERSION = 1,
       RESOURCE_ANY = 2,
       RESOURCE_NAME = 3,
};

static void request_begin(struct proxy *p, enum xds_type type, struct buf *message)
{
    buf_init(message, BUF_MAX_RESOURCE);
    proxy_put_node(p, message, REQUEST_NODE);
    pb_put_str(message, REQUEST_TYPE_URL, xds_type_info(type)->type_url);
}

static void request_send(struct proxy *p, struct buf *message)
{
    call_send(&p->call, buf_str(message));
    buf_fini(message);
}

static void acknowledge(struct proxy *p, enum xds_type type, struct str nonce)
{
    struct buf message;

    request_begin(p, type, &message);
    pb_put_str(&message, REQUEST_RESPONSE_NONCE, nonce);
    request_send(p, &message);
}

static void put_version(struct buf *message, const struct content *k)
{
    struct buf entry;

    buf_init(&entry, BUF_MAX_RESOURCE);
    pb_put_str(&entry, MAP_KEY, k->name->text);
    pb_put_str(&entry, MAP_VALUE, k->version);
    pb_put_bytes(message, REQUEST_INITIAL_VERSIONS, buf_str(&entry));
    buf_fini(&entry);
}

/* What a type's first request on a connection says: the names that it wants, the versions that it holds from
 * an earlier connection. No name at all means all there are. */
static void subscribe(struct proxy *p, enum xds_type type)
{
    const struct holding *row;
    struct buf message;

    request_begin(p, type, &message);
    for (uint32_t i = 0; (row = holdings_next(&p->holdings, &i));) {
        if (row->name->type != type)
            continue;
        if (row->is_asked)
            pb_put_str(&message, REQUEST_SUBSCRIBE, row->name->text);
        if (row->content)
            put_version(&message, row->content);
    }
    request_send(p, &message);
    p->subs[type].is_active = true;
}

static void forget_nonces(struct proxy *p)
{
    for (size_t i = 0; i < p->unanswered.n; i++)
        free(p->unanswered.v[i]);
    VEC_FINI(&p->unanswered);
}

static void begin(struct proxy *p)
{
    forget_nonces(p);
    subscribe(p, XDS_CLUSTER);
    for (enum xds_type type = XDS_CLUSTER + 1; type < XDS_N; type++)
        if (p->subs[type].is_active)
            subscribe(p, type);
}

static void change(struct proxy *p, enum xds_type type, const struct names *more, const struct names *less)
{
    struct buf message;

    if (more->n == 0 && less->n == 0)
        return; /* a cluster that warms again: delta does not ask */
    request_begin(p, type, &message);
    for (size_t i = 0; i < more->n; i++)
        pb_put_str(&message, REQUEST_SUBSCRIBE, more->v[i]->text);
    for (size_t i = 0; i < less->n; i++)
        pb_put_str(&message, REQUEST_UNSUBSCRIBE, less->v[i]->text);
    request_send(p, &message);
    p->subs[type].is_active = true;
}

static void take_resource(struct proxy *p, enum xds_type type, struct str wire)
{
    struct load *l = p->load;
    struct pb_reader reader;
    struct pb_field f;
    struct str version = STR_NONE, name = STR_NONE, any = STR_NONE;

    pb_reader_init(&reader, wire);
    while (pb_next(&reader, &f))
        if (f.number == RESOURCE_VERSION)
            version = f.bytes;
        else if (f.number == RESOURCE_ANY)
            any = f.bytes;
        else if (f.number == RESOURCE_NAME)
            name = f.bytes;
    if (any.n == 0)
        return;
    struct content *k = catalog_content(&l->catalog, type, any, version);

    proxy_hold(p, name.n > 0 ? catalog_name(&l->catalog, type, name) : k->name, k);
}

static void take(struct proxy *p, struct str message)
{
    struct load *l = p->load;
    struct pb_reader reader;
    struct pb_field f;
    struct str nonce = STR_NONE;
    enum xds_type type = XDS_N;

    pb_reader_init(&reader, message); /* the type follows the resources on the wire */
    while (pb_next(&reader, &f))
        if (f.number == RESPONSE_TYPE_URL)
            type = xds_type_by_url(f.bytes);
        else if (f.number == RESPONSE_NONCE)
            nonce = f.bytes;
    if (type == XDS_N)
        return;
    pb_reader_init(&reader, message);
    while (pb_next(&reader, &f))
        if (f.number == RESPONSE_RESOURCES)
            take_resource(p, type, f.bytes);
        else if (f.number == RESPONSE_REMOVED)
            proxy_hold(p, catalog_name(&l->catalog, type, f.bytes), NULL);
    p->subs[type].is_answered = true;
    if (type == XDS_CLUSTER)
        VEC_PUSH(&p->unanswered, xstrndup(nonce));
    else
        acknowledge(p, type, nonce);
}

static void acknowledge_clusters(struct proxy *p)
{
    for (size_t i = 0; i < p->unanswered.n; i++)
        acknowledge(p, XDS_CLUSTER, str_from_c(p->unanswered.v[i]));
    forget_nonces(p);
}

const struct protocol protocol_delta = {
    .name = "delta",
    .alpn = STR_INIT("h2"),
    .open = proxy_open_call,
    .close = proxy_close_call,
    .path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    .begin = begin,
    .subscribe = subscribe,
    .change = change,
    .take = take,
    .acknowledge_clusters = acknowledge_clusters,
};
