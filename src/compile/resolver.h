/* The resolver: host names to IP addresses; private to compile/.
 *
 * A Dataplane may give a name where Envoy's listeners and endpoints need an address (xds.md section 5). Names
 * are looked up by workers, since a name server may take its time, and again as long as anybody holds the
 * name: DNS tells nobody of a change. Belongs to one thread. */
#ifndef URSA_COMPILE_RESOLVER_H
#define URSA_COMPILE_RESOLVER_H

#include "ursa/base/err.h"
#include "ursa/base/mailbox.h"
#include "ursa/compile.h"

#define ADDRESSES_MAX 64
struct addresses {
    size_t n;
    char v[ADDRESSES_MAX][ADDRESS_SIZE];
};

struct resolver;
struct resolver_options {
    struct mailbox *box; /* of the thread that the resolver belongs to */
    /* host_state() or host_address() of this name answers something else now. */
    void (*changed)(void *ctx, struct str name);
    void *ctx;
    /* The addresses of a name, at most ADDRESSES_MAX; on any thread. NULL: what the system says. */
    void (*look_up)(const char *name, struct addresses *out);
};
struct resolver *resolver_new(const struct resolver_options *);
void resolver_free(struct resolver *); /* nobody may hold a name; runs the mailbox; NULL is ignored */

enum host_state {
    HOST_ASKED,  /* for the first time, a moment ago: wait */
    HOST_KNOWN,  /* host_address() is the newest that was found; it stays when a name server fails */
    HOST_UNKNOWN /* none was found so far */
};
struct host;
struct host *resolver_hold(struct resolver *, struct str name); /* a new reference */
struct host *host_hold(struct host *);                          /* another one */
void host_release(struct host *);                               /* NULL is ignored */
enum host_state host_state(const struct host *);
struct str host_address(const struct host *); /* "" unless it is known */

/* The thread wakes at the deadline (monotonic ns, INT64_MAX: none) and calls run. */
int64_t resolver_deadline(const struct resolver *);
void resolver_run(struct resolver *, int64_t now_ns);

#endif
