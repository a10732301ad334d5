/* grpc.c -- gRPC's header, framing and status without sockets or HTTP/2: bytes in, decisions out. */
#include "grpc.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"

#define ADS_SERVICE "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
static const struct str ads_paths[] = {
    [XDS_SOTW] = STR_INIT(ADS_SERVICE "StreamAggregatedResources"),
    [XDS_DELTA] = STR_INIT(ADS_SERVICE "DeltaAggregatedResources"),
};

static const struct str hds_path =
    STR_INIT("/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck");

enum grpc_code grpc_code_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return GRPC_OK;
    case ERR_INVALID:
    case ERR_MALFORMED:
        return GRPC_INVALID_ARGUMENT;
    case ERR_NOT_FOUND:
        return GRPC_NOT_FOUND;
    case ERR_EXISTS:
        return GRPC_ALREADY_EXISTS;
    case ERR_CONFLICT:
        return GRPC_FAILED_PRECONDITION;
    case ERR_STALE:
        return GRPC_ABORTED;
    case ERR_UNAUTHENTICATED:
        return GRPC_UNAUTHENTICATED;
    case ERR_DENIED:
        return GRPC_PERMISSION_DENIED;
    case ERR_METHOD:
    case ERR_MEDIA:
        return GRPC_UNIMPLEMENTED;
    case ERR_LIMIT:
    case ERR_TOO_OFTEN:
    case ERR_NO_SPACE:
        return GRPC_RESOURCE_EXHAUSTED;
    case ERR_UNAVAILABLE:
    case ERR_PEER:
        return GRPC_UNAVAILABLE;
    case ERR_IO:
    case ERR_BUG:
        break;
    }
    return GRPC_INTERNAL;
}

void grpc_head_init(struct grpc_head *h)
{
    *h = (struct grpc_head){0};
}

void grpc_head_fini(struct grpc_head *h)
{
    free_secret(h->authorization, h->authorization_size);
    h->authorization = NULL;
}

static bool head_too_large(const struct grpc_head *h)
{
    return h->n_bytes > GRPC_HEADER_MAX;
}

/* "application/grpc", alone or followed by a "+proto" or a ";parameter". */
static bool is_grpc_type(struct str type)
{
    struct str base = STR("application/grpc");

    return str_has_prefix(type, base) && (type.n == base.n || type.p[base.n] == '+' || type.p[base.n] == ';');
}

static void take_path(struct grpc_head *h, struct str path)
{
    h->variant = str_eq(path, ads_paths[XDS_DELTA]) ? XDS_DELTA : XDS_SOTW;
    h->is_ads = str_eq(path, ads_paths[h->variant]);
    h->is_hds = str_eq(path, hds_path);
}

void grpc_head_add(struct grpc_head *h, struct str name, struct str value)
{
    h->n_bytes += name.n + value.n + 32;
    if (head_too_large(h))
        return;
    if (str_eq(name, STR(":method"))) {
        h->is_post = str_eq(value, STR("POST"));
    } else if (str_eq(name, STR(":path"))) {
        take_path(h, value);
    } else if (str_eq(name, STR("content-type"))) {
        h->is_grpc = is_grpc_type(value);
    } else if (str_eq(name, STR("grpc-encoding"))) {
        h->is_encoded = !str_eq(value, STR("identity"));
    } else if (str_eq(name, STR("authorization")) && h->n_authorizations++ == 0) {
        h->authorization = xstrndup(value);
        h->authorization_size = value.n;
    }
}

unsigned grpc_head_check(const struct grpc_head *h, struct grpc_status *status)
{
    *status = (struct grpc_status){0};
    if (head_too_large(h))
        return 431;
    if (!h->is_post)
        return 405;
    if (!h->is_grpc)
        return 415;
    if (!h->is_ads && !h->is_hds)
        *status = (struct grpc_status){ERR_METHOD, STR("this method is not served here")};
    else if (h->is_encoded)
        *status = (struct grpc_status){ERR_MEDIA, STR("compressed messages are not accepted")};
    else if (h->n_authorizations > 1)
        *status = (struct grpc_status){
            ERR_UNAUTHENTICATED, STR("authentication failed: there must be exactly one authorization value")};
    return status->kind == ERR_NONE ? 0 : 200;
}

