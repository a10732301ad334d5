/* audit.c -- see audit.h. */
#include "audit.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>

#include "router.h"
#include "server.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"

#define LINE_MAX_BYTES (1u << 20) /* far above what the bounds below allow */
#define TEXT_MAX 256              /* of a user, a group, a name */
#define PATH_MAX_BYTES 1024
#define MANY 50 /* groups, changes: more are counted only */

static const struct rate_limit per_source = {.burst = 20, .a_second = 1};
static const struct rate_limit in_all = {.burst = 200, .a_second = 5};

void audit_note(struct request *r, const char *key, json_t *take)
{
    if (!r->audit)
        r->audit = json_object();
    json_object_set_new(r->audit, key, take);
}

/* ---- members of the line ---- */

static void add_key(struct buf *out, const char *key)
{
    buf_add_str(out, out->p[out->n - 1] == '{' ? STR("\"") : STR(",\""));
    buf_add_str(out, str_from_c(key));
    buf_add_str(out, STR("\":"));
}

/* Cut to 'max', and with '?' for what is no UTF-8: paths are bytes. */
static void add_value(struct buf *out, struct arena *a, struct str text, size_t max)
{
    struct str cut = str_cut(text, max);
    char *p = arena_alloc(a, cut.n + 1);

    for (size_t i = 0; i < cut.n;) {
        size_t size = str_utf8_size(str_slice(cut, i, cut.n));

        if (size == 0)
            p[i++] = '?';
        for (; size > 0; size--, i++)
            p[i] = cut.p[i];
    }
    json_write_string(out, str_from(p, cut.n));
}

static void add_text(struct buf *out, struct arena *a, const char *key, struct str text, size_t max)
{
    if (!text.p)
        return;
    add_key(out, key);
    add_value(out, a, text, max);
}

/* Not when the credentials are none, nor before anybody has looked at them. */
static bool user_is_known(const struct request *r)
{
    return r->user.name.p && r->err.kind != ERR_UNAUTHENTICATED;
}

static void add_user(struct buf *out, struct request *r)
{
    if (!user_is_known(r))
        return;
    add_text(out, &r->arena, "user", r->user.name, TEXT_MAX);
    add_key(out, "groups");
    for (size_t i = 0; i < r->user.groups.n && i < MANY; i++) {
        buf_add_byte(out, i ? ',' : '[');
        add_value(out, &r->arena, r->user.groups.v[i], TEXT_MAX);
    }
    buf_add_str(out, r->user.groups.n ? STR("]") : STR("[]"));
}

static struct str peer_text(struct request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info ? info->client_addr : NULL;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)peer;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)peer;
    char host[INET6_ADDRSTRLEN] = "?";

    if (peer && peer->sa_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        return arena_printf(&r->arena, "%s:%u", host, ntohs(v4->sin_port));
    }
    if (peer && peer->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        return arena_printf(&r->arena, "[%s]:%u", host, ntohs(v6->sin6_port));
    }
    return STR("?");
}

static void add_origin(struct buf *out, struct request *r, struct str peer)
{
    add_text(out, &r->arena, "peer", peer, TEXT_MAX);
    add_key(out, "tls");
    buf_add_str(out, r->secure ? STR("true") : STR("false"));
    add_text(out, &r->arena, "certificate", r->client_cert, TEXT_MAX);
    add_text(out, &r->arena, "forwardedFor", request_header(r, "X-Forwarded-For"), TEXT_MAX); /* as claimed */
}

static void add_target(struct buf *out, struct request *r)
{
    struct arena *a = &r->arena;

    add_text(out, a, "method", str_from_c(router_method_name(r->method)), TEXT_MAX);
    add_text(out, a, "path", r->path, PATH_MAX_BYTES);
    if (r->type != RES_N)
        add_text(out, a, "type", res_type_info(r->type)->name, TEXT_MAX);
    add_text(out, a, "mesh", r->mesh, TEXT_MAX);
    add_text(out, a, "name", r->name, TEXT_MAX);
    add_text(out, a, "to", request_query(r, "to"), TEXT_MAX); /* of a rollback */
    if (str_eq(request_query(r, "dryRun"), STR("true"))) {
        add_key(out, "dryRun");
        buf_add_str(out, STR("true"));
    }
}

