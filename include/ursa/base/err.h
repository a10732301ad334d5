/* ursa/base/err.h -- the one error type, and the path that says where in a document a fault is.
 *
 * Functions return the kind; the caller owns the struct err and its arena. Checks do not stop at the first
 * fault: they add causes. api/errors.c renders it as HTTP, net/grpc.c as gRPC status, log lines as text. */
#ifndef URSA_BASE_ERR_H
#define URSA_BASE_ERR_H

#include "ursa/base/arena.h"

enum err_kind {
    ERR_NONE,
    ERR_INVALID,   /* the document breaks a rule: causes say which */
    ERR_MALFORMED, /* the bytes are no document: text says why */
    ERR_NOT_FOUND,
    ERR_EXISTS,
    ERR_CONFLICT,
    ERR_STALE, /* optimistic revision check lost */
    ERR_UNAUTHENTICATED,
    ERR_DENIED,
    ERR_METHOD,
    ERR_MEDIA,
    ERR_LIMIT,     /* a bound was exceeded */
    ERR_TOO_OFTEN, /* who asks has to wait */
    ERR_UNAVAILABLE,
    ERR_PEER, /* somebody whom we asked did not answer, or not as they should */
    ERR_NO_SPACE,
    ERR_IO,
    ERR_BUG
};

/* More causes than these are left out: a document of 1 MiB can have a million faults. */
#define ERR_CAUSES_MAX 1000

struct err_cause {
    struct str field; /* rendered path, may be empty */
    struct str reason;
};

struct err {
    enum err_kind kind;
    struct arena *arena;      /* holds text and causes; set by err_init */
    struct str text;          /* for people; may be empty when causes say it all */
    struct err_cause *causes; /* in document order */
    size_t n_causes, n_slots;
};

/* A place in a document: a chain on the C stack that costs nothing until a fault prints it,
 * as in networking.inbound[0].tags["kuma.io/service"]. */
struct path {
    const struct path *up;
    struct str field, key; /* at most one has p != NULL; neither: 'index' is meant */
    size_t index;
};
#define AT_FIELD(p, name) (&(struct path){.up = (p), .field = str_from_c(name)})
#define AT_KEY(p, k) (&(struct path){.up = (p), .key = (k)})
#define AT_INDEX(p, i) (&(struct path){.up = (p), .index = (i)})
/* NULL gives "". Keys are quoted as Go quotes them. */
struct str path_render(const struct path *, struct arena *);

void err_init(struct err *, struct arena *);
/* Sets kind and text; returns the kind. A later call replaces the text. */
enum err_kind err_set(struct err *, enum err_kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Adds a fault at a path / at an already rendered field and makes the kind ERR_INVALID. */
void err_cause(struct err *, const struct path *, const char *fmt, ...) PRINTF_LIKE(3, 4);
void err_cause_at(struct err *, struct str field, struct str reason);
/* Puts "context: " before the text, once, at a border. */
void err_add_context(struct err *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "text: field: reason; field: reason", for logs and gRPC messages. */
struct str err_render(const struct err *, struct arena *);
const char *err_kind_name(enum err_kind);

/* ERR_BUG with file and line; counted and logged. */
#define ERR_BUG_HERE(e, ...) err_bug((e), __FILE__, __LINE__, __VA_ARGS__)
enum err_kind err_bug(struct err *, const char *file, int line, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
