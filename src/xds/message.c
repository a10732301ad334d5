/* xds/message.c -- encodes a DiscoveryResponse (envoy.service.discovery.v3) around the shared bytes of its
 * resources. */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"

enum { /* field numbers */
       RESPONSE_VERSION_INFO = 1,
       RESPONSE_RESOURCES = 2,
       RESPONSE_TYPE_URL = 4,
       RESPONSE_NONCE = 5,
       RESPONSE_CONTROL_PLANE = 6,
       CONTROL_PLANE_IDENTIFIER = 1,
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
    pb_put_bytes(b, RESPONSE_CONTROL_PLANE, buf_str(&inner));
    buf_fini(&inner);
}

void message_from_response(const struct xds_response *r, struct str control_plane, struct xds_message *out)
{
    struct buf small;
    size_t n = 0, used = 0;
    buf_init(&small, BUF_MAX_RESOURCE);
    struct message_part *parts = xcalloc(2 * r->n + 1, sizeof(*parts));
    for (size_t i = 0; i < r->n; i++) {
        size_t before = small.n;
        pb_put_header(&small, RESPONSE_RESOURCES, r->v[i]->any->n);
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
