/* sotw.c -- state of the world: a request names everything that is wanted of a type and acknowledges the
 * last response. */
#include <stdlib.h>

#include "load.h"
#include "proxy.h"

enum { /* field numbers */
       REQUEST_VERSION_INFO = 1,
       REQUEST_NODE = 2,
       REQUEST_RESOURCE_NAMES = 3,
       REQUEST_TYPE_URL = 4,
       REQUEST_RESPONSE_NONCE = 5,
       RESPONSE_VERSION_INFO = 1,
       RESPONSE_RESOURCES = 2,
       RESPONSE_TYPE_URL = 4,
       RESPONSE_NONCE = 5,
};

static void request(struct proxy *p, enum xds_type type)
{
    struct subscription *s = &p->subs[type];
    const struct holding *row;
    struct buf message;

    buf_init(&message, BUF_MAX_RESOURCE);
    pb_put_str(&message, REQUEST_VERSION_INFO, str_from_c(s->version));
    proxy_put_node(p, &message, REQUEST_NODE);
    for (uint32_t i = 0; !xds_type_info(type)->whole_set && (row = holdings_next(&p->holdings, &i));)
        if (row->name->type == type && row->is_asked)
            pb_put_str(&message, REQUEST_RESOURCE_NAMES, row->name->text);
    pb_put_str(&message, REQUEST_TYPE_URL, xds_type_info(type)->type_url);
    pb_put_str(&message, REQUEST_RESPONSE_NONCE, str_from_c(s->nonce));
    call_send(&p->call, buf_str(&message));
    buf_fini(&message);
    s->is_active = true;
}

static void forget_nonces(struct proxy *p)
{
    for (size_t i = 0; i < XDS_N; i++) {
        free(p->subs[i].nonce);
        p->subs[i].nonce = NULL;
    }
}

static void begin(struct proxy *p)
{
    forget_nonces(p);
    request(p, XDS_CLUSTER);
    for (enum xds_type type = XDS_CLUSTER + 1; type < XDS_N; type++)
        if (p->subs[type].is_active)
            request(p, type);
}

static void change(struct proxy *p, enum xds_type type, const struct names *more, const struct names *less)
{
    (void)more, (void)less;
    request(p, type);
}

static void keep(char **text, struct str fresh)
{
    free(*text);
    *text = xstrndup(fresh);
}

static void take(struct proxy *p, struct str message)
{
    struct load *l = p->load;
    struct pb_reader reader;
    struct pb_field f;
    struct str version = STR_NONE, nonce = STR_NONE;
    enum xds_type type = XDS_N;

    pb_reader_init(&reader, message); /* the type follows the resources on the wire */
    while (pb_next(&reader, &f))
        if (f.number == RESPONSE_VERSION_INFO)
            version = f.bytes;
        else if (f.number == RESPONSE_TYPE_URL)
            type = xds_type_by_url(f.bytes);
        else if (f.number == RESPONSE_NONCE)
            nonce = f.bytes;
    if (type == XDS_N)
        return;
    pb_reader_init(&reader, message);
    while (pb_next(&reader, &f))
        if (f.number == RESPONSE_RESOURCES) {
            struct content *k = catalog_content(&l->catalog, type, f.bytes, STR_NONE);

            proxy_hold(p, k->name, k);
        }
    if (xds_type_info(type)->whole_set)
        holdings_sweep(&p->holdings, type, &l->changed);
    keep(&p->subs[type].version, version);
    keep(&p->subs[type].nonce, nonce);
    p->subs[type].is_answered = true;
    if (type == XDS_CLUSTER)
        VEC_PUSH(&p->unanswered, NULL); /* the newest nonce is at hand */
    else
        request(p, type);
}

static void acknowledge_clusters(struct proxy *p)
{
    if (p->unanswered.n > 0)
        request(p, XDS_CLUSTER);
    VEC_FINI(&p->unanswered);
}

const struct protocol protocol_sotw = {
    .name = "sotw",
    .alpn = STR_INIT("h2"),
    .open = proxy_open_call,
    .close = proxy_close_call,
    .path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
    .begin = begin,
    .subscribe = request,
    .change = change,
    .take = take,
    .acknowledge_clusters = acknowledge_clusters,
};
