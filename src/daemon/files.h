/* files.h -- the daemon's files: the work dir, and the certificate of the proxies' port. */
#ifndef URSA_DAEMON_FILES_H
#define URSA_DAEMON_FILES_H

#include "config.h"

/* Fills in what the configuration leaves to the work dir and makes that folder (mode 0700). */
MUST_USE enum err_kind files_prepare(struct config *, struct arena *, struct err *e);

/* Certificate and key of the proxies' port: the configured files, or ursa-cp.crt and ursa-cp.key of the work
 * dir, made when absent. */
MUST_USE enum err_kind files_server_cert(const struct config *, struct arena *, struct str *cert_pem,
                                         struct str *key_pem, struct err *e);

#endif
