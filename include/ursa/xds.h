/* ursa/xds.h -- the Envoy discovery protocol as pure state machines, and the aggregated discovery service
 * built on them.
 *
 * Nothing here touches a file descriptor: net/ feeds received messages in and pulls messages out. Facts:
 * Envoy's xDS protocol document; architecture.md ("What real Envoy 1.40 demands"); xds.md sections
 * 1, 15.3, 18. */
#ifndef URSA_XDS_H
#define URSA_XDS_H

#include "ursa/base/list.h"
#include "ursa/compile.h"

/* ---- messages ---- */
/* The variants of the protocol: each answer is all that there is of a type (or of what has changed of the
 * names asked for), or it is what has come, changed and gone, or it is asked for by polling over HTTP (see
 * ads_poll). */
enum xds_variant { XDS_SOTW, XDS_DELTA, XDS_REST };
#define DISCOVERY_REQUEST_MAX (1u << 20) /* bytes; Envoy's first request is 61 kB */
struct discovery_version {
    struct str name, version;
};
struct discovery_node {
    bool given;
    struct str id, cluster;
    json_t *metadata; /* owned by the request; NULL when absent */
};
struct discovery_request {
    enum xds_type type; /* XDS_N: type_url unknown, kept in type_url */
    struct str type_url, version_info, response_nonce;
    struct str *names; /* in the arena; incremental: to subscribe */
    size_t n_names;
    struct str *unsubscribed; /* incremental only */
    size_t n_unsubscribed;
    struct discovery_version *versions; /* the same: what the client has when it comes back */
    size_t n_versions;
    bool has_error;
    struct str error_message; /* cut to 4 KiB */
    struct discovery_node node;
};
/* Of one of the two that have a wire form. Bounded: at most 100,000 names. ERR_MALFORMED, ERR_LIMIT. Texts
 * point into 'wire' or the arena. */
MUST_USE enum err_kind discovery_request_decode(enum xds_variant, struct str wire, struct arena *,
                                                struct discovery_request *, struct err *e);
void discovery_request_fini(struct discovery_request *);
/* Its node alone, as other services' requests bring it too; the metadata is the caller's, after a fault too.
 */
MUST_USE enum err_kind discovery_node_decode(struct str wire, struct discovery_node *, struct err *e);

/* What goes out: a gRPC message in parts that are sent one after the other; blobs are shared, never copied
 * per stream. */
struct message_part {
    struct str bytes;
    struct blob *owner; /* referenced; NULL: the bytes are in the message's own buffer */
};
struct xds_message {
    size_t n_bytes; /* of all parts */
    size_t n_parts;
    struct message_part *parts;
    uint8_t *small; /* storage of the parts without owner */
};
void xds_message_fini(struct xds_message *);

/* ---- the service ----
 * Each loop has a service of its own, which serves the streams of its connections. All services together are
 * a group: a proxy may have streams on several loops, and whoever asks about proxies asks the group. */
struct ads_group;
struct ads;
struct ads_stream;
struct hds_stream;
struct question;

/* What the services tell about a proxy's streams; runs on the thread of 'observe_box', for one stream in
 * order. Implemented by insight/. */
enum xds_event { XDS_CONNECTED, XDS_CHANGED, XDS_DISCONNECTED };
struct xds_status { /* valid during the call */
    struct str mesh, name;
    struct str subscription;             /* UUID of the stream */
    int64_t connected_ns;                /* wall clock */
    const struct xds_counters *counters; /* [XDS_N], sent, acknowledged, rejected */
    const struct proxy_version *version; /* may be NULL */
    const struct config_set
        *config;          /* the newest, once the proxy serves it: has its listeners and secrets; else NULL */
    struct str last_nack; /* "" when none: type and Envoy's text */
};
struct ads_options {
    struct store *store;
    struct admit *admit;
    struct engine *engine;
    struct str instance_id;            /* control_plane.identifier */
    const struct token_trusts *tokens; /* what makes a token good */
    bool authenticate;                 /* dpServer.authn.dpProxy.type is not none */
    bool health_discovery;             /* Envoys are asked to check their workloads */
    int64_t deregistration_delay_ns;   /* 10 s */
    int64_t poll_limit_ns;             /* a poll without news is answered after this */
    struct mailbox *observe_box;       /* of the thread that observes */
    void (*observe)(void *ctx, enum xds_event, const struct xds_status *);
    void *observe_ctx;
};
struct ads_group *ads_group_new(const struct ads_options *);
void ads_group_free(struct ads_group *); /* its services are gone; NULL is ignored */
/* A service for the loop with that mailbox. All of a group are made before the first has a stream. */
struct ads *ads_new(struct ads_group *, struct mailbox *);
/* Until the engine, the writer and the observer have let go of what they have of the service, its mailbox has
 * to be run: no stream of the group may be open, the engine and admit must be running. */
bool ads_is_idle(const struct ads *);
void ads_free(struct ads *); /* idle, as all of its group; NULL is ignored */

/* How a stream reaches its peer; called on the loop's thread only. */
struct ads_transport {
    void (*wake)(void *peer); /* ads_pull has something now */
    void (*finish)(void *peer, enum err_kind,
                   struct str text); /* end the stream with this status; net then calls ads_close */
};
/* 'authorization' is the metadata value, if there is one ("exactly one value" is net's check). */
struct ads_stream *ads_open(struct ads *, enum xds_variant, const struct ads_transport *, void *peer,
                            const struct credential *authorization);
