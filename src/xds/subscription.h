/* xds/subscription.h -- what one stream wants of one resource type, and what it was offered (state of the
 * world).
 *
 * Pure state; owned by one stream, one thread. A version is a content hash over the versions of what the
 * client should have: every resource for a wildcard, else those subscribed by name that exist; in the order
 * of names. On the wire it is 16 hexadecimal digits. A response to names carries only what changed, but its
 * version speaks of all that the client then has: so one version proves on a reconnect that nothing is
 * missing, and nothing is sent. Nonces count from 1 in each type. */
#ifndef URSA_XDS_SUBSCRIPTION_H
#define URSA_XDS_SUBSCRIPTION_H

#include "ursa/xds.h"

struct wanted { /* one subscribed name */
    struct str name;
    uint64_t sent;  /* version it was last sent in; 0: never, or gone since */
    uint64_t nonce; /* of the response that carried it */
    bool asked;     /* to be sent whatever was sent before */
    bool doubtful;  /* was in a refused response among others: sent again with the next change */
};

struct subscription {
    enum xds_type type;
    bool active;           /* a request of this type has come */
    bool wildcard;         /* everything there is */
    bool fresh;            /* 'version' is what the client says to have; not yet compared */
    bool owed;             /* an answer is due whatever the version */
    bool refused;          /* the newest answered response was */
    bool computed;         /* 'wants' is up to date; whoever changes the resources resets it */
    uint64_t wants;        /* the version of what the client should have */
    uint64_t version;      /* the version last offered; 0: none */
    uint64_t acked;        /* the version last accepted; 0: none */
    uint64_t nonce;        /* of the last response; 0: none */
    uint64_t answered;     /* the newest nonce that was accepted or refused */
    struct wanted *wanted; /* sorted by name, no two equal; none for a wildcard */
    size_t n_wanted;
    char *text; /* the names' bytes */
    size_t text_size;
    struct xds_counters counters;
};

/* One answer: references to the resources that it carries. */
struct xds_response {
    enum xds_type type;
    uint64_t version, nonce;
    struct xds_resource **v;
    size_t n;
};
void xds_response_fini(struct xds_response *);

void subscription_init(struct subscription *, enum xds_type);
void subscription_fini(struct subscription *);

enum request_sense {
    REQUEST_IGNORED, /* stale, or of no response of ours */
    REQUEST_OPENED,  /* the first of its type */
    REQUEST_ACK,
    REQUEST_NACK,
    REQUEST_CHANGED /* other names, or the same question again */
};
/* Takes in a request of this type; sorts its names in place. */
enum request_sense subscription_request(struct subscription *, const struct discovery_request *);

/* Of the resources there are, sorted by name: the version of what the client should have; whether it is to be
 * told something; and the response that tells it (the subscription is due), noted as sent. */
uint64_t subscription_version(struct subscription *, struct xds_resource *const *v, size_t n);
bool subscription_is_due(struct subscription *, struct xds_resource *const *v, size_t n);
void subscription_send(struct subscription *, struct xds_resource *const *v, size_t n,
                       struct xds_response *out);

/* Everything that is subscribed by name is sent again with the next response, which is owed. */
void subscription_ask_again(struct subscription *);
/* Nothing is under way and the client took over the last response. */
static inline bool subscription_is_accepted(const struct subscription *s)
{
    return s->nonce == s->answered && !s->refused;
}

#define VERSION_TEXT_SIZE 17
/* 16 hexadecimal digits and a NUL. */
void version_format(uint64_t version, char out[VERSION_TEXT_SIZE]);
/* 0 for any text that is no version of ours. */
uint64_t version_parse(struct str);

#endif
