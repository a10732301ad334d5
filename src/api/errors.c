/* errors.c -- the only map from error kinds to HTTP: status, title and kuma-cp's body (rest-api.md 2.3). */
#include "request.h"
#include "ursa/base/log.h"

struct face {
    unsigned status;
    const char *title;  /* NULL: the operation's */
    const char *detail; /* NULL: the error's own text, if it has one */
};

static const struct face faces[] = {
    [ERR_NONE] = {500, NULL, "Internal Server Error"},
    [ERR_INVALID] = {400, NULL, NULL},
    [ERR_MALFORMED] = {400, "Bad Request", NULL},
    [ERR_NOT_FOUND] = {404, NULL, "Not found"},
    [ERR_EXISTS] = {409, "Conflict", NULL},
    [ERR_CONFLICT] = {409, "Conflict", NULL},
    [ERR_STALE] = {412, NULL, "Precondition Failed"},
    [ERR_UNAUTHENTICATED] = {401, "Invalid authentication data", "Unauthenticated"},
    [ERR_DENIED] = {403, "Access Denied", NULL},
    [ERR_METHOD] = {405, "Method not Allowed", "Method not allowed"},
    [ERR_MEDIA] = {415, "Unsupported Media Type", NULL},
    [ERR_LIMIT] = {413, "Request is too large", NULL},
    [ERR_TOO_OFTEN] = {429, "Too Many Requests", NULL},
    [ERR_UNAVAILABLE] = {503, "Service Unavailable", NULL},
    [ERR_PEER] = {500, NULL, NULL}, /* COMPAT: the status; the text is ours */
    [ERR_NO_SPACE] = {507, "Insufficient Storage", NULL},
    [ERR_IO] = {500, NULL, "Internal Server Error"},
    [ERR_BUG] = {500, NULL, "Internal Server Error"},
};

static struct str detail_of(const struct request *r, const struct face *face)
{
    const struct err *e = &r->err;

    if (face->detail && !r->show_text)
        return str_from_c(face->detail);
    if (e->text.n)
        return e->text;
    return STR("Resource is not valid");
}

/* COMPAT: a document that is none has a detail only; where the fault is, and what was expected, is told by
 * POST /apply. */
static bool has_causes(const struct err *e)
{
    return e->n_causes > 0 && e->kind != ERR_MALFORMED;
}

static json_t *causes_of(const struct err *e, const char *text_key)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->n_causes; i++) {
        json_t *cause = json_object();
        json_object_set_new(cause, "field", json_from_str(e->causes[i].field));
        json_object_set_new(cause, text_key, json_from_str(e->causes[i].reason));
        json_array_append_new(list, cause);
    }
    return list;
}

/* Faults of ours are errors; that we cannot serve at the moment is worth a warning; that a proxy is away is
 * no fault at all. */
static void log_fault(struct request *r, unsigned status)
{
    struct str text;

    if (status < 500 || r->err.kind == ERR_PEER)
        return;
    text = err_render(&r->err, &r->arena);
    if (r->err.kind == ERR_UNAVAILABLE)
        log_warn("api", "status=%u path=" STR_FMT " error=" STR_FMT, status, STR_ARG(r->path), STR_ARG(text));
    else
        log_error("api", "status=%u path=" STR_FMT " error=" STR_FMT, status, STR_ARG(r->path),
                  STR_ARG(text));
}

/* The object without its causes. */
static json_t *error_body(struct request *r, unsigned *status, struct str *detail)
{
    const struct err *e = &r->err;
    const struct face *face = &faces[e->kind];
    const char *title = face->title ? face->title : r->title ? r->title : "Could not process the request";
    json_t *body = json_object();

    log_fault(r, face->status);
    *status = face->status;
    *detail = detail_of(r, face);
    json_object_set_new(body, "type", json_string("/std-errors"));
    json_object_set_new(body, "status", json_integer(face->status));
    json_object_set_new(body, "title", json_string(title));
    json_object_set_new(body, "detail", json_from_str(*detail));
    return body;
}

void answer_error(struct request *r)
{
    unsigned status;
    struct str detail;
    json_t *body = error_body(r, &status, &detail);

    if (has_causes(&r->err))
        json_object_set_new(body, "invalid_parameters", causes_of(&r->err, "reason"));
    json_object_set_new(body, "details", json_from_str(detail));
    if (has_causes(&r->err))
        json_object_set_new(body, "causes", causes_of(&r->err, "message"));
    answer_json(r, status, body);
}

void answer_error_with(struct request *r, const char *key, json_t *extra, json_t *causes)
{
    unsigned status;
    struct str detail;
    json_t *body = error_body(r, &status, &detail);

    json_object_set_new(body, key, extra);
    json_object_set_new(body, "details", json_from_str(detail));
    json_object_set_new(body, "causes", causes);
    answer_json(r, status, body);
}
