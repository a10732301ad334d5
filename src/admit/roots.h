/* roots.h -- root certificates that take long to come by, made or read before the writer has their request:
 * private to src/admit/.
 *
 * An RSA key takes up to two seconds, and a file may be on a disk far away: nobody else could write
 * meanwhile. */
#ifndef ADMIT_ROOTS_H
#define ADMIT_ROOTS_H

#include "ursa/admit.h"
#include "ursa/base/workers.h"

/* When the request wants such a root, which is not stored yet or is to be replaced, or names files: gives the
 * request to the workers, which come by it and mail the request to 'writer'. False: the request has to wait
 * for nothing. Any thread. */
bool roots_begin(struct workers *, struct store *, const struct str_list *ca_folders, struct admit_request *,
                 struct mailbox *writer);
/* One that was made or read; false: the writer does it itself, as it does when the secrets of a CA went away
 * meanwhile, and when a request finds out its operations only there. */
bool roots_take(const struct admit_request *, struct str mesh, struct str backend, struct str *cert_pem,
                struct str *key_pem);
void roots_wipe(struct admit_request *);

#endif
