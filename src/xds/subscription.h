/* xds/subscription.h -- what one stream wants of one resource type, and what it was offered.
 *
 * Pure state; owned by one stream, one thread. The two variants of the protocol differ in what a request
 * says, in what is remembered of what was sent, and in how a removal is told: that is behind struct
 * xds_rules. What a stream's other parts see of a subscription is the same in both. Versions are content
 * hashes, on the wire 16 hexadecimal digits; nonces count from 1 in each type. */
#ifndef URSA_XDS_SUBSCRIPTION_H
#define URSA_XDS_SUBSCRIPTION_H

#include "ursa/base/vec.h"
#include "ursa/xds.h"

/* ---- state of the world (sotw.c) ----
 * A version is a hash over the versions of what the client should have: every resource for a wildcard, else
 * those subscribed by name that exist; in the order of names. A response to names carries only what changed,
 * but its version speaks of all that the client then has: so one version proves on a reconnect that nothing
 * is missing, and nothing is sent. */
struct wanted { /* one subscribed name */
    struct str name;
    uint64_t sent;  /* version it was last sent in; 0: never, or gone since */
    uint64_t nonce; /* of the response that carried it */
    bool asked;     /* to be sent whatever was sent before */
    bool doubtful;  /* was in a refused response among others: sent again with the next change */
};
struct sotw_state {
    bool fresh;            /* the version is what the client says to have; not yet compared */
    bool computed;         /* 'wants' is up to date */
    bool holding;          /* 'wants' was computed with what may not go yet */
    uint64_t wants;        /* the version of what the client should have */
    struct wanted *wanted; /* sorted by name, no two equal; none for a wildcard */
    char *text;            /* the names' bytes */
    size_t text_size;
    struct xds_list *given;         /* the whole set that the client has, as far as it is known; NULL: not */
    struct xds_list *kept;          /* the newest and what of 'given' may not go yet; NULL: nothing */
    const struct xds_list *kept_of; /* the newest that 'kept' was made of; NULL: it is to be made */
};

/* ---- incremental (delta.c) ----
 * What the client has, resource by resource. Nearly all of that is a list of the compiler's that other
 * streams have too, with a byte for each of its resources; what that list has not is kept aside. */
struct aside {
    char *name;       /* owned */
    uint64_t version; /* that the client has; 0: none */
    unsigned flags;
};
struct delta_state {
    struct xds_list *list;                    /* the newest that the client was brought to; NULL: none yet */
    uint8_t *flags;                           /* of each resource of 'list' */
    struct aside_vec VEC(struct aside) aside; /* sorted by name; none is in 'list' */
    size_t n_flying;                          /* flags, here and aside, that say so */
    size_t aside_size;                        /* bytes that the names aside cost */
    bool compared;                            /* these two are right: */
    bool has_news;                            /* there is something to send */
    bool has_removals;                        /* something that the client has is gone */
};

struct xds_rules;
struct subscription {
    const struct xds_rules *rules;
    enum xds_type type;
    bool active;       /* a request of this type has come */
    bool wildcard;     /* everything there is */
    bool owed;         /* an answer is due whatever the versions */
    bool refused;      /* the newest answered response was */
    size_t n_names;    /* subscribed by name */
    uint64_t version;  /* the version of all that was last offered; 0: none */
    uint64_t acked;    /* the same, last accepted; 0: none */
    uint64_t nonce;    /* of the last response; 0: none */
    uint64_t answered; /* the newest nonce that was accepted or refused */
    struct xds_counters counters;
    union {
        struct sotw_state sotw;
        struct delta_state delta;
    };
};

/* One answer: references to the resources that it carries, as a vector (base/vec.h). */
struct xds_response {
    enum xds_type type;
    uint64_t version, nonce;
    struct xds_resource **v;
    size_t n, n_slots;
    struct removed_vec VEC(char *) removed; /* names, owned; incremental only */
    bool is_delta;
    bool adds;    /* resources that the client did not have */
    bool changes; /* resources that it had in another version, or it is not known what it had */
};
void xds_response_fini(struct xds_response *);

enum request_sense {
    REQUEST_IGNORED, /* stale, or of no response of ours */
    REQUEST_OPENED,  /* the first of its type */
    REQUEST_ACK,
    REQUEST_NACK,
    REQUEST_CHANGED /* other names, or the same question again */
};

/* Of all functions with a list: the newest, sorted by name. 'hold': what is gone from it may not go from the
 * client yet. */
struct xds_rules {
    /* Takes in a request of this type; sorts its names in place. */
    enum request_sense (*request)(struct subscription *, const struct discovery_request *);
    /* There is another newest list. */
    void (*renew)(struct subscription *);
    /* Is the client to be told something? And the response that tells it, noted as sent. */
    bool (*is_due)(struct subscription *, struct xds_list *, bool hold);
    void (*send)(struct subscription *, struct xds_list *, bool hold, struct xds_response *out);
    /* Of the subscription to endpoints: those of the clusters in a response that went out are sent again. And
     * when endpoints were asked for only after clusters went out. */
    void (*repeat)(struct subscription *, const struct xds_response *clusters);
    void (*repeat_late)(struct subscription *, const struct subscription *clusters);
    /* Has the client asked for all of these? */
    bool (*covers)(const struct subscription *, const struct xds_list *);
    /* Bytes that the subscribed names cost. */
    size_t (*names_size)(const struct subscription *);
    void (*fini)(struct subscription *);
    bool tells_removals; /* else removing is leaving out of the whole set */
};
extern const struct xds_rules rules_sotw, rules_delta;
const struct xds_rules *rules_of(enum xds_variant);

void subscription_init(struct subscription *, enum xds_type, const struct xds_rules *);
void subscription_fini(struct subscription *);
/* Nothing is under way and the client took over the last response. */
static inline bool subscription_is_accepted(const struct subscription *s)
{
    return s->nonce == s->answered && !s->refused;
}

/* ---- what both variants need ---- */
/* Of names: sorts them and drops repetitions in place; returns how many are left. */
size_t names_normalize(struct str *names, size_t n);
/* Reads the nonce of one of our responses; false when it is none. */
MUST_USE bool subscription_read_nonce(const struct subscription *, struct str text, uint64_t *nonce);
/* The first request that carries a nonce answers that response: REQUEST_ACK, REQUEST_NACK; what follows with
 * the same nonce is about names only: REQUEST_CHANGED. */
enum request_sense subscription_take_answer(struct subscription *, const struct discovery_request *,
                                            uint64_t nonce);
/* The resource of that name at or after *at, where the search goes on for the next, greater name; or NULL. */
struct xds_resource *list_find_from(const struct xds_list *, size_t *at, struct str name);

#define VERSION_TEXT_SIZE 17
/* 16 hexadecimal digits and a NUL. */
void version_format(uint64_t version, char out[VERSION_TEXT_SIZE]);
/* 0 for any text that is no version of ours. */
uint64_t version_parse(struct str);

#endif
