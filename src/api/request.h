/* request.h -- one HTTP request on its way through the API: what server.c fills in, what handlers read and
 * answer.
 *
 * A request belongs to the API thread. A handler runs once, when the body is there; it either answers
 * (answer_*) or hands a write to admit (request_write) and answers in the continuation. */
#ifndef URSA_API_REQUEST_H
#define URSA_API_REQUEST_H

#include <microhttpd.h>

#include "ursa/api.h"
#include "ursa/base/alloc.h"
#include "ursa/base/json.h"
#include "ursa/base/list.h"

enum method { GET, PUT, POST, DELETE, METHODS, METHOD_OTHER = METHODS };

#define MAX_SEGMENTS 8
#define MAX_QUERY 32

struct query {
    struct str key, value; /* percent-decoded */
};

struct route;
struct server;

struct request_file {
    int fd; /* owned; -1: none, or the response's by now */
    uint64_t size;
};

struct request {
    struct list link; /* in the server's list of live requests */
    struct server *server;
    struct MHD_Connection *connection;
    struct arena arena; /* everything of this request */
    struct err err;
    const struct api_options *options;

    /* what was asked */
    enum api_server port;
    enum method method;
    const char *target;                /* where the library has it: guard.c only */
    struct str uri, path;              /* as sent */
    struct str segments[MAX_SEGMENTS]; /* percent-decoded parts of the path */
    size_t n_segments;
    struct query query[MAX_QUERY];
    size_t n_query;
    struct buf body;
    size_t n_dropped;  /* bytes of a refused body */
    bool body_refused; /* an answer is ready: the rest of the body is read and dropped */

    /* what the router found */
    const struct route *route;
    enum res_type type;    /* of {global}, {scoped}, {policy}; RES_N without */
    struct str mesh, name; /* of {mesh} (or ?mesh=), {name} */
    uint64_t source;       /* throttle_source() of whoever asks */
    struct user user;
    bool secure;            /* it came over TLS */
    struct str client_cert; /* subject of the client's certificate; STR_NONE: it showed none */
    struct snap *snap;      /* the newest when the handler started */

    /* the answer */
    const char *title;         /* of errors */
    bool show_text;            /* an error's own text is its detail, also where its kind has a fixed one */
    unsigned status;           /* 0: not answered yet */
    const char *content_type;  /* NULL: no body type */
    struct buf out;            /* the body; sent without a copy */
    struct request_file *file; /* a file in place of the body; NULL: none */
    const char *disposition;   /* Content-Disposition header of that */
    const char *allow;         /* Allow header of a 405 */
    bool is_options;           /* the method is OPTIONS, which no route has */
    const char *preflight_methods; /* that a page may use: of an answer to its browser's question */
    struct str revision;           /* Ursa-Revision header of a write */
    struct MHD_Response *stream;   /* in place of 'out'; sent once */
    const char *etag;              /* ETag header of one resource */
    bool secret;                   /* the body holds keys: it is wiped when it is sent */
    bool close;                    /* Connection: close */
    bool suspended, queued;
    bool audited;  /* its line is in the audit log, or none is due */
    json_t *audit; /* what a handler noted for that line (audit.h); owned */

    struct admit_request *write; /* its answers, in the continuation */
    void (*then)(struct request *);
    void *handler_data;                  /* a handler's own, for its continuation; in the arena */
    void (*ends)(struct request *);      /* before it is freed; NULL: nothing to do */
    void (*peer_gone)(struct request *); /* while its peer is watched (server.h) */
};

/* Header value, or STR_NONE; names ignore case. */
struct str request_header(const struct request *, const char *name);
/* First query value of that key, or STR_NONE. */
struct str request_query(const struct request *, const char *key);
/* ?dryRun=: false after answering what is neither true nor false. */
MUST_USE bool request_dry_run(struct request *, bool *dry_run);

/* ---- answers: exactly one ---- */
#define ANSWER_MAX ((size_t)256 << 20) /* bytes: a list without pages of some hundred thousand resources */
#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"
void answer_empty(struct request *, unsigned status);
/* The body, empty, for the caller to write; it is bounded, and an answer that grew too large becomes an error
 * when it is sent. */
struct buf *answer_begin(struct request *, unsigned status, const char *content_type);
/* One resource as GET shows it. */
void answer_resource(struct request *, const struct resource *);
void answer_text(struct request *, unsigned status, const char *content_type, struct str text);
/* The body is taken over. */
void answer_take(struct request *, unsigned status, const char *content_type, struct buf *take);
void answer_json(struct request *, unsigned status,
                 json_t *take); /* kuma-cp's indentation; takes the reference */
void answer_json_compact(struct request *, unsigned status, json_t *take); /* one line, no newline */
/* Renders request->err under request->title (errors.c: the only map from kind to status). */
void answer_error(struct request *);
/* The same with one more member ('extra' under 'key') and these causes in place of the error's own; takes
 * both. */
void answer_error_with(struct request *, const char *key, json_t *extra, json_t *causes);
/* Sets the error and answers it. */
void answer_fault(struct request *, enum err_kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* ---- writes ---- */
/* Hands 'write' (its ops filled in) to admit; the request waits, the loop does not. 'then' runs when it is
 * done and reads request->write. */
void request_write(struct request *, struct admit_request *write, void (*then)(struct request *));

/* The JSON document of the body, by Content-Type (JSON or YAML); NULL after answering the fault. The caller
 * owns it. */
json_t *request_document(struct request *, struct str type_name);
/* Content-Type without parameters is one of those the API takes. */
bool media_is_json(struct str content_type);
bool media_is_yaml(struct str content_type);

#endif
