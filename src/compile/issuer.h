/* The issuer: certificates of proxies, kept as long as they are good; private to compile/.
 *
 * A proxy that reconnects, or whose mesh is compiled anew, gets the certificate it had. One is issued again
 * when the proxy's identities, the mesh's authority or the backend change, and after 4/5 of its life. Belongs
 * to one thread. */
#ifndef URSA_COMPILE_ISSUER_H
#define URSA_COMPILE_ISSUER_H

#include "ursa/compile.h"

struct issuer;
struct issuer *issuer_new(void);
void issuer_free(struct issuer *); /* NULL is ignored */
/* The compiler's callbacks, answered by this issuer. */
struct compiler_options issuer_options(struct issuer *);
/* A Dataplane that is gone takes its certificates along, a mesh its authority. Nobody may ask for them at a
 * state before this change any more. */
void issuer_note(struct issuer *, const struct change *);
/* When the next certificate is to be renewed (monotonic; INT64_MAX: none). */
int64_t issuer_deadline(const struct issuer *);
/* Calls 'renew' for every proxy whose time has come; when it answers false (nobody is connected), the
 * certificate is dropped. */
void issuer_run(struct issuer *, int64_t now_ns, bool (*renew)(void *ctx, struct str mesh, struct str proxy),
                void *ctx);

#endif
