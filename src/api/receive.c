/* receive.c -- see receive.h. The order of checks is kuma-cp's: target, credentials, path, method,
 * Content-Type, Accept, rights; then the body is read, and only then is it looked at. */
#include "receive.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "audit.h"
#include "cors.h"
#include "guard.h"
#include "operations.h"
#include "peer.h"
#include "router.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"

/* A refused body is read up to this and dropped: clients send all of it before they look for an answer. More
 * ends the connection. */
#define DRAIN_BYTES (8u << 20)
#define SPARE_BODY_MAX (256u << 10)

void *receive_uri(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    struct server *server = ctx;
    struct request *r = xcalloc(1, sizeof(*r));

    peer_begins(connection);
    arena_init(&r->arena);
    err_init(&r->err, &r->arena);
    r->server = server;
    r->port = server->port;
    r->options = &server->api->options;
    r->type = RES_N;
    r->target = uri;
    r->uri = arena_str(&r->arena, str_from_c(uri));
    buf_init(&r->body, r->options->max_body);
    list_add_tail(&server->requests, &r->link);
    return r;
}

size_t receive_unescaped(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    return strlen(text);
}

void receive_completed(void *ctx, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode why)
{
    struct request *r = *request;

    (void)ctx;
    (void)why;
    if (!r)
        return;
    if (r->status != 0) /* the client has gone before its answer, which stands all the same */
        audit_request(r);
    request_forget_peer(r);
    peer_rests(connection);
    backup_forget(r);
    if (r->ends)
        r->ends(r);
    list_del(&r->link);
    json_decref(r->audit);
    admit_request_free(r->write);
    snap_unref(r->snap);
    buf_wipe(&r->out); /* a body, either way, may be a secret, and a header a token */
    buf_wipe(&r->body);
    arena_wipe(&r->arena);
    free(r);
    *request = NULL;
}

/* ---- who asks ---- */

/* COMPAT: all of 127.0.0.0/8 would be this machine too; kuma-cp knows the one address only. A socket that
 * listens on "::" shows an IPv4 peer as ::ffff:127.0.0.1. */
bool receive_is_loopback(const struct sockaddr *peer)
{
    struct in_addr v4 = {0};

    if (!peer)
        return false;
    if (peer->sa_family == AF_INET)
        v4 = ((const struct sockaddr_in *)(const void *)peer)->sin_addr;
    if (peer->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
        if (IN6_IS_ADDR_LOOPBACK(v6))
            return true;
        if (IN6_IS_ADDR_V4MAPPED(v6))
            memcpy(&v4, &v6->s6_addr[12], sizeof(v4));
    }
    return v4.s_addr == htonl(INADDR_LOOPBACK);
}

/* NULL: not known. */
static const struct sockaddr *peer_address(const struct request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return info ? info->client_addr : NULL;
}

static enum MHD_Result note_forwarding(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct str name = str_from_c(key);
    bool *forwarded = ctx;
    struct str prefix = str_slice(name, 0, sizeof("X-Forwarded-") - 1);

    (void)kind;
    (void)value;
    *forwarded |= str_eq_nocase(name, STR("Forwarded")) || str_eq_nocase(name, STR("Via")) ||
                  str_eq_nocase(name, STR("X-Real-Ip")) || str_eq_nocase(prefix, STR("X-Forwarded-"));
    return MHD_YES;
}

/* What net knows of the connection, when it came over TLS. */
static void note_transport(struct request *r)
{
    const struct secured *secured = peer_secured(r->connection);

    r->secure = secured != NULL;
    if (secured && secured->client_cert.p)
        r->client_cert = arena_str(&r->arena, secured->client_cert);
}

static enum err_kind identify(struct request *r)
{
    const struct sockaddr *peer = peer_address(r);
    struct request_origin origin = {
        .peer_is_loopback = peer && receive_is_loopback(peer),
        .host = request_header(r, "Host"),
        .origin = request_header(r, "Origin"),
        .sec_fetch_site = request_header(r, "Sec-Fetch-Site"),
        .authorization = {.text = request_header(r, "Authorization"), .source = throttle_source(peer)},
        .showed_cert = r->client_cert.p,
    };

    r->source = origin.authorization.source;
    if (r->port == API_DP) { /* proxies bring their token in the body */
        r->user = user_anonymous;
        return ERR_NONE;
    }
    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, note_forwarding, &origin.forwarded);
    return auth_user(r->snap, &r->options->auth, &origin, &r->arena, &r->user, &r->err);
}

/* ---- what is asked ---- */

static bool media_is_accepted(const struct request *r)
{
    struct str rest = request_header(r, "Accept"), part;

    if (!rest.p || (r->route->flags & ROUTE_ANY_ACCEPT))
        return true;
    while (str_next(&rest, ',', &part)) {
        struct str media = str_trim(str_slice(part, 0, str_chr(part, ';')));
        if (str_eq(media, STR("*/*")) || str_eq(media, STR("application/*")) ||
            str_eq(media, STR("application/json")))
            return true;
    }
    return false;
}

