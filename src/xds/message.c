/* xds/message.c -- encodes a DiscoveryResponse or a DeltaDiscoveryResponse (envoy.service.discovery.v3)
 * around the shared bytes of its resources. */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"

enum { /* field numbers; the first four are those of a DeltaDiscoveryResponse, too */
       RESPONSE_VERSION_INFO = 1,
       RESPONSE_RESOURCES = 2,
       RESPONSE_TYPE_URL = 4,
       RESPONSE_NONCE = 5,
       RESPONSE_CONTROL_PLANE = 6,
       DELTA_REMOVED_RESOURCES = 6,
       DELTA_CONTROL_PLANE = 7,
       CONTROL_PLANE_IDENTIFIER = 1,
       RESOURCE_VERSION = 1,
       RESOURCE_RESOURCE = 2,
       RESOURCE_NAME = 3,
};

static void put_tail(struct buf *b, const struct xds_response *r, struct str control_plane)
{
    char version[VERSION_TEXT_SIZE], nonce[24];
    struct buf inner;
    version_format(r->version, version);
    snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)r->nonce);
    pb_put_str(b, RESPONSE_VERSION_INFO, str_from_c(version));
    pb_put_str(b, RESPONSE_TYPE_URL, xds_type_info(r->type)->type_url);
    pb_put_str(b, RESPONSE_NONCE, str_from_c(nonce));
    buf_init(&inner, BUF_MAX_RESOURCE);
    pb_put_str(&inner, CONTROL_PLANE_IDENTIFIER, control_plane);
    pb_put_bytes(b, r->is_delta ? DELTA_CONTROL_PLANE : RESPONSE_CONTROL_PLANE, buf_str(&inner));
    buf_fini(&inner);
    for (size_t i = 0; i < r->removed.n; i++)
        pb_put_str(b, DELTA_REMOVED_RESOURCES, str_from_c(r->removed.v[i]));
}

/* Of a length-delimited field with a number below 16. */
static size_t field_size(size_t n)
{
    size_t size = 2 + n;
    for (size_t rest = n >> 7; rest > 0; rest >>= 7)
        size++;
    return size;
}

/* What stands before the bytes of a resource: in the incremental variant, its name and its version, too. */
static void put_head(struct buf *b, const struct xds_response *r, const struct xds_resource *resource)
{
    char version[VERSION_TEXT_SIZE];
    if (!r->is_delta) {
        pb_put_header(b, RESPONSE_RESOURCES, resource->any->n);
        return;
    }
    version_format(resource->version, version);
    pb_put_header(b, RESPONSE_RESOURCES,
                  field_size(VERSION_TEXT_SIZE - 1) + field_size(resource->name.n) +
                      field_size(resource->any->n));
    pb_put_bytes(b, RESOURCE_VERSION, str_from(version, VERSION_TEXT_SIZE - 1));
    pb_put_bytes(b, RESOURCE_NAME, resource->name);
    pb_put_header(b, RESOURCE_RESOURCE, resource->any->n);
}

void message_from_response(const struct xds_response *r, struct str control_plane, struct xds_message *out)
{
    struct buf small;
    size_t n = 0, used = 0;
    buf_init(&small, BUF_MAX_RESOURCE);
    struct message_part *parts = xcalloc(2 * r->n + 1, sizeof(*parts));
    for (size_t i = 0; i < r->n; i++) {
        size_t before = small.n;
        put_head(&small, r, r->v[i]);
        parts[n++].bytes.n = small.n - before;
        parts[n++] = (struct message_part){.bytes = blob_str(r->v[i]->any), .owner = blob_ref(r->v[i]->any)};
    }
    size_t before = small.n;
    put_tail(&small, r, control_plane);
    parts[n++].bytes.n = small.n - before;
    *out = (struct xds_message){.n_parts = n, .parts = parts, .small = small.p};
    for (size_t i = 0; i < n; i++) { /* only now does the small storage not move any more */
        if (!parts[i].owner) {
            parts[i].bytes.p = (const char *)small.p + used;
            used += parts[i].bytes.n;
        }
        out->n_bytes += parts[i].bytes.n;
    }
}

void xds_message_fini(struct xds_message *m)
{
    for (size_t i = 0; i < m->n_parts; i++)
        blob_unref(m->parts[i].owner);
    free(m->parts);
    free(m->small);
    *m = (struct xds_message){0};
}
