/* connection.c -- see connection.h. */
#include "connection.h"

#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"

#define MAX_TOKEN_FILE 65536

struct connection {
    struct client *client;
    struct str address, token;
    int64_t timeout_ns; /* of a request; 0: none */
};

/* ---- addresses ---- */

enum err_kind address_normalize(struct arena *a, struct str text, struct str *out, struct err *e)
{
    struct str address = str_trim(text), rest = address;
    size_t scheme_end = str_find(address, STR("://"));

    while (str_has_suffix(rest, STR("/")))
        rest.n--;
    for (size_t i = 0; i < rest.n; i++)
        if ((unsigned char)rest.p[i] <= ' ' || rest.p[i] == '?' || rest.p[i] == '#')
            rest.n = 0;
    if ((!str_has_prefix(address, STR("http://")) && !str_has_prefix(address, STR("https://"))) ||
        rest.n <= scheme_end + 3)
        return err_set(e, ERR_INVALID,
                       "\"" STR_FMT "\" is no address of a control plane: it looks like "
                       "http://localhost:5681 or https://mesh.example.com:5682",
                       STR_ARG(text));
    *out = arena_str(a, rest);
    return ERR_NONE;
}

struct str url_encode(struct arena *a, struct str s)
{
    struct buf out;

    buf_init(&out, 3 * s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '.' || c == '_' || c == '~')
            buf_add_byte(&out, c);
        else
            buf_printf(&out, "%%%02X", c);
    }
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

struct str query_add(struct arena *a, struct str query, const char *key, struct str value)
{
    if (value.n == 0)
        return query;
    return arena_printf(a, STR_FMT "%s%s=" STR_FMT, STR_ARG(query), query.n ? "&" : "", key,
                        STR_ARG(url_encode(a, value)));
}

struct str url_of_type(struct arena *a, enum res_type type, struct str mesh, struct str name)
{
    const struct res_type_info *info = res_type_info(type);
    bool in_mesh = info->scope == SCOPE_MESH && mesh.n > 0;

    return arena_printf(a, "%s" STR_FMT "/" STR_FMT "%s" STR_FMT, in_mesh ? "/meshes/" : "",
                        STR_ARG(in_mesh ? url_encode(a, mesh) : STR("")), STR_ARG(info->path),
                        name.n ? "/" : "", STR_ARG(url_encode(a, name)));
}

/* ---- opening ---- */

/* A control byte in a header would end it. */
static bool is_header_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

static enum err_kind read_token(const struct control_plane *cp, struct arena *a, struct str *token,
                                struct err *e)
{
    *token = cp->token;
    if (!cp->token.n && cp->token_file.n &&
        client_read_file(arena_cstr(a, cp->token_file), MAX_TOKEN_FILE, a, token, e) != ERR_NONE) {
        err_add_context(e, "the token file");
        return e->kind;
    }
    *token = str_trim(*token);
    if (cp->token_file.n && token->n == 0)
        return err_set(e, ERR_INVALID, "the token file " STR_FMT " is empty", STR_ARG(cp->token_file));
    if (!is_header_text(*token))
        return err_set(e, ERR_INVALID, "the token is none: it holds control characters");
    return ERR_NONE;
}

static enum err_kind make_headers(const struct control_plane *cp, struct arena *a, struct str **lines,
                                  struct err *e)
{
    *lines = ARENA_ARRAY(a, struct str, cp->headers.n + 1);
    for (size_t i = 0; i < cp->headers.n; i++) {
        const struct pair *h = &cp->headers.v[i];
        if (!is_header_text(h->key) || !is_header_text(h->value) || str_chr(h->key, ':') < h->key.n)
            return err_set(e, ERR_INVALID, "\"" STR_FMT "\" is no header", STR_ARG(h->key));
        (*lines)[i] = arena_printf(a, STR_FMT ": " STR_FMT, STR_ARG(h->key), STR_ARG(h->value));
    }
    return ERR_NONE;
}

enum err_kind connection_open_to(const struct control_plane *cp, int64_t timeout_ns, struct arena *a,
                                 struct connection **out, struct err *e)
{
    struct client_options o = {.ca_file = cp->ca_cert_file,
                               .skip_verify = cp->skip_verify,
                               .cert_file = cp->client_cert_file,
                               .key_file = cp->client_key_file,
                               .n_headers = cp->headers.n,
                               .timeout_ms = (long)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS)};
    struct connection *c = ARENA_NEW(a, struct connection);
    struct str *lines;

    if (!cp->client_cert_file.n != !cp->client_key_file.n)
        return err_set(e, ERR_INVALID, "--client-cert-file and --client-key-file go together");
    if (address_normalize(a, cp->address, &c->address, e) != ERR_NONE ||
        read_token(cp, a, &o.token, e) != ERR_NONE || make_headers(cp, a, &lines, e) != ERR_NONE)
        return e->kind;
    o.headers = lines;
    bool local = client_address_is_local(c->address);
    if (!o.ca_file.n && local)
        o.ca_file = client_local_ca_file(a);
    if (o.token.n && !local && str_has_prefix(c->address, STR("http://")))
        fprintf(stderr, "ursactl: warning: the token travels in the clear to " STR_FMT "; use https\n",
                STR_ARG(c->address));
    if (client_new(&o, &c->client, e) != ERR_NONE)
        return e->kind;
    c->timeout_ns = timeout_ns;
    c->token = o.token;
    *out = c;
    return ERR_NONE;
}

