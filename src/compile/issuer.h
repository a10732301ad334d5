/* The issuer: certificates of proxies, kept as long as they are good; private to compile/.
 *
 * A proxy that reconnects, or whose mesh is compiled anew, gets the certificate it had. One is issued again
 * when the proxy's identities, the mesh's authority or the backend change, after 4/5 of its life, and when
 * the clock was set to a time at which it is not good. Keys and signatures are made by workers: who asks for
 * a certificate that is not there yet is told so, and told again when it is. Belongs to one thread. */
#ifndef URSA_COMPILE_ISSUER_H
#define URSA_COMPILE_ISSUER_H

#include "ursa/compile.h"

struct issuer;
struct issuer_options {
    struct mailbox *box; /* of the thread that the issuer belongs to */
    /* A certificate came, or will not come for now: who asks again is answered. False: nobody is attached
     * that wants it. */
    bool (*issued)(void *ctx, struct str mesh, struct str proxy);
    void *ctx;
};
struct issuer *issuer_new(const struct issuer_options *);
void issuer_free(struct issuer *); /* runs the mailbox; NULL is ignored */
/* The compiler's callbacks, answered by this issuer. */
struct compiler_options issuer_compiler_options(struct issuer *);
/* A Dataplane that is gone takes its certificates along, a mesh its authority. Nobody may ask for them at a
 * state before this change any more. */
void issuer_note(struct issuer *, const struct change *);
/* When the next certificate is to be renewed (monotonic; INT64_MAX: none). */
int64_t issuer_deadline(const struct issuer *);
/* Calls 'issued' for every proxy whose time has come, so that it is asked for; when that answers false, the
 * certificate is dropped. */
void issuer_run(struct issuer *, int64_t now_ns);
/* The wall clock was set forward by 'by_ns' (negative: back). What is not good by it, or is past its renewal,
 * falls due now, once, and its successor is good by the clock as it was, too; a renewal may come nearer, none
 * moves away. */
void issuer_jump(struct issuer *, int64_t by_ns);
/* Certificates that are being made. */
size_t issuer_n_under_way(const struct issuer *);

#endif
