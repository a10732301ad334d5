/* ticket.h -- keys of the tickets by which TLS sessions are resumed.
 *
 * A proxy that comes back shows the ticket that it was given, and spares both sides the signature and the
 * exchange of keys. The server keeps nothing for it but the keys that tickets are sealed with: in memory
 * only, one for an hour, then one more hour for the tickets that it has sealed. Any thread. */
#ifndef URSA_NET_TICKET_H
#define URSA_NET_TICKET_H

#include "ursa/base/clock.h"
#include "ursa/base/lock.h"

#define TICKET_KEY_LIFE (3600 * NS_PER_S)

struct ticket_key {
    uint8_t name[16]; /* goes with the ticket */
    uint8_t seal[32], mac[32];
    int64_t made_at; /* monotonic ns; 0: there is none */
};
struct tickets {
    struct lock lock; /* protects the keys */
    struct ticket_key newest, last;
};
struct tickets *tickets_new(void);
void tickets_free(struct tickets *); /* wipes the keys; NULL is ignored */
/* The key for a ticket that is made now. The caller wipes what it is given. */
void tickets_seal(struct tickets *, struct ticket_key *out);
/* The key of that name; false when there is none, or none any more. */
MUST_USE bool tickets_open(struct tickets *, const uint8_t name[16], struct ticket_key *out);

#endif