enum err_kind connection_open(const struct options *o, struct arena *a, struct connection **out,
                              struct err *e)
{
    struct control_plane cp = {.address = o->address};
    struct str variable = str_from_c(getenv("URSA_TOKEN"));
    struct config config;

    if (o->token.n && o->token_file.n)
        return err_set(e, ERR_INVALID, "--token and --token-file: give one of them");
    if (!o->address.n) {
        if (config_load(o, a, &config, e) != ERR_NONE)
            return e->kind;
        config_current(&config, a, &cp);
        config_close(&config);
    }
    if (o->token.n || o->token_file.n) {
        cp.token = o->token;
        cp.token_file = o->token_file;
    } else if (variable.n) {
        cp.token = variable;
        cp.token_file = STR_NONE;
    }
    if (o->ca_cert_file.n)
        cp.ca_cert_file = o->ca_cert_file;
    if (o->client_cert_file.n || o->client_key_file.n) {
        cp.client_cert_file = o->client_cert_file;
        cp.client_key_file = o->client_key_file;
    }
    cp.skip_verify |= o->skip_verify;
    return connection_open_to(&cp, o->api_timeout_ns, a, out, e);
}

void connection_close(struct connection *c)
{
    if (c)
        client_free(c->client);
}

struct str connection_address(const struct connection *c)
{
    return c->address;
}

struct str connection_token(const struct connection *c)
{
    return c->token;
}

void connection_allow(struct connection *c, int64_t ns)
{
    if (c->timeout_ns == 0 || c->timeout_ns >= ns)
        return;
    c->timeout_ns = ns;
    client_set_timeout(c->client, (long)((ns + NS_PER_MS - 1) / NS_PER_MS));
}

/* ---- requests ---- */

static enum err_kind kind_of_status(long status)
{
    switch (status) {
    case 401:
        return ERR_UNAUTHENTICATED;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 405:
        return ERR_METHOD;
    case 409:
        return ERR_CONFLICT;
    case 412:
        return ERR_STALE;
    case 413:
        return ERR_LIMIT;
    case 429:
        return ERR_TOO_OFTEN;
    case 503:
        return ERR_UNAVAILABLE;
    default:
        return status < 500 ? ERR_INVALID : ERR_IO;
    }
}

enum err_kind answer_error(const struct client_answer *answer, struct err *e)
{
    enum err_kind kind = kind_of_status(answer->status);
    JSON_AUTO body = NULL;
    struct err ignored;

    err_init(&ignored, e->arena);
    if (json_parse(answer->body, &body, &ignored) != ERR_NONE)
        body = NULL;
    struct str title = json_str(json_get(body, "title")), detail = json_str(json_get(body, "detail"));
    const json_t *causes = json_get(body, "invalid_parameters"), *cause;
    const char *reason = causes ? "reason" : "message";
    size_t i;

    if (!title.n) {
        struct str text = str_trim(answer->body);
        return err_set(e, kind, "the control plane answers %ld%s" STR_FMT, answer->status, text.n ? ": " : "",
                       STR_ARG(str_slice(text, 0, 2000)));
    }
    json_array_foreach(causes ? causes : json_get(body, "causes"), i, cause)
    {
        err_cause_at(e, arena_str(e->arena, json_str(json_get(cause, "field"))),
                     arena_str(e->arena, json_str(json_get(cause, reason))));
    }
    return detail.n ? err_set(e, kind, STR_FMT " (" STR_FMT ")", STR_ARG(title), STR_ARG(detail))
                    : err_set(e, kind, STR_FMT, STR_ARG(title));
}

enum err_kind connection_send(struct connection *c, const char *method, struct str path,
                              const char *content_type, struct str body, struct arena *a,
                              struct client_answer *answer, struct err *e)
{
    struct str url = arena_printf(a, STR_FMT STR_FMT, STR_ARG(c->address), STR_ARG(path));
    int64_t start = clock_mono_ns();

    if (client_send(c->client, method, url, content_type, "application/json", body, a, answer, e) != ERR_NONE)
        return e->kind;
    log_debug("cli", "method=%s url=" STR_FMT " status=%ld bytes=%zu ms=%lld", method, STR_ARG(url),
              answer->status, answer->body.n, (long long)((clock_mono_ns() - start) / NS_PER_MS));
    return answer->status >= 400 ? answer_error(answer, e) : ERR_NONE;
}

enum err_kind connection_stream(struct connection *c, const char *method, struct str path, const char *accept,
                                const char *header, client_take_fn *take, void *ctx, struct arena *a,
                                struct err *e)
{
    struct str url = arena_printf(a, STR_FMT STR_FMT, STR_ARG(c->address), STR_ARG(path));
    struct client_answer answer;

    if (client_stream(c->client, method, url, accept, header, take, ctx, a, &answer, e) != ERR_NONE)
        return e->kind;
    return answer.status >= 400 ? answer_error(&answer, e) : ERR_NONE;
}

enum err_kind connection_get(struct connection *c, struct str path, struct arena *a, json_t **out,
                             struct err *e)
{
    struct client_answer answer;

    if (connection_send(c, "GET", path, NULL, STR_NONE, a, &answer, e) != ERR_NONE)
        return e->kind;
    if (json_parse(answer.body, out, e) != ERR_NONE)
        err_add_context(e, "the control plane's answer to GET " STR_FMT, STR_ARG(path));
    return e->kind;
}
