/* xds/status.h -- what a stream was sent, accepted and refused, where other threads can read it. */
#ifndef URSA_XDS_STATUS_H
#define URSA_XDS_STATUS_H

#include "ursa/base/list.h"
#include "ursa/base/lock.h"

#include "session.h"

/* The open streams of one loop, for readers on any thread. */
struct status_board {
    struct lock lock; /* protects the list and all that is in it */
    struct list reports;
    const struct ads_options *options; /* who observes */
    struct mailbox *mailbox;           /* of the loop */
};
/* Of one stream, as readers see it. */
struct stream_status {
    struct str mesh, name, subscription; /* constant */
    int64_t connected_ns;                /* constant */
    enum xds_variant variant;            /* constant */
    struct {
        bool active;
        bool wildcard;
        size_t n_names;
        uint64_t offered, acked, nonce;
        struct xds_counters counters;
    } types[XDS_N];
    char *nack; /* NULL: none */
};
/* What a stream tells. One mail at most is under way to the observer: what happens meanwhile goes with it. */
struct status_report {
    struct list node;
    struct status_board *board;
    struct stream_status status;
    const struct proxy_version *version; /* constant; NULL: not told */
    struct config_set *config;           /* that the proxy serves; NULL: not the newest */
    bool over;                           /* the stream has ended */
    bool mailed;                         /* 'mail' is under way to the observer */
    struct mail mail;
    bool announced; /* the observer's: it knows of the stream */
    void (*released)(struct status_report *);
};
void status_board_init(struct status_board *, const struct ads_options *, struct mailbox *);
void status_board_fini(struct status_board *);
/* The loop's thread: a stream became known, something of it changed, it has ended. After that the observer is
 * told for the last time, and then 'released' runs on the loop's thread: until then the report stays. */
void status_report_add(struct status_board *, struct status_report *,
                       void (*released)(struct status_report *));
void status_report_update(struct status_report *, struct session *);
void status_report_end(struct status_report *, struct session *);
/* It is shown no more. */
void status_report_remove(struct status_report *);
/* What was kept for readers; once it is released and removed. */
void status_report_fini(struct status_report *);
/* Appends what is known of the proxy's streams to a list. Any thread. */
void status_board_list(struct status_board *, struct str mesh, struct str name, json_t *streams);

#endif
