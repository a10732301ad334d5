/* xds/session.h -- one stream in either variant of the protocol: its subscriptions, the newest configuration,
 * and what to send next.
 *
 * Pure: requests go in, responses come out; owned by one stream, one thread. session.c reads requests, push.c
 * decides the order of what is sent, headway.c knows how far the client has come. */
#ifndef URSA_XDS_SESSION_H
#define URSA_XDS_SESSION_H

#include "subscription.h"

/* How far the client has come with one type. Sequences are the store's (snap_sequence). */
struct headway {
    uint64_t accepted; /* it has taken over what the state of this sequence has of the type; 0: not known */
    uint64_t sent;     /* sequence of the newest response's state */
    struct {
        uint64_t nonce, sequence;
    } next; /* the response whose answer tells next how far it is; nonce 0: none is under way */
};

struct session {
    const struct xds_rules *rules;
    struct subscription subs[XDS_N];
    struct headway headway[XDS_N];
    uint64_t sequence;         /* 'config' is right for the states up to this one; the owner raises it */
    struct config_set *config; /* the newest; NULL before the first */
    bool came_back;            /* with clusters that it was given on an earlier stream */
    bool holds;                /* what the listeners may still need does not go yet */
    bool removes;              /* what session_due found is for the removals in it */
    bool waits;       /* what is due was held back for a word of the client, when session_due last looked */
    uint64_t growing; /* nonce of a CDS response that added clusters and is not answered yet; 0: none */
    bool endpoints_owed; /* clusters were sent before the endpoints were asked for */
    char *nack;          /* "lds: text" of the last refusal; NULL: none */
};

void session_init(struct session *, enum xds_variant);
void session_fini(struct session *);
enum request_sense session_request(struct session *, const struct discovery_request *);
/* Bytes that the subscribed names cost. */
size_t session_names_size(const struct session *);
/* The newest configuration replaces any that was not sent yet (takes a reference). */
void session_set_config(struct session *, struct config_set *);
/* What comes next in make-before-break order; XDS_N: nothing now. */
enum xds_type session_due(struct session *);
/* The client has not answered in time: what waits for its answer does not any more. */
void session_stop_waiting(struct session *);
/* Has the client taken over the listeners of the newest configuration, and the secrets without which they do
 * not serve? */
bool session_is_serving(struct session *);
/* What keeps a proxy from having taken over all of the state of a sequence, or of a later one. */
enum lack {
    LACK_NOTHING,
    LACK_CONFIG,   /* there is none for it yet */
    LACK_REQUEST,  /* it has not asked for the type, or not for all that it needs of it */
    LACK_SENDING,  /* it is not sent yet: the client reads slowly */
    LACK_CLUSTERS, /* it is held back until the client answers its new clusters */
    LACK_ANSWER,   /* it is sent and not answered */
    LACK_CONSENT   /* the client refused it */
};
struct session_lack {
    enum lack what;
    enum xds_type type; /* XDS_N with LACK_NOTHING and LACK_CONFIG */
};
/* A refusal comes before anything else that lacks: it does not pass by itself. */
struct session_lack session_lacks(struct session *, uint64_t sequence);
/* The client's words of its last refusal, if that was of this type; else "". */
struct str session_refusal(const struct session *, enum xds_type);
/* The response of that type, which session_due has just found. */
void session_send(struct session *, enum xds_type, struct xds_response *out);

/* headway.c: a response of this type went out; one was accepted or refused. */
void headway_sent(struct session *, enum xds_type);
void headway_answered(struct session *, enum xds_type, bool accepted);
/* push.c: whether something of that type is to be sent, as things are now; and whether it has to wait. */
bool session_is_due(struct session *, enum xds_type, bool *waits);

#endif
