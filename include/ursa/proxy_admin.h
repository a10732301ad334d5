/* ursa/proxy_admin.h -- asks Envoys what they hold: GET on the admin port that a proxy offers to the control
 * plane (xds.md 8.5, docs/decisions/0010).
 *
 * A few workers that block on nothing for longer than an answer may take; whoever asks gets mail. Every
 * question first asks the peer who it is: an address and a port in a resource may be anybody's. */
#ifndef URSA_PROXY_ADMIN_H
#define URSA_PROXY_ADMIN_H

#include "ursa/base/buf.h"
#include "ursa/base/err.h"
#include "ursa/base/workers.h"

struct proxy_admin;

struct proxy_question {
    struct mail mail;    /* 'handle' is the asker's; sent to 'box' when the outcome is there */
    struct mailbox *box; /* must live until then */

    /* What is asked; all texts must live until the mail has come. */
    struct str address; /* an IP address; anything else is refused */
    uint16_t port;
    struct str ca_pem; /* certificate and key of the CA between us: TLS, both sides show one of it. p == NULL:
                          without TLS, which is refused off this machine */
    struct str host;   /* what the peer's certificate must be for: a name or an address */
    struct str node_id; /* who the peer must be: "<mesh>.<name>" */
    const char *path;   /* "/stats" */
    /* Run on the answer by the thread that has it; NULL: none. The bytes may be replaced. */
    void (*finish)(struct buf *body);

    /* The outcome. */
    enum err_kind kind; /* ERR_NONE, ERR_PEER, ERR_UNAVAILABLE (we are stopping) */
    char reason[256];   /* one line, nothing that the peer sent */
    struct buf body;    /* the asker's to keep or to end; empty but for ERR_NONE */

    struct work work;
    struct proxy_admin *admin;
};

struct proxy_admin_options {
    unsigned n_threads;   /* questions at a time */
    unsigned max_waiting; /* beside these */
    int64_t deadline_ns;  /* of one question once a thread has it */
    size_t max_body;      /* bytes of an answer */
};
MUST_USE enum err_kind proxy_admin_start(const struct proxy_admin_options *, struct proxy_admin **out,
                                         struct err *e);
/* False when too many wait already: no mail comes. */
MUST_USE bool proxy_admin_ask(struct proxy_admin *, struct proxy_question *);
/* What is under way ends at once with ERR_UNAVAILABLE, and so does all that is asked from now on. */
void proxy_admin_cancel(struct proxy_admin *);
void proxy_admin_stop(struct proxy_admin *); /* cancels, joins; NULL is ignored */

#endif
