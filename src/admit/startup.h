/* startup.h -- what a fresh store lacks: private to src/admit/. */
#ifndef ADMIT_STARTUP_H
#define ADMIT_STARTUP_H

#include "ursa/admit.h"

/* Two requests, the second to be made after the first is committed, since it signs with a key that the first
 * brings. *out is NULL when nothing is missing. */
MUST_USE enum err_kind startup_objects(const struct admit_options *, struct admit_request **out,
                                       struct err *e);
MUST_USE enum err_kind startup_admin_token(const struct admit_options *, struct admit_request **out,
                                           struct err *e);

#endif
