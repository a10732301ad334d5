/* apply.h -- one request against the newest state: private to src/admit/. */
#ifndef ADMIT_APPLY_H
#define ADMIT_APPLY_H

#include "ursa/admit.h"

struct apply_options {
    struct str zone;
    struct vip_pool vips; /* n == 0: names get none */
    struct str_list ca_folders;
};

/* Inside an open commit group: runs the request as one client transaction, kept or undone as a whole, and
 * fills in the answers but for what only the commit knows. Anything but ERR_NONE: the group is lost
 * (store.h), for every request in it. */
MUST_USE enum err_kind apply_request(struct store *, const struct apply_options *, struct admit_request *,
                                     struct err *e);
/* Answers all of a request with one fault that is none of its own. */
void apply_refuse(struct admit_request *, enum err_kind, struct str text);

#endif
