/* xds/request.c -- reads a DiscoveryRequest (envoy.service.discovery.v3) without building a tree of it: a
 * first request has 60 kB of Envoy's extension list that nobody needs. Everything is bounded here, at the
 * door. */
#include "ursa/xds.h"

#include <string.h>

#define NAMES_MAX 100000
#define NAME_MAX_SIZE 4096
#define METADATA_MAX (256u << 10) /* the Dataplane that a proxy brings is in it */
#define ERROR_TEXT_MAX 4096

enum { /* field numbers */
       REQUEST_VERSION_INFO = 1,
       REQUEST_NODE = 2,
       REQUEST_RESOURCE_NAMES = 3,
       REQUEST_TYPE_URL = 4,
       REQUEST_RESPONSE_NONCE = 5,
       REQUEST_ERROR_DETAIL = 6,
       NODE_ID = 1,
       NODE_CLUSTER = 2,
       NODE_METADATA = 3,
       STATUS_MESSAGE = 2,
};

static bool is_text(struct str s)
{
    while (s.n > 0) {
        size_t size = str_utf8_size(s);
        if (size == 0)
            return false;
        s = str_slice(s, size, s.n);
    }
    return true;
}

/* A protobuf string: valid UTF-8 and no NUL, so that it may go into messages and names. */
static enum err_kind take_text(const struct pb_field *f, const char *what, struct str *out, struct err *e)
{
    if (f->wire_type != 2 || !is_text(f->bytes) || str_chr(f->bytes, '\0') < f->bytes.n)
        return err_set(e, ERR_MALFORMED, "%s is no valid text", what);
    *out = f->bytes;
    return ERR_NONE;
}

static enum err_kind decode_node(struct str wire, struct discovery_node *node, struct err *e)
{
    struct pb_reader r;
    struct pb_field f;
    struct str metadata = STR_NONE;
    enum err_kind kind = ERR_NONE;
    node->given = true;
    pb_reader_init(&r, wire);
    while (kind == ERR_NONE && pb_next(&r, &f)) {
        if (f.number == NODE_ID)
            kind = take_text(&f, "node.id", &node->id, e);
        else if (f.number == NODE_CLUSTER)
            kind = take_text(&f, "node.cluster", &node->cluster, e);
        else if (f.number == NODE_METADATA)
            metadata = f.bytes;
    }
    if (kind != ERR_NONE)
        return kind;
    if (r.failed)
        return err_set(e, ERR_MALFORMED, "node is malformed");
    if (metadata.n > METADATA_MAX)
        return err_set(e, ERR_LIMIT, "node.metadata has more than %u bytes", METADATA_MAX);
    if (metadata.p == NULL)
        return ERR_NONE;
    json_decref(node->metadata);
    node->metadata = NULL;
    kind = envoy_decode(STR("google.protobuf.Struct"), metadata, &node->metadata, e);
    if (kind != ERR_NONE)
        err_add_context(e, "node.metadata");
    return kind;
}

/* google.rpc.Status: only the text matters; what Envoy says may quote a whole configuration. */
static enum err_kind decode_error(struct str wire, struct arena *arena, struct str *text, struct err *e)
{
    struct pb_reader r;
    struct pb_field f;
    struct str message = STR_NONE;
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f)) {
        if (f.number == STATUS_MESSAGE)
            message = f.bytes;
    }
    if (r.failed)
        return err_set(e, ERR_MALFORMED, "errorDetail is malformed");
    char *p = arena_cstr(arena, str_slice(message, 0, ERROR_TEXT_MAX));
    struct str rest = str_from(p, message.n < ERROR_TEXT_MAX ? message.n : ERROR_TEXT_MAX);
    *text = rest;
    while (rest.n > 0) { /* a refusal is recorded even when its text is broken or cut in a character */
        size_t size = str_utf8_size(rest);
        if (size == 0 || rest.p[0] == '\0')
            p[rest.p - text->p] = '?';
        rest = str_slice(rest, size > 0 ? size : 1, rest.n);
    }
    return ERR_NONE;
}

static enum err_kind add_name(const struct pb_field *f, struct discovery_request *r, struct err *e)
{
    struct str *name = &r->names[r->n_names++];
    if (f->bytes.n > NAME_MAX_SIZE)
        return err_set(e, ERR_LIMIT, "a resource name has more than %d bytes", NAME_MAX_SIZE);
    return take_text(f, "a resource name", name, e);
}

static enum err_kind decode_field(const struct pb_field *f, struct arena *arena,
                                  struct discovery_request *out, struct err *e)
{
    switch (f->number) {
    case REQUEST_VERSION_INFO:
        return take_text(f, "versionInfo", &out->version_info, e);
    case REQUEST_NODE:
        return decode_node(f->bytes, &out->node, e);
    case REQUEST_RESOURCE_NAMES:
        return add_name(f, out, e);
    case REQUEST_TYPE_URL:
        return take_text(f, "typeUrl", &out->type_url, e);
    case REQUEST_RESPONSE_NONCE:
        return take_text(f, "responseNonce", &out->response_nonce, e);
    case REQUEST_ERROR_DETAIL:
        out->has_error = true;
        return decode_error(f->bytes, arena, &out->error_message, e);
    default:
        return ERR_NONE;
    }
}

static enum err_kind count_names(struct str wire, size_t *n, struct err *e)
{
    struct pb_reader r;
    struct pb_field f;
    *n = 0;
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f))
        *n += f.number == REQUEST_RESOURCE_NAMES;
    if (r.failed)
        return err_set(e, ERR_MALFORMED, "the discovery request is malformed");
    if (*n > NAMES_MAX)
        return err_set(e, ERR_LIMIT, "a discovery request may name at most %d resources", NAMES_MAX);
    return ERR_NONE;
}

enum err_kind discovery_request_decode(struct str wire, struct arena *arena, struct discovery_request *out,
                                       struct err *e)
{
    size_t n;
    *out = (struct discovery_request){0};
    if (wire.n > DISCOVERY_REQUEST_MAX)
        return err_set(e, ERR_LIMIT, "a discovery request may have at most %u bytes", DISCOVERY_REQUEST_MAX);
    enum err_kind kind = count_names(wire, &n, e);
    if (kind != ERR_NONE)
        return kind;
    out->names = ARENA_ARRAY(arena, struct str, n);
    struct pb_reader r;
    struct pb_field f;
    pb_reader_init(&r, wire);
    while (kind == ERR_NONE && pb_next(&r, &f))
        kind = decode_field(&f, arena, out, e);
    if (kind != ERR_NONE)
        discovery_request_fini(out);
    out->type = xds_type_by_url(out->type_url);
    return kind;
}

void discovery_request_fini(struct discovery_request *r)
{
    json_decref(r->node.metadata);
    r->node.metadata = NULL;
}