static bool media_is_taken(const struct request *r)
{
    struct str type = request_header(r, "Content-Type");

    if (!(r->route->flags & (ROUTE_JSON_BODY | ROUTE_YAML_BODY)))
        return true;
    return media_is_json(type) || ((r->route->flags & ROUTE_YAML_BODY) && media_is_yaml(type));
}

/* What the request is about, as far as its target tells. */
static struct access_scope scope_of(const struct request *r)
{
    struct access_scope scope = {.reach = REACH_GLOBAL, .type = r->type, .mesh = r->mesh};

    if (r->mesh.p && r->route->access == ACCESS_ADMIN_RESOURCE && !snap_find_mesh(r->snap, r->mesh))
        scope.reach =
            REACH_GLOBAL; /* to bring back a mesh that is gone is not for those who were its admins */
    else if (r->mesh.p)
        scope.reach = REACH_MESH;
    else if (r->type == RES_MESH && r->name.p)
        scope = access_scope_of(r->route->access, &(struct res_key){.type = r->type, .name = r->name},
                                r->method == PUT && snap_find_mesh(r->snap, r->name));
    else if (r->type == RES_MESH || (r->route->flags & ROUTE_MESHES))
        scope.reach = REACH_MESHES;
    return scope;
}

static enum err_kind authorize(struct request *r)
{
    const struct access_scope scope = scope_of(r);

    if (r->options->read_only && r->port == API_REST && r->method != GET)
        return err_set(&r->err, ERR_METHOD, "the API is read-only");
    return access_check(&r->options->access, &r->user, r->route->access, &scope, &r->err);
}

/* What shows the present only must not be taken for the past. */
static bool is_told_of_then(struct request *r)
{
    struct str rest, name;

    if (r->port != API_REST || r->method != GET || !request_query(r, "revision").p)
        return true;
    rest = operation_row(r->route->operation)->parameters;
    while (str_next(&rest, ' ', &name)) {
        if (str_eq(name, STR("revision")))
            return true;
    }
    err_cause_at(&r->err, STR("revision"), STR("only resources and their lists are shown as they were"));
    return false;
}

bool receive_is_allowed_still(struct request *r)
{
    struct arena kept = r->arena;
    struct user user = r->user;

    arena_init(&r->arena);
    err_init(&r->err, &r->arena);
    r->snap = store_snap(r->options->store);
    bool allowed = identify(r) == ERR_NONE && authorize(r) == ERR_NONE;
    snap_unref(r->snap);
    arena_fini(&r->arena);
    r->snap = NULL;
    r->arena = kept;
    r->user = user;
    err_init(&r->err, &r->arena);
    return allowed;
}

/* Leaves r->status set when the request is refused before its body. */
static void check_head(struct request *r)
{
    if (!router_take_absolute(r, request_header(r, "Host")) || router_parse_uri(r) != ERR_NONE) {
        answer_text(r, 400, TYPE_TEXT, STR("400: Bad Request"));
        r->close = true;
        return;
    }
    if (cors_preflight(r))
        return;
    if (identify(r) != ERR_NONE) {
        answer_error(r);
        return;
    }
    enum err_kind found = router_find(r);
    if (found == ERR_METHOD)
        answer_text(r, 405, TYPE_TEXT, STR("405: Method Not Allowed"));
    else if (found != ERR_NONE)
        answer_text(r, 404, TYPE_TEXT,
                    r->port == API_REST ? STR("404: Page Not Found") : STR("404 page not found\n"));
    else if (!media_is_taken(r))
        answer_text(r, 415, TYPE_TEXT, STR("415: Unsupported Media Type"));
    else if (!media_is_accepted(r))
        answer_text(r, 406, TYPE_TEXT,
                    STR("406: Not Acceptable\n\nAvailable representations: application/json"));
    else if (authorize(r) != ERR_NONE || !is_told_of_then(r))
        answer_error(r);
}

/* ---- the answer ---- */

/* The body's memory, or its file, becomes the response's. */
static struct MHD_Response *take_body(struct request *r)
{
    struct MHD_Response *response;

    if (r->stream)
        return r->stream;
    if (r->file && r->file->fd >= 0 && r->status == 200) {
        response = MHD_create_response_from_fd64(r->file->size, r->file->fd);
        if (response)
            r->file->fd = -1;
        return response;
    }
    if (r->out.p && (r->secret || (r->type != RES_N && (res_type_info(r->type)->traits & RES_ADMIN))))
        response = MHD_create_response_from_buffer_with_free_callback(r->out.n, r->out.p, free_wiped);
    else
        response = MHD_create_response_from_buffer(r->out.n, r->out.p,
                                                   r->out.p ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response)
        buf_init(&r->out, r->out.cap);
    return response;
}

