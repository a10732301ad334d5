/* condition.h -- entity tags of resources, and the conditions that name them (RFC 9110, 8.8.3 and 13.1). */
#ifndef URSA_API_CONDITION_H
#define URSA_API_CONDITION_H

#include "request.h"

#define ETAG_SIZE 64 /* bytes of the longest tag, with its quotes and a final NUL */

/* "<revision>-<time of modification in ns, in hex>", in quotes: differs whenever what GET answers does. The
 * time is there for what makes no revision (a proxy's own Dataplane). A Dataplane's health, which changes
 * neither, adds a hash of itself. */
void etag_print(const struct resource *, char out[ETAG_SIZE]);

/* What If-Match, If-None-Match and the caller's rights demand; p == NULL: nothing. */
struct condition {
    struct str match, none_match; /* "*" or a list of tags; checked */
    struct str update_only; /* the refusal when nothing is stored: the caller may change, but not make it */
};
/* The last, for a PUT of this type; in the arena. It is checked once more before the body is read
 * (receive.c), but by the time of the write the resource may have gone. */
struct str condition_update_only(struct request *, struct arena *, enum res_type);
/* Is the text "*" or a list of tags? */
bool condition_is_wellformed(struct str);
/* Reads both headers; the texts are in the arena. False after answering a malformed one. */
MUST_USE bool condition_read(struct request *, struct arena *, struct condition *);
/* Does If-None-Match name what is stored? Then a GET answers 304. */
bool condition_is_known(const struct condition *, const struct resource *stored);
/* Holds a write against what is stored (NULL: nothing). ERR_STALE says which header refused it, and what is
 * there; ERR_DENIED is of update_only. An admit_op's condition: 'ctx' is a struct condition. Any thread. */
MUST_USE enum err_kind condition_check(const void *ctx, const struct resource *stored, struct err *e);

#endif