static void add_changes(struct buf *out, struct request *r)
{
    const struct admit_request *w = r->write;
    size_t n = w && !r->name.p ? w->n_ops : 0; /* else the path names the one change */

    for (size_t i = 0; i < n && i < MANY; i++) {
        const struct admit_op *op = &w->ops[i];
        const struct res_key *key = op->kind == ADMIT_PUT ? &op->res->key : &op->key;

        if (i == 0)
            add_key(out, "changes");
        buf_printf(out, "%s{", i ? "," : "[");
        add_text(out, &r->arena, "op", op->kind == ADMIT_PUT ? STR("put") : STR("delete"), TEXT_MAX);
        add_text(out, &r->arena, "type", res_type_info(key->type)->name, TEXT_MAX);
        if (key->mesh.n > 0)
            add_text(out, &r->arena, "mesh", key->mesh, TEXT_MAX);
        add_text(out, &r->arena, "name", key->name, TEXT_MAX);
        buf_add_byte(out, '}');
    }
    if (n > 0)
        buf_printf(out, "],\"nChanges\":%zu", n);
}

static void add_notes(struct buf *out, struct request *r)
{
    const char *key;
    json_t *value;

    json_object_foreach(r->audit, key, value)
    {
        add_key(out, key);
        buf_add_str(out, json_format(&r->arena, value));
    }
}

static void add_outcome(struct buf *out, struct request *r)
{
    bool refused = r->err.kind == ERR_UNAUTHENTICATED || r->err.kind == ERR_DENIED;

    buf_printf(out, ",\"status\":%u,\"allowed\":%s", r->status,
               r->status == 401 || r->status == 403 ? "false" : "true");
    if (refused)
        add_text(out, &r->arena, "reason", r->err.text, PATH_MAX_BYTES);
    if (r->revision.n > 0)
        buf_printf(out, ",\"revision\":" STR_FMT, STR_ARG(r->revision));
}

/* ---- limits ---- */

/* The port of a peer changes with every connection; who has shown credentials is known by name. */
static bool is_within_limits(struct request *r, struct str peer)
{
    struct audit_limits *limits = &r->server->api->audit;
    bool known = user_is_known(r) && !str_eq(r->user.name, user_anonymous.name);
    struct str source = known ? r->user.name : str_slice(peer, 0, str_rchr(peer, ':'));
    int64_t now = clock_mono_ns();

    if (r->status < 400)
        return true;
    if (rate_admit(&limits->full_at[hash_content(source.p, source.n) % AUDIT_SOURCES], &per_source, now) &&
        rate_admit(&limits->all_full_at, &in_all, now))
        return true;
    limits->n_left_out++;
    COUNT(api_audit_left_out);
    return false;
}

/* Reading is GET's; proxies' bootstraps change nothing. */
static bool is_meant_to_change(const struct request *r)
{
    return r->port != API_DP && (r->method == PUT || r->method == POST || r->method == DELETE);
}

void audit_request(struct request *r)
{
    struct audit_limits *limits = &r->server->api->audit;
    struct str peer;
    char time[TIME_TEXT];
    struct buf out;

    if (r->audited || !r->options->audit || !is_meant_to_change(r))
        return;
    r->audited = true;
    peer = peer_text(r);
    if (!is_within_limits(r, peer))
        return;
    buf_init(&out, LINE_MAX_BYTES);
    buf_printf(&out, "{\"time\":\"" STR_FMT "\"", (int)time_text(clock_wall_ns(), time), time);
    add_user(&out, r);
    add_origin(&out, r, peer);
    add_target(&out, r);
    add_outcome(&out, r);
    add_notes(&out, r);
    add_changes(&out, r);
    if (limits->n_left_out > 0)
        buf_printf(&out, ",\"leftOut\":%" PRIu64, limits->n_left_out);
    buf_add_str(&out, STR("}\n"));
    limits->n_left_out = 0;
    COUNT(api_audit_lines);
    r->options->audit(r->options->audit_ctx, buf_str(&out));
    buf_fini(&out);
}