static enum MHD_Result send_answer(struct request *r)
{
    struct MHD_Response *response;
    enum MHD_Result sent;

    if (!buf_ok(&r->out))
        answer_fault(r, ERR_LIMIT, "the answer would be larger than %zu bytes: ask for pages", r->out.cap);
    peer_reads(r->connection, r->file ? (size_t)r->file->size : r->out.n);
    response = take_body(r);
    if (!response)
        return MHD_NO;
    if (r->content_type)
        MHD_add_response_header(response, "Content-Type", r->content_type);
    if (r->stream)
        MHD_add_response_header(response, "Cache-Control", "no-store");
    if (r->allow)
        MHD_add_response_header(response, "Allow", r->allow);
    if (r->revision.n)
        MHD_add_response_header(response, "Ursa-Revision", arena_cstr(&r->arena, r->revision));
    if (r->disposition)
        MHD_add_response_header(response, "Content-Disposition", r->disposition);
    if (r->etag)
        MHD_add_response_header(response, "ETag", r->etag);
    if (r->close)
        MHD_add_response_header(response, "Connection", "close");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    cors_add_headers(r, response);
    audit_request(r);
    r->queued = true;
    sent = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    COUNT(api_requests);
    if (r->status >= 500)
        COUNT(api_server_errors);
    log_debug("api", "status=%u method=%d path=" STR_FMT " user=" STR_FMT, r->status, r->method,
              STR_ARG(r->path), STR_ARG(r->user.name));
    return sent;
}

static enum MHD_Result receive_head(struct request *r, struct MHD_Connection *connection, const char *method,
                                    const char *version)
{
    struct str length;
    uint64_t announced = 0;

    r->connection = connection;
    r->method = router_method(str_from_c(method));
    r->is_options = strcmp(method, "OPTIONS") == 0;
    r->snap = store_snap(r->options->store);
    note_transport(r);
    if (!guard_passes(r, method, version)) {
        COUNT(api_bad_framing);
        answer_text(r, 400, TYPE_TEXT, STR("400: Bad Request"));
        r->close = true;
        return send_answer(r);
    }
    peer_sends(connection, method);
    /* How chunks end is judged by the library, and leniently: nothing is read behind a chunked body. And a
     * daemon that stops takes no further request. */
    r->close = request_header(r, "Transfer-Encoding").p || atomic_load(&r->server->api->stopping);
    check_head(r);
    length = request_header(r, "Content-Length");
    if (length.p && (!str_to_uint(length, UINT64_MAX, &announced) || announced > r->options->max_body)) {
        answer_fault(r, ERR_LIMIT, "the body is larger than %zu bytes", r->options->max_body);
        r->close = true;
        if (announced > DRAIN_BYTES || request_header(r, "Expect").p)
            return send_answer(r);
    }
    r->body_refused = r->status != 0;
    return MHD_YES;
}

static void body_take_spare(struct request *r)
{
    struct buf *spare = &r->server->api->spare_body;

    r->body.p = spare->p;
    r->body.size = spare->size;
    buf_init(spare, 0);
}

void receive_spare_body(struct request *r)
{
    struct buf *spare = &r->server->api->spare_body;

    if (!spare->p && r->body.size <= SPARE_BODY_MAX) {
        *spare = r->body;
        buf_init(&r->body, 0);
    }
    buf_fini(&r->body);
}

static enum MHD_Result receive_body(struct request *r, const char *data, size_t *size)
{
    size_t n = *size;

    *size = 0;
    peer_sent(r->connection, n);
    if (r->body_refused) {
        r->n_dropped += n;
        return r->n_dropped > DRAIN_BYTES ? MHD_NO : MHD_YES;
    }
    if (r->port == API_DP && !r->body.p)
        body_take_spare(r);
    buf_add(&r->body, data, n);
    if (!buf_ok(&r->body)) {
        answer_fault(r, ERR_LIMIT, "the body is larger than %zu bytes", r->options->max_body);
        r->body_refused = r->close = true;
    }
    return MHD_YES;
}

enum MHD_Result receive_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *size,
                                void **request)
{
    struct request *r = *request;

    (void)ctx;
    (void)url;
    if (!r->connection)
        return receive_head(r, connection, method, version);
    if (r->queued)
        return MHD_YES;
    if (*size > 0)
        return receive_body(r, data, size);
    peer_waits(connection);
    if (r->status == 0 && !r->suspended)
        r->route->handle(r);
    if (r->suspended)
        return MHD_YES;
    if (r->status == 0)
        answer_fault(r, ERR_BUG, "a handler gave no answer");
    return send_answer(r);
}
