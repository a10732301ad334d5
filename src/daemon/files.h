/* files.h -- the daemon's files: its settings, the work dir, the certificate of the proxies' port. */
#ifndef URSA_DAEMON_FILES_H
#define URSA_DAEMON_FILES_H

#include "config.h"
#include "ursa/store.h"

/* A whole regular file of at most 1 MiB, into the arena. */
MUST_USE enum err_kind files_read(const char *path, struct arena *, struct str *text, struct err *e);

/* Fills in what the configuration leaves to the work dir; touches nothing. */
void files_name(struct config *, struct arena *);
/* The same, and makes that folder (mode 0700). */
MUST_USE enum err_kind files_prepare(struct config *, struct arena *, struct err *e);

/* The store that the configuration means, after files_prepare(). */
struct store_options files_store(const struct config *);

/* In the work dir, when none is configured and none is there. */
MUST_USE enum err_kind files_make_server_cert(const struct config *, struct arena *, struct err *e);
/* Certificate and key of the proxies' port: the configured files, or ursa-cp.crt and ursa-cp.key of the work
 * dir. The caller wipes the key. */
MUST_USE enum err_kind files_server_cert(const struct config *, struct arena *, struct str *cert_pem,
                                         struct str *key_pem, struct err *e);
/* The same for the HTTPS API, which has those of the proxies' port unless files of its own are configured. */
MUST_USE enum err_kind files_https_cert(const struct config *, struct arena *, struct str *cert_pem,
                                        struct str *key_pem, struct err *e);
/* All of apiServer.auth.clientCertsDir in one text; "" when there is no such folder configured. */
MUST_USE enum err_kind files_client_certs(const struct config *, struct arena *, struct str *pem,
                                          struct err *e);
/* All that the three above read, links not followed: whoever follows a change of them watches these. */
void files_of_certificates(const struct config *, struct arena *, struct str_list *paths);
/* What makes tokens good, with the keys that the configuration names. On success the caller runs
 * files_forget_tokens(). */
MUST_USE enum err_kind files_token_trusts(const struct config *, struct arena *, struct token_trusts *,
                                          struct err *e);
void files_forget_tokens(struct token_trusts *);

#endif
