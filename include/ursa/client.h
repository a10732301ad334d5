/* ursa/client.h -- HTTP for ursactl and ursa-dp: one request at a time over libcurl, TLS verified unless told
 * otherwise.
 *
 * One thread. A body of an answer is bounded. Tokens never reach messages. */
#ifndef URSA_CLIENT_H
#define URSA_CLIENT_H

#include "ursa/base/buf.h"
#include "ursa/base/err.h"

#define CLIENT_MAX_ANSWER ((size_t)256 << 20)

struct client_options {
    struct str ca_file; /* PEM that signs (or is) the server's certificate; empty: the system's store */
    bool skip_verify;   /* trust whoever answers */
    struct str cert_file, key_file; /* PEM: who this client is, where TLS asks; both or none */
    struct str token;               /* sent as "Authorization: Bearer ..."; may be empty */
    const struct str *headers;      /* further "Name: value" lines */
    size_t n_headers;
    long timeout_ms; /* of the whole exchange */
};
struct client;
MUST_USE enum err_kind client_new(const struct client_options *, struct client **out, struct err *e);
void client_free(struct client *); /* NULL is ignored */

struct client_answer {
    long status;
    struct str content_type; /* "" when absent; in the arena */
    struct str revision;     /* Ursa-Revision header, "" when absent; in the arena */
    struct str body;         /* in the arena */
};
/* 'content_type' and 'accept' may be NULL. ERR_UNAVAILABLE: nobody answers (text says what to do);
 * ERR_UNAUTHENTICATED: the server's certificate is not trusted. Any HTTP status is a success here. */
MUST_USE enum err_kind client_send(struct client *, const char *method, struct str url,
                                   const char *content_type, const char *accept, struct str body,
                                   struct arena *, struct client_answer *, struct err *e);

/* Takes a piece of the body as it arrives; false: no more of it is wanted, which is no error. */
typedef bool client_take_fn(void *ctx, const void *p, size_t n);
/* The same for a body without bounds: 'take' gets it, unless the status is 400 or above, when it is in
 * *answer. The time-out is for connecting only. 'header' is one further line, or NULL. ERR_UNAVAILABLE also
 * when the peer goes in the middle. */
MUST_USE enum err_kind client_stream(struct client *, const char *method, struct str url, const char *accept,
                                     const char *header, client_take_fn *take, void *ctx, struct arena *,
                                     struct client_answer *, struct err *e);
/* Of the exchanges from now on; 0: none. */
void client_set_timeout(struct client *, long timeout_ms);

/* The certificate that an ursa-cp of this user (or of the system) on this machine made for itself, or "" when
 * there is none readable. */
struct str client_local_ca_file(struct arena *);
/* Is "https://host:port/..." this machine by its very name: localhost, 127.0.0.1 or [::1]? Only then is its
 * own certificate to be trusted. */
bool client_address_is_local(struct str url);
/* A whole file ("-": standard input) into the arena; at most 'max' bytes. */
MUST_USE enum err_kind client_read_file(const char *path, size_t max, struct arena *, struct str *text,
                                        struct err *e);
/* A new file takes the old one's place in one step, whole or not at all. A symbolic link stays: its target is
 * replaced. */
MUST_USE enum err_kind client_write_file(struct str path, unsigned mode, struct str text, struct arena *,
                                         struct err *e);
/* 'text' with every {{ NAME }} replaced, blanks around the name allowed. A name that is not among the
 * variables is a fault, not an empty text: ERR_INVALID, "line L, column C: ...". */
struct client_variable {
    struct str name, value;
};
MUST_USE enum err_kind client_fill_in(struct str text, const struct client_variable *, size_t n_variables,
                                      struct arena *, struct str *out, struct err *e);

#endif
