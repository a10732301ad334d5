/* xds/status.h -- what a stream was sent, accepted and refused, where other threads can read it. */
#ifndef URSA_XDS_STATUS_H
#define URSA_XDS_STATUS_H

#include "ursa/base/list.h"
#include "ursa/base/lock.h"

#include "sotw.h"

/* The open streams of a service, for readers on any thread. */
struct status_board {
    struct lock lock; /* protects the list and all that is in it */
    struct list reports;
};
struct status_report {
    struct list node;
    struct str mesh, name, subscription; /* constant */
    int64_t connected_ns;                /* constant */
    struct {
        bool active;
        bool wildcard;
        size_t n_names;
        uint64_t offered, acked, nonce;
        struct xds_counters counters;
    } types[XDS_N];
    char *nack; /* NULL: none */
};
void status_board_init(struct status_board *);
void status_board_fini(struct status_board *);
/* The loop's thread: a stream became known, something of it changed, it goes. */
void status_report_add(struct status_board *, struct status_report *);
void status_report_update(struct status_board *, struct status_report *, const struct sotw *);
void status_report_remove(struct status_board *, struct status_report *);
/* Any thread; NULL when the proxy has no stream. The caller owns it. */
json_t *status_board_json(struct status_board *, struct str mesh, struct str name);

#endif
