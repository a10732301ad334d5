/* http.c -- see ursa/client.h. Libcurl with HTTP/1.1 only: the control plane's HTTP servers speak nothing
 * else. */
#include "ursa/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/version.h"

struct client {
    CURL *curl;
    struct curl_slist *headers;
    long timeout_ms;
    char message[CURL_ERROR_SIZE];
};

static void add_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (!longer)
        die_no_memory(strlen(line));
    *list = longer;
}

/* This machine is reached directly whatever $http_proxy says, as kumactl and kuma-dp do. */
static void bypass_proxy(struct client *c, struct arena *a)
{
    const char *also = getenv("no_proxy");

    if (!also)
        also = getenv("NO_PROXY");
    if (!also || strcmp(also, "*") != 0)
        curl_easy_setopt(c->curl, CURLOPT_NOPROXY,
                         arena_printf(a, "localhost,127.0.0.1,::1,%s", also ? also : "").p);
}

/* This machine is never asked through a proxy, whatever the environment says. */
static void avoid_proxy(struct client *c, struct arena *a)
{
    const char *lower = getenv("no_proxy"), *upper = getenv("NO_PROXY");
    const char *given = lower ? lower : upper ? upper : "";
    struct str list = arena_printf(a, "localhost,127.0.0.1,::1%s%s", *given ? "," : "", given);

    curl_easy_setopt(c->curl, CURLOPT_NOPROXY, strcmp(given, "*") == 0 ? given : list.p);
}

enum err_kind client_new(const struct client_options *o, struct client **out, struct err *e)
{
    struct client *c = xcalloc(1, sizeof(*c));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    c->curl = curl_easy_init();
    if (!c->curl) {
        free(c);
        return err_set(e, ERR_BUG, "libcurl cannot be started");
    }
    if (o->token.n) {
        struct str line = arena_printf(e->arena, "Authorization: Bearer " STR_FMT, STR_ARG(o->token));
        add_header(&c->headers, line.p);
    }
    for (size_t i = 0; i < o->n_headers; i++)
        add_header(&c->headers, arena_cstr(e->arena, o->headers[i]));
    curl_easy_setopt(c->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_PATH_AS_IS, 1L); /* a resource named ".." is no way up */
    avoid_proxy(c, e->arena);
    client_set_timeout(c, o->timeout_ms);
    curl_easy_setopt(c->curl, CURLOPT_TCP_KEEPALIVE, 1L); /* a stream's peer may vanish without a word */
    curl_easy_setopt(c->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "ursa/" URSA_VERSION);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->message);
    bypass_proxy(c, e->arena);
    if (o->ca_file.n)
        curl_easy_setopt(c->curl, CURLOPT_CAINFO, arena_cstr(e->arena, o->ca_file)); /* libcurl copies */
    if (o->cert_file.n) {
        curl_easy_setopt(c->curl, CURLOPT_SSLCERT, arena_cstr(e->arena, o->cert_file));
        curl_easy_setopt(c->curl, CURLOPT_SSLKEY, arena_cstr(e->arena, o->key_file));
    }
    if (o->skip_verify) {
        curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    *out = c;
    return ERR_NONE;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    curl_slist_free_all(c->headers);
    curl_easy_cleanup(c->curl);
    free(c);
}

/* Where the body of an answer goes. */
struct sink {
    CURL *curl;
    struct buf body;
    client_take_fn *take; /* NULL: all of it into 'body' */
    void *ctx;
    bool stopped; /* 'take' wants no more */
};

/* What an error says is kept, whoever takes the rest. */
static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct sink *sink = ctx;
    long status = 0;

    curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
    if (sink->take && status < 400) {
        sink->stopped = !sink->take(sink->ctx, p, size * n);
        return sink->stopped ? 0 : size * n;
    }
    buf_add(&sink->body, p, size * n);
    return buf_ok(&sink->body) ? size * n : 0;
}

struct header_reader {
    struct arena *arena;
    struct client_answer *answer;
};

