/* envoy/xds_resource.c -- the resource types of xDS, and one resource as it is kept and sent. */
#include "codec.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"

#define GOOGLE_APIS "type.googleapis.com/"
#define ROW(msg, short, name, whole)                                                                         \
    {                                                                                                        \
        .message = STR_INIT(msg), .type_url = STR_INIT(GOOGLE_APIS msg), .short_name = STR_INIT(short),      \
        .name_field = STR_INIT(name), .whole_set = (whole)                                                   \
    }

static const struct xds_type_info types[XDS_N] = {
    [XDS_CLUSTER] = ROW("envoy.config.cluster.v3.Cluster", "cds", "name", true),
    [XDS_ENDPOINT] = ROW("envoy.config.endpoint.v3.ClusterLoadAssignment", "eds", "clusterName", false),
    [XDS_SECRET] = ROW("envoy.extensions.transport_sockets.tls.v3.Secret", "sds", "name", false),
    [XDS_LISTENER] = ROW("envoy.config.listener.v3.Listener", "lds", "name", true),
    [XDS_ROUTE] = ROW("envoy.config.route.v3.RouteConfiguration", "rds", "name", false),
    [XDS_EXTENSION] = ROW("envoy.config.core.v3.TypedExtensionConfig", "ecds", "name", false),
    [XDS_RUNTIME] = ROW("envoy.service.runtime.v3.Runtime", "rtds", "name", false),
};

const struct xds_type_info *xds_type_info(enum xds_type type)
{
    assert(type < XDS_N);
    return &types[type];
}

enum xds_type xds_type_by_url(struct str type_url)
{
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (str_eq(types[t].type_url, type_url))
            return t;
    }
    return XDS_N;
}

/* More bytes than the wire form of 'v' can have: tags, lengths and numbers take less than 64 a node, and no
 * text more than twice its length. 'depth' is more than what the encoder follows. */
static size_t size_bound(const json_t *v, unsigned depth)
{
    size_t n = 64 + 2 * json_string_length(v), i;
    const char *key;
    json_t *item;
    if (depth == 0)
        return n;
    json_array_foreach(codec_mutable(v), i, item) n += size_bound(item, depth - 1);
    json_object_foreach(codec_mutable(v), key, item) n += strlen(key) + size_bound(item, depth - 1);
    return n;
}

struct xds_resource *xds_resource_from_any(enum xds_type type, struct str name, const struct buf *any,
                                           bool secret)
{
    struct xds_resource *r = xcalloc(1, sizeof(*r) + name.n + 1);
    atomic_init(&r->refs, 1);
    r->type = type;
    memcpy(r + 1, name.p, name.n);
    r->name = str_from(r + 1, name.n);
    r->any = secret ? blob_new_secret(any->p, any->n) : blob_new(any->p, any->n);
    r->version = r->any->hash;
    return r;
}

static struct xds_resource *resource_new(enum xds_type type, const json_t *tree, struct buf *any, bool secret,
                                         struct err *e)
{
    const struct xds_type_info *info = &types[type];
    struct str name = json_str(json_get(tree, info->name_field.p));
    if (name.n == 0) {
        err_cause_at(e, info->name_field, STR("must be a string that is not empty"));
        return NULL;
    }
    pb_put_str(any, 1, info->type_url);
    size_t start = pb_begin(any, 2);
    if (envoy_encode(info->message, tree, any, e) != ERR_NONE) {
        err_add_context(e, STR_FMT " \"" STR_FMT "\"", STR_ARG(info->message), STR_ARG(name));
        return NULL;
    }
    pb_end(any, start);
    return xds_resource_from_any(type, name, any, secret);
}

struct xds_resource *xds_resource_new(enum xds_type type, const json_t *tree, struct err *e)
{
    struct buf any;
    buf_init(&any, BUF_MAX_RESOURCE);
    struct xds_resource *r = resource_new(type, tree, &any, false, e);
    buf_fini(&any);
    return r;
}

struct xds_resource *xds_resource_new_secret(enum xds_type type, const json_t *tree, struct err *e)
{
    struct buf any;
    buf_init(&any, BUF_MAX_RESOURCE);
    /* All the room at once: a buffer that grows would leave copies of the key behind. */
    (void)buf_room(&any, size_bound(tree, 4 * CODEC_MAX_DEPTH) + types[type].type_url.n);
    size_t size = any.size;
    struct xds_resource *r = resource_new(type, tree, &any, true, e);
    assert(any.size == size);
    if (any.p)
        explicit_bzero(any.p, any.size);
    buf_fini(&any);
    return r;
}

struct xds_resource *xds_resource_ref(struct xds_resource *r)
{
    if (r)
        atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void xds_resource_unref(struct xds_resource *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    blob_unref(r->any);
    free(r);
}

json_t *xds_resource_to_json(const struct xds_resource *r)
{
    struct pb_reader reader;
    struct pb_field f;
    struct arena arena;
    struct err e;
    json_t *tree = NULL;
    pb_reader_init(&reader, blob_str(r->any));
    while (pb_next(&reader, &f) && f.number != 2)
        continue;
    arena_init(&arena);
    err_init(&e, &arena);
    enum err_kind kind = envoy_decode(types[r->type].message, f.bytes, &tree, &e);
    assert(kind == ERR_NONE); /* the bytes are our own */
    arena_fini(&arena);
    return tree;
}
