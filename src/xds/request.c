/* xds/request.c -- reads a DiscoveryRequest or a DeltaDiscoveryRequest (envoy.service.discovery.v3) without
 * building a tree of it: a first request has 60 kB of Envoy's extension list that nobody needs. Everything is
 * bounded here, at the door. */
#include "ursa/xds.h"

#include <string.h>

#define NAMES_MAX 100000
#define NAME_MAX_SIZE 4096
#define METADATA_MAX (256u << 10) /* the Dataplane that a proxy brings is in it */
#define ERROR_TEXT_MAX 4096

enum { /* field numbers */
       NODE_ID = 1,
       NODE_CLUSTER = 2,
       NODE_METADATA = 3,
       STATUS_MESSAGE = 2,
       ENTRY_KEY = 1,
       ENTRY_VALUE = 2,
};

/* What the fields of a request are, in both variants. */
enum part {
    PART_UNKNOWN,
    PART_VERSION_INFO,
    PART_NODE,
    PART_NAMES,        /* of the incremental variant: to subscribe */
    PART_UNSUBSCRIBED, /* names, too */
    PART_VERSIONS,     /* a name and the version that the client has */
    PART_TYPE_URL,
    PART_NONCE,
    PART_ERROR
};
#define FIELDS_MAX 8
static const enum part parts[][FIELDS_MAX] = {
    [XDS_SOTW] = {PART_UNKNOWN, PART_VERSION_INFO, PART_NODE, PART_NAMES, PART_TYPE_URL, PART_NONCE,
                  PART_ERROR},
    [XDS_DELTA] = {PART_UNKNOWN, PART_NODE, PART_TYPE_URL, PART_NAMES, PART_UNSUBSCRIBED, PART_VERSIONS,
                   PART_NONCE, PART_ERROR},
};

static enum part part_of(enum xds_variant variant, const struct pb_field *f)
{
    return f->number < FIELDS_MAX ? parts[variant][f->number] : PART_UNKNOWN;
}

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

enum err_kind discovery_node_decode(struct str wire, struct discovery_node *node, struct err *e)
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

static enum err_kind take_name(const struct pb_field *f, struct str *name, struct err *e)
{
    if (f->bytes.n > NAME_MAX_SIZE)
        return err_set(e, ERR_LIMIT, "a resource name has more than %d bytes", NAME_MAX_SIZE);
    return take_text(f, "a resource name", name, e);
}

static enum err_kind decode_version(struct str wire, struct discovery_version *v, struct err *e)
{
    struct pb_reader r;
    struct pb_field f;
    enum err_kind kind = ERR_NONE;
    pb_reader_init(&r, wire);
    while (kind == ERR_NONE && pb_next(&r, &f)) {
        if (f.number == ENTRY_KEY)
            kind = take_name(&f, &v->name, e);
        else if (f.number == ENTRY_VALUE)
            kind = take_text(&f, "a resource version", &v->version, e);
    }
    if (kind != ERR_NONE)
        return kind;
    return r.failed ? err_set(e, ERR_MALFORMED, "initialResourceVersions is malformed") : ERR_NONE;
}

static enum err_kind decode_part(enum part part, const struct pb_field *f, struct arena *arena,
                                 struct discovery_request *out, struct err *e)
{
    switch (part) {
    case PART_VERSION_INFO:
        return take_text(f, "versionInfo", &out->version_info, e);
    case PART_NODE:
        return discovery_node_decode(f->bytes, &out->node, e);
    case PART_NAMES:
        return take_name(f, &out->names[out->n_names++], e);
    case PART_UNSUBSCRIBED:
        return take_name(f, &out->unsubscribed[out->n_unsubscribed++], e);
    case PART_VERSIONS:
        return decode_version(f->bytes, &out->versions[out->n_versions++], e);
    case PART_TYPE_URL:
        return take_text(f, "typeUrl", &out->type_url, e);
    case PART_NONCE:
        return take_text(f, "responseNonce", &out->response_nonce, e);
    case PART_ERROR:
        out->has_error = true;
        return decode_error(f->bytes, arena, &out->error_message, e);
    case PART_UNKNOWN:
        break;
    }
    return ERR_NONE;
}

static enum err_kind make_room(enum xds_variant variant, struct str wire, struct arena *arena,
                               struct discovery_request *out, struct err *e)
{
    struct pb_reader r;
    struct pb_field f;
    size_t n[PART_ERROR + 1] = {0};
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f))
        n[part_of(variant, &f)]++;
    if (r.failed)
        return err_set(e, ERR_MALFORMED, "the discovery request is malformed");
    if (n[PART_NAMES] > NAMES_MAX || n[PART_UNSUBSCRIBED] > NAMES_MAX || n[PART_VERSIONS] > NAMES_MAX)
        return err_set(e, ERR_LIMIT, "a discovery request may name at most %d resources", NAMES_MAX);
    out->names = ARENA_ARRAY(arena, struct str, n[PART_NAMES]);
    out->unsubscribed = ARENA_ARRAY(arena, struct str, n[PART_UNSUBSCRIBED]);
    out->versions = ARENA_ARRAY(arena, struct discovery_version, n[PART_VERSIONS]);
    return ERR_NONE;
}

enum err_kind discovery_request_decode(enum xds_variant variant, struct str wire, struct arena *arena,
                                       struct discovery_request *out, struct err *e)
{
    *out = (struct discovery_request){0};
    if (wire.n > DISCOVERY_REQUEST_MAX)
        return err_set(e, ERR_LIMIT, "a discovery request may have at most %u bytes", DISCOVERY_REQUEST_MAX);
    enum err_kind kind = make_room(variant, wire, arena, out, e);
    struct pb_reader r;
    struct pb_field f;
    pb_reader_init(&r, wire);
    while (kind == ERR_NONE && pb_next(&r, &f))
        kind = decode_part(part_of(variant, &f), &f, arena, out, e);
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