static size_t take_header(char *p, size_t size, size_t n, void *ctx)
{
    struct header_reader *r = ctx;
    struct str line = str_from(p, size * n);
    size_t colon = str_chr(line, ':');
    struct str value = str_trim(str_slice(line, colon + 1, line.n));

    if (str_eq_nocase(str_slice(line, 0, colon), STR("Ursa-Revision")))
        r->answer->revision = arena_str(r->arena, value);
    if (str_eq_nocase(str_slice(line, 0, colon), STR("Content-Type")))
        r->answer->content_type = arena_str(r->arena, value);
    return size * n;
}

static enum err_kind explain(CURLcode code, const struct client *c, struct str url, struct err *e)
{
    const char *why = c->message[0] ? c->message : curl_easy_strerror(code);

    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
        code == CURLE_SSL_ISSUER_ERROR)
        return err_set(e, ERR_UNAUTHENTICATED,
                       "the certificate of " STR_FMT
                       " is not trusted: %s; name the control plane's certificate (--ca-cert-file) or, for a "
                       "test, pass --skip-verify",
                       STR_ARG(url), why);
    if (code == CURLE_SSL_CERTPROBLEM)
        return err_set(e, ERR_INVALID, "the client certificate or its key: %s", why);
    if (code == CURLE_WRITE_ERROR)
        return err_set(e, ERR_LIMIT, "the answer of " STR_FMT " is larger than %zu bytes", STR_ARG(url),
                       CLIENT_MAX_ANSWER);
    return err_set(e, ERR_UNAVAILABLE, "no answer from " STR_FMT ": %s%s", STR_ARG(url), why,
                   code == CURLE_COULDNT_CONNECT ? "; does it run there?" : "");
}

static void set_headers(struct client *c, struct curl_slist **headers, const char *content_type,
                        const char *accept, struct arena *a)
{
    for (const struct curl_slist *h = c->headers; h; h = h->next)
        add_header(headers, h->data);
    add_header(headers, content_type ? arena_printf(a, "Content-Type: %s", content_type).p : "Content-Type:");
    add_header(headers, accept ? arena_printf(a, "Accept: %s", accept).p : "Accept: */*");
    add_header(headers, "Expect:");
}

static enum err_kind perform(struct client *c, const char *method, struct str url, struct curl_slist *headers,
                             struct str body, struct sink *sink, struct arena *a,
                             struct client_answer *answer, struct err *e)
{
    struct header_reader reader = {.arena = a, .answer = answer};
    CURLcode code;

    *answer = (struct client_answer){.status = 0};
    sink->curl = c->curl;
    buf_init(&sink->body, CLIENT_MAX_ANSWER);
    curl_easy_setopt(c->curl, CURLOPT_URL, arena_cstr(a, url));
    curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L); /* undoes the body of the request before */
    if (body.p) {
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.p);
    }
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &reader);
    c->message[0] = '\0';
    code = curl_easy_perform(c->curl);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    answer->body = arena_str(a, buf_str(&sink->body));
    buf_fini(&sink->body);
    return code == CURLE_OK || sink->stopped ? ERR_NONE : explain(code, c, url, e);
}

enum err_kind client_send(struct client *c, const char *method, struct str url, const char *content_type,
                          const char *accept, struct str body, struct arena *a, struct client_answer *answer,
                          struct err *e)
{
    struct curl_slist *headers = NULL;
    struct sink sink = {.take = NULL};

    set_headers(c, &headers, content_type, accept, a);
    enum err_kind kind = perform(c, method, url, headers, body, &sink, a, answer, e);
    curl_slist_free_all(headers);
    return kind;
}

enum err_kind client_stream(struct client *c, const char *method, struct str url, const char *accept,
                            const char *header, client_take_fn *take, void *ctx, struct arena *a,
                            struct client_answer *answer, struct err *e)
{
    struct curl_slist *headers = NULL;
    struct sink sink = {.take = take, .ctx = ctx};

    set_headers(c, &headers, NULL, accept, a);
    if (header)
        add_header(&headers, header);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, 0L);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, c->timeout_ms);
    enum err_kind kind = perform(c, method, url, headers, STR_NONE, &sink, a, answer, e);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, c->timeout_ms);
    curl_slist_free_all(headers);
    return kind;
}

void client_set_timeout(struct client *c, long timeout_ms)
{
    c->timeout_ms = timeout_ms;
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
}
