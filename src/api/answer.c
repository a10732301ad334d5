/* answer.c -- how handlers read a request's parts and answer it (request.h). */
#include <stdarg.h>

#include "router.h"
#include "server.h"
#include "ursa/base/clock.h"

struct str request_header(const struct request *r, const char *name)
{
    return str_from_c(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name));
}

struct str request_query(const struct request *r, const char *key)
{
    for (size_t i = 0; i < r->n_query; i++) {
        if (str_eq(r->query[i].key, str_from_c(key)))
            return r->query[i].value;
    }
    return STR_NONE;
}

bool request_dry_run(struct request *r, bool *dry_run)
{
    struct str text = request_query(r, "dryRun");

    *dry_run = str_eq(text, STR("true"));
    if (!text.p || *dry_run || str_eq(text, STR("false")))
        return true;
    err_cause_at(&r->err, STR("dryRun"), STR("must be true or false"));
    answer_error(r);
    return false;
}

static bool media_is(struct str content_type, struct str want)
{
    return str_eq(str_trim(str_slice(content_type, 0, str_chr(content_type, ';'))), want);
}

bool media_is_json(struct str content_type)
{
    return media_is(content_type, STR(TYPE_JSON));
}

bool media_is_yaml(struct str content_type)
{
    return media_is(content_type, STR("application/yaml")) ||
           media_is(content_type, STR("application/x-yaml")) || media_is(content_type, STR("text/yaml")) ||
           media_is(content_type, STR("text/x-yaml"));
}

/* ---- answers ---- */

void answer_empty(struct request *r, unsigned status)
{
    buf_fini(&r->out);
    r->status = status;
    r->content_type = NULL;
}

struct buf *answer_begin(struct request *r, unsigned status, const char *content_type)
{
    answer_empty(r, status);
    r->content_type = content_type;
    buf_init(&r->out, ANSWER_MAX);
    return &r->out;
}

void answer_text(struct request *r, unsigned status, const char *content_type, struct str text)
{
    buf_add_str(answer_begin(r, status, content_type), text);
}

void answer_take(struct request *r, unsigned status, const char *content_type, struct buf *take)
{
    buf_fini(answer_begin(r, status, content_type));
    r->out = *take;
    buf_init(take, 0);
}

void answer_json(struct request *r, unsigned status, json_t *take)
{
    struct buf *out = answer_begin(r, status, TYPE_JSON);

    json_write_pretty(out, take, 0);
    buf_add_byte(out, '\n');
    json_decref(take);
}

void answer_json_compact(struct request *r, unsigned status, json_t *take)
{
    answer_text(r, status, TYPE_JSON, json_format(&r->arena, take));
    json_decref(take);
}

void answer_resource(struct request *r, const struct resource *res)
{
    struct buf *out = answer_begin(r, 200, TYPE_JSON);

    resource_print(res, 0, out);
    buf_add_byte(out, '\n');
}

void answer_fault(struct request *r, enum err_kind kind, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    /* Once: STR_ARG names its argument several times. */
    struct str text = arena_vprintf(&r->arena, fmt, args);
    va_end(args);
    err_set(&r->err, kind, STR_FMT, STR_ARG(text));
    answer_error(r);
}

/* ---- writes ---- */

struct written {
    struct mail mail;
    struct request *request;
};

static void continue_request(struct mail *mail)
{
    struct written *w = CONTAINER_OF(mail, struct written, mail);
    struct request *r = w->request;

    free(w);
    snap_unref(r->snap);
    r->snap = store_snap(r->options->store);
    r->then(r);
    request_resume(r);
}

/* On the writer's thread. */
static void write_done(struct admit_request *write)
{
    struct written *w = write->ctx;

    mailbox_send(&w->request->server->api->mailbox, &w->mail);
}

void request_write(struct request *r, struct admit_request *write, void (*then)(struct request *))
{
    struct written *w = xcalloc(1, sizeof(*w));

    w->mail.handle = continue_request;
    w->request = r;
    write->author = arena_str(&write->arena, r->user.name);
    write->origin = ORIGIN_API;
    write->done = write_done;
    write->ctx = w;
    r->write = write;
    r->then = then;
    request_suspend(r);
    admit_submit(r->options->admit, write);
}

/* ---- the body ---- */

json_t *request_document(struct request *r, struct str type_name)
{
    struct yaml_doc *docs = NULL;
    json_t *doc = NULL;
    size_t n = 0;

    if (media_is_yaml(request_header(r, "Content-Type"))) {
        if (yaml_parse(buf_str(&r->body), 2, &docs, &n, &r->err) == ERR_NONE && n != 1)
            err_set(&r->err, ERR_MALFORMED, "one YAML document is expected here, the body has %s",
                    n ? "several: use POST /apply" : "none");
        doc = n == 1 ? docs[0].root : NULL;
        for (size_t i = 0; !doc && i < n; i++)
            json_decref(docs[i].root);
    } else if (json_parse(buf_str(&r->body), &doc, &r->err) != ERR_NONE) {
        doc = NULL;
        /* COMPAT: kuma-cp tells no position here. */
        if (str_has_prefix(r->err.text, STR("line ")))
            r->err.text = str_slice(r->err.text, str_find(r->err.text, STR(": ")) + 2, r->err.text.n);
    }
    if (!doc) {
        err_set(&r->err, ERR_MALFORMED, "invalid " STR_FMT " object: '" STR_FMT "'", STR_ARG(type_name),
                STR_ARG(r->err.text));
        answer_error(r);
    }
    return doc;
}
