/* cors.h -- which pages of other origins a browser may let read our answers (apiServer.corsAllowedDomains).
 *
 * It gives nobody any right: a page that is not on this machine is not the local administrator, whatever the
 * list says (auth/user.c). */
#ifndef URSA_API_CORS_H
#define URSA_API_CORS_H

#include <regex.h>

#include "request.h"

struct cors {
    regex_t *patterns;
    size_t n;
};
/* ERR_INVALID when a domain is no regular expression. */
MUST_USE enum err_kind cors_init(struct cors *, const struct str_list *domains, struct err *e);
void cors_fini(struct cors *);

/* Answers a browser's question whether a page may send a request; false when this is none, or not to be
 * allowed. */
MUST_USE bool cors_preflight(struct request *);
/* What every answer to a page that is allowed carries. */
void cors_add_headers(const struct request *, struct MHD_Response *);

#endif
