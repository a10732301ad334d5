/* xds/stream.h -- one ADS stream: from its first request to the engine's last word. Private to xds/. */
#ifndef URSA_XDS_STREAM_H
#define URSA_XDS_STREAM_H

#include "authn.h"
#include "hds.h"
#include "node.h"
#include "poll.h"
#include "question.h"
#include "register.h"
#include "session.h"
#include "status.h"

/* Constant, once the services are made. */
struct ads_group {
    struct ads_options options;
    struct registry registry;
    struct VEC(struct ads *) services;
};

struct ads {
    struct ads_group *group;
    struct ads_options options; /* the group's */
    struct mailbox *mailbox;    /* of the loop */
    struct desk desk;
    struct status_board board;
    struct list waiting; /* streams that hold something back until their client answers, the first first */
    struct questions questions;
    struct hds hds;
    struct polls polls;
    uint64_t applied; /* what the engine made of every state up to this sequence is in the streams' inboxes */
    size_t n_streams; /* that exist, closed ones with the engine included */
    size_t n_open;    /* of these, not closed by the peer */
};

/* That who asked under this id waits no longer; sent to every loop, since any may hold it. */
struct hurry {
    struct mail mail;
    struct ads *ads;
    uint64_t id;
};
void hurry_all(struct ads_group *, uint64_t id, void (*handle)(struct mail *)); /* which frees it */

enum stream_state {
    STREAM_OPEN,        /* no request yet */
    STREAM_REGISTERING, /* the Dataplane that it brought is being stored */
    STREAM_LIVE,        /* attached to the engine */
    STREAM_ENDED,       /* finished by us or closed by the peer */
    STREAM_N_STATES
};

/* Where the compile thread leaves the newest configuration. */
struct inbox {
    struct lock lock; /* protects all but 'mail' while it is under way */
    struct config_set *newest;
    uint64_t sequence; /* of the state that it is for */
    bool gone;         /* the Dataplane does not exist any more */
    bool mailed;       /* 'mail' is under way to the loop */
    struct mail mail;
};

struct ads_stream {
    struct ads *ads;
    enum xds_variant variant;
    const struct ads_transport *transport;
    void *peer; /* NULL: closed */
    enum stream_state state;
    struct arena arena; /* holds 'node' */
    struct proxy_node node;
    struct authn authn;
    struct resource *dataplane; /* that the proxy brought with its first request; NULL: none */
    struct session session;
    struct registered *registered;
    size_t names_size;                 /* that 'registered' knows of */
    struct registration *registration; /* only while registering */
    struct engine_proxy *attached;
    struct inbox inbox;
    struct mail detached;
    struct status_report report;
    struct list live;    /* the place among the proxy's streams that are served */
    unsigned n_holders;  /* the peer; once it is live, the engine and the observer */
    struct list waiting; /* in the list of 'ads' while it waits */
    int64_t waits_until;
    struct list watchers; /* questions whose answer waits for this stream */
};

/* The stream's configuration is right for the states up to this sequence. */
void stream_covers(struct ads_stream *, uint64_t sequence);
/* The parts of ads_receive and ads_pull behind the wire. A request that has been identified; false when the
 * stream has ended. The next response to send, noted as sent; false when there is none. */
MUST_USE bool stream_identify(struct ads_stream *, const struct discovery_request *);
void stream_request(struct ads_stream *, const struct discovery_request *);
MUST_USE bool stream_next(struct ads_stream *, struct xds_response *out);
/* Sends what has waited for too long. */
void streams_run_timers(struct ads *, int64_t now_ns);
int64_t streams_deadline(const struct ads *);

#endif