void ads_receive(struct ads_stream *, struct str message);
/* The next message to send, built from the newest state; false when there is nothing. Ownership of *out
 * passes (xds_message_fini). */
MUST_USE bool ads_pull(struct ads_stream *, struct xds_message *out);
/* The mesh of a stream that has something to send. Borrowed. */
struct str ads_mesh(const struct ads_stream *);
void ads_close(struct ads_stream *); /* the peer is gone; frees when the engine has let go */
/* The same for a stream of the health discovery service. */
struct hds_stream *hds_open(struct ads *, const struct ads_transport *, void *peer,
                            const struct credential *authorization);
void hds_receive(struct hds_stream *, struct str message);
MUST_USE bool hds_pull(struct hds_stream *, struct xds_message *out);
struct str hds_mesh(const struct hds_stream *);
void hds_close(struct hds_stream *);
/* Timers: the loop wakes at the deadline (monotonic ns, INT64_MAX: none) and calls run, again as long as that
 * is in the past. */
int64_t ads_deadline(const struct ads *);
void ads_run_timers(struct ads *, int64_t now_ns);
/* A proxy with a live stream and what it was sent, acknowledged and refused: {mesh, name, ...}; caller owns
 * it. NULL: it has none. Any thread. */
json_t *ads_proxy_json(struct ads_group *, struct str mesh, struct str name);

/* ---- clients that poll ----
 * One question: what is there of a type, or of names of it, other than what the client has? It waits until
 * there is something, and at the latest until its time is up. */
struct ads_poll {
    struct mail mail; /* 'handle' is the asker's: it runs when the answer is taken from 'box' */
    struct mailbox *box;
    void *ctx;                        /* the asker's */
    uint64_t id;                      /* the asker's, for ads_poll_hurry */
    struct credential authorization;  /* the header's value; in the arena */
    struct discovery_request request; /* ads_poll_read */
    struct arena arena;               /* holds all texts */
    /* the answer: a fault, a DiscoveryResponse, or neither when there is no news */
    enum err_kind kind;
    struct str text;
    char *json; /* the asker takes it over; secret: free_wiped() */
    size_t json_size;
    /* the service's, until it comes back */
    struct ads *ads;
    void (*answered)(struct mail *);
    struct question *question; /* NULL: it does not wait */
};
struct ads_poll *ads_poll_new(const struct credential *authorization);
void ads_poll_free(struct ads_poll *); /* the answer has come, or it was never asked; NULL is ignored */
/* Takes in a DiscoveryRequest as protobuf's JSON, with names of either form. ERR_MALFORMED, ERR_INVALID,
 * ERR_LIMIT. */
MUST_USE enum err_kind ads_poll_read(struct ads_poll *, enum xds_type, struct str json, struct err *e);
/* Any thread, while the loops run. The poll is the group's until it comes back, which it does once. */
void ads_poll(struct ads_group *, struct ads_poll *);
/* Who asked with that id is gone: the poll is answered now, if it is still there. Any thread, while the loops
 * run. */
void ads_poll_hurry(struct ads_group *, uint64_t id);

/* ---- has it taken effect? ----
 * Who asks hands in a question; it comes back by mail as soon as every proxy in question has taken over, or
 * refused, all of the state of that sequence or of a later one, and at the latest at its deadline. Without a
 * stream a proxy is not asked for: it gets the newest state when it comes. Each loop is asked for its part.
 */
#define LAGGARDS_MAX 100 /* named in an answer; the rest is counted */
struct ads_laggard {
    struct str mesh, name;
    bool refused;      /* else pending */
    struct str reason; /* what it has not acknowledged yet, or Envoy's text */
};
struct ads_question {
    struct mail mail; /* 'handle' is the asker's: it runs when the answer is taken from 'box' */
    struct mailbox *box;
    void *ctx;         /* the asker's */
    uint64_t id;       /* the asker's, for ads_hurry */
    uint64_t sequence; /* of the state (snap_sequence) */
    int64_t deadline;  /* monotonic; in the past: answer at once */
    struct str mesh;   /* of these proxies only; p == NULL: of every mesh that 'user' may see */
    struct access_config access;
    struct user user;
    struct arena arena; /* holds all texts */
    /* the answer */
    size_t n_applied, n_pending, n_refused;
    struct ads_laggard *laggards;
    size_t n_laggards;
    /* the group's, until it comes back */
    size_t n_parts; /* that loops have not answered */
    /* of a part: the loop's, while it waits */
    struct ads *ads;
    struct list node, watching;
    void (*answered)(struct mail *);
    bool is_compiled;
};
struct ads_question *ads_question_new(void);
void ads_question_free(struct ads_question *); /* NULL is ignored; the answer has come */
/* Any thread, while the loops run. The question is the group's until it comes back, which it does once. */
void ads_ask(struct ads_group *, struct ads_question *);
/* The question of that id, if it is still there, is answered now. Any thread, while the loops run. */
void ads_hurry(struct ads_group *, uint64_t id);
/* Answers all questions as things are, and from now on each at once; ends all that poll: before the streams
 * are closed for a stop. Loop thread. */
void ads_stop_waiting(struct ads *);

#endif
