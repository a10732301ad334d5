/* connection.h -- the control plane that a command talks to: where it is, whom it must prove to be, who is
 * calling; and its errors as struct err. */
#ifndef URSA_CLI_CONNECTION_H
#define URSA_CLI_CONNECTION_H

#include "options.h"
#include "ursa/client.h"
#include "ursa/resource.h"

/* One entry of the configuration, or what the flags say. Empty parts are not set. */
struct control_plane {
    struct str address; /* http://localhost:5681, no slash at the end */
    struct str ca_cert_file;
    struct str client_cert_file, client_key_file; /* both or none */
    bool skip_verify;
    struct str token, token_file;
    struct pair_list headers;
};

struct connection;
/* Flags over URSA_TOKEN over the configuration's current entry over http://localhost:5681. With --address the
 * configuration is not used: its token is for another control plane. */
MUST_USE enum err_kind connection_open(const struct options *, struct arena *, struct connection **out,
                                       struct err *e);
/* To this control plane, as the configuration would describe it. */
MUST_USE enum err_kind connection_open_to(const struct control_plane *, int64_t timeout_ns, struct arena *,
                                          struct connection **out, struct err *e);
void connection_close(struct connection *); /* NULL is ignored */
struct str connection_address(const struct connection *);
struct str connection_token(const struct connection *); /* that is shown; "": none */

/* 'path' is already encoded and begins with a slash. An answer of 400 and above is an error: title, detail
 * and causes of kuma-cp's error object; *answer is filled then too. */
MUST_USE enum err_kind connection_send(struct connection *, const char *method, struct str path,
                                       const char *content_type, struct str body, struct arena *,
                                       struct client_answer *answer, struct err *e);
/* A GET whose answer is JSON; the caller owns *out. */
MUST_USE enum err_kind connection_get(struct connection *, struct str path, struct arena *, json_t **out,
                                      struct err *e);
/* The requests from now on may take so long, should --api-timeout be shorter. */
void connection_allow(struct connection *, int64_t ns);
/* A body without bounds goes to 'take' as it arrives (client_stream); errors as in connection_send. */
MUST_USE enum err_kind connection_stream(struct connection *, const char *method, struct str path,
                                         const char *accept, const char *header, client_take_fn *take,
                                         void *ctx, struct arena *, struct err *e);
/* Every item of a list, page by page, or one page when 'size' or 'offset' are not -1. 'query' is "" or
 * "k=v&k=v", encoded. *out is {"total", "items", "next"}; the caller owns it. */
MUST_USE enum err_kind connection_get_list(struct connection *, struct str path, struct str query,
                                           int64_t size, int64_t offset, struct arena *, json_t **out,
                                           struct err *e);

/* ---- parts, for tests ---- */

/* The error that an answer of status >= 400 tells. */
enum err_kind answer_error(const struct client_answer *, struct err *e);
/* The number after "offset=" in a list's "next"; -1 when there is none. */
int64_t next_offset(struct str next);
/* Percent-encodes everything but letters, digits and -._~ */
struct str url_encode(struct arena *, struct str);
/* "k=v&key=value", encoded; without the parameter when the value is empty. */
struct str query_add(struct arena *, struct str query, const char *key, struct str value);
/* "/meshes/{mesh}/{path}/{name}": the mesh of mesh-scoped types unless it is empty, the name unless empty. */
struct str url_of_type(struct arena *, enum res_type, struct str mesh, struct str name);
/* "http://host:1/" -> "http://host:1"; ERR_INVALID for what is no http or https URL. */
MUST_USE enum err_kind address_normalize(struct arena *, struct str, struct str *out, struct err *e);

#endif
