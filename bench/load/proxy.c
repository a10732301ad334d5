/* proxy.c -- what a simulated proxy does when something arrives. */
#include "proxy.h"

#include "churn.h"
#include "load.h"
#include "ursa/base/clock.h"

enum { NODE_ID = 1, NODE_CLUSTER = 2, NODE_METADATA = 3, MAP_KEY = 1, MAP_VALUE = 2, VALUE_STRING = 3 };

static const enum xds_type named_types[] = {XDS_ENDPOINT, XDS_SECRET, XDS_ROUTE, XDS_EXTENSION};

/* google.protobuf.Struct with one member, a string. */
static void put_metadata(struct buf *node, struct str key, struct str text)
{
    struct buf value, entry, metadata;

    buf_init(&value, BUF_MAX_RESOURCE);
    buf_init(&entry, BUF_MAX_RESOURCE);
    buf_init(&metadata, BUF_MAX_RESOURCE);
    pb_put_str(&value, VALUE_STRING, text);
    pb_put_str(&entry, MAP_KEY, key);
    pb_put_bytes(&entry, MAP_VALUE, buf_str(&value));
    pb_put_bytes(&metadata, 1, buf_str(&entry));
    pb_put_bytes(node, NODE_METADATA, buf_str(&metadata));
    buf_fini(&metadata);
    buf_fini(&entry);
    buf_fini(&value);
}

void proxy_put_node(struct proxy *p, struct buf *request, uint32_t field)
{
    struct buf node;

    if (p->said_node)
        return;
    p->said_node = true;
    buf_init(&node, BUF_MAX_RESOURCE);
    pb_put_header(&node, NODE_ID, p->mesh.n + 1 + p->name.n);
    buf_printf(&node, STR_FMT "." STR_FMT, STR_ARG(p->mesh), STR_ARG(p->name));
    pb_put_str(&node, NODE_CLUSTER, p->name);
    if (p->dataplane.n > 0)
        put_metadata(&node, STR("dataplane.resource"), p->dataplane);
    pb_put_bytes(request, field, buf_str(&node));
    buf_fini(&node);
}

void proxy_hold(struct proxy *p, struct name *name, struct content *content)
{
    struct content *old = holdings_put(&p->holdings, name, content, &p->load->changed);

    if (content && old && old != content && name->type == XDS_CLUSTER)
        p->warms_again = true;
    if (content && old && old != content)
        load_renewed(p->load, p, name);
    if (content && content->stamps.n > 0)
        churn_take(p->load, p, content);
}

void proxy_receives(struct proxy *p)
{
    load_received(p->load, p);
    holdings_begin(&p->holdings);
}

/* What the last response makes it ask for, and whether it is configured now. */
void proxy_advance(struct proxy *p)
{
    struct load *l = p->load;
    struct names *more = l->more, *less = l->less;

    holdings_settle(&p->holdings, &l->changed, more, less);
    for (size_t i = 0; i < ARRAY_LEN(named_types); i++) {
        enum xds_type type = named_types[i];

        if (more[type].n > 0 || less[type].n > 0 || (type == XDS_ENDPOINT && p->warms_again))
            l->protocol->change(p, type, &more[type], &less[type]);
        VEC_CLEAR(&more[type]);
        VEC_CLEAR(&less[type]);
    }
    p->warms_again = false;
    if (p->holdings.n_missing > 0)
        return;
    l->protocol->acknowledge_clusters(p);
    if (!p->subs[XDS_LISTENER].is_active) /* Envoy asks when its clusters are initialised */
        l->protocol->subscribe(p, XDS_LISTENER);
    else if (!p->is_configured && p->subs[XDS_LISTENER].is_answered &&
             p->holdings.n_endpoints >= l->options.n_endpoints)
        load_configured(l, p);
}

void proxy_opened(struct proxy *p)
{
    p->is_open = true;
    p->asked_at = clock_mono_ns();
    load_opened(p->load, p);
}

void proxy_failed(struct proxy *p, const char *why)
{
    load_lost(p->load, p, why);
    p->is_open = false;
}

/* ---- over a gRPC call ---- */

static void on_opened(struct call *c)
{
    struct proxy *p = CONTAINER_OF(c, struct proxy, call);

    p->said_node = false;
    proxy_opened(p);
    p->load->protocol->begin(p);
}

static void on_message(struct call *c, struct str message)
{
    struct proxy *p = CONTAINER_OF(c, struct proxy, call);

    proxy_receives(p);
    p->load->protocol->take(p, message);
    proxy_advance(p);
}

static void on_failed(struct call *c, const char *why)
{
    proxy_failed(CONTAINER_OF(c, struct proxy, call), why);
}

void proxy_open_call(struct proxy *p)
{
    static const struct call_events events = {
        .opened = on_opened, .message = on_message, .failed = on_failed};

    p->call.token = p->token;
    p->is_open = false;
    call_open(&p->call, &p->load->place, &events, p->load->protocol->path, p->number);
}

void proxy_close_call(struct proxy *p)
{
    call_close(&p->call);
}