struct str grpc_head_authorization(const struct grpc_head *h)
{
    return h->authorization ? str_from(h->authorization, h->authorization_size) : STR_NONE;
}

void grpc_prefix_write(uint8_t prefix[GRPC_PREFIX_SIZE], size_t size)
{
    prefix[0] = 0; /* not compressed */
    prefix[1] = (uint8_t)(size >> 24);
    prefix[2] = (uint8_t)(size >> 16);
    prefix[3] = (uint8_t)(size >> 8);
    prefix[4] = (uint8_t)size;
}

void grpc_reader_init(struct grpc_reader *r)
{
    r->n_prefix = 0;
    r->size = 0;
    buf_init(&r->body, DISCOVERY_REQUEST_MAX);
}

void grpc_reader_fini(struct grpc_reader *r)
{
    buf_fini(&r->body);
}

static struct str take(struct str *in, size_t n)
{
    struct str taken = str_slice(*in, 0, n);

    *in = str_slice(*in, taken.n, in->n);
    return taken;
}

/* False when the prefix is refused. */
static bool prefix_read(struct grpc_reader *r, struct grpc_status *status)
{
    const uint8_t *p = r->prefix;

    r->size = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    if (p[0] == 1)
        *status = (struct grpc_status){ERR_MEDIA, STR("compressed messages are not accepted")};
    else if (p[0] != 0)
        *status = (struct grpc_status){ERR_MALFORMED, STR("the bytes received are no gRPC messages")};
    else if (r->size > DISCOVERY_REQUEST_MAX)
        *status = (struct grpc_status){ERR_LIMIT, STR("the message is larger than 1 MiB")};
    return status->kind == ERR_NONE;
}

enum grpc_event grpc_reader_next(struct grpc_reader *r, struct str *in, struct str *message,
                                 struct grpc_status *status)
{
    *status = (struct grpc_status){0};
    if (!grpc_reader_is_amid(r))
        buf_fini(&r->body); /* the message that the last call gave out is done with */
    if (r->n_prefix < GRPC_PREFIX_SIZE) {
        struct str part = take(in, GRPC_PREFIX_SIZE - r->n_prefix);

        if (part.n > 0)
            memcpy(r->prefix + r->n_prefix, part.p, part.n);
        r->n_prefix = (uint8_t)(r->n_prefix + part.n);
        if (r->n_prefix < GRPC_PREFIX_SIZE)
            return GRPC_MORE;
        if (!prefix_read(r, status))
            return GRPC_FAULT;
    }
    struct str part = take(in, r->size - r->body.n);

    if (part.n == r->size) { /* in one piece: no copy */
        *message = part;
    } else {
        buf_add_str(&r->body, part);
        if (r->body.n < r->size)
            return GRPC_MORE;
        *message = buf_str(&r->body);
    }
    r->n_prefix = 0;
    return GRPC_MESSAGE;
}

bool grpc_reader_is_amid(const struct grpc_reader *r)
{
    return r->n_prefix > 0;
}

size_t grpc_reader_held(const struct grpc_reader *r)
{
    return r->body.size;
}

void grpc_message_encode(struct str text, struct buf *out)
{
    if (text.n > GRPC_TEXT_MAX) {
        text.n = GRPC_TEXT_MAX;
        while (text.n > 0 && ((uint8_t)text.p[text.n] & 0xc0) == 0x80) /* a continuation byte of UTF-8 */
            text.n--;
    }
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];

        if (c >= 0x20 && c <= 0x7e && c != '%')
            buf_add_byte(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}
