/* call.h -- one gRPC call over a connection of its own: HTTP/2, and messages in both directions. Knows
 * nothing of discovery. */
#ifndef URSA_BENCH_CALL_H
#define URSA_BENCH_CALL_H

#include <nghttp2/nghttp2.h>

#include "conn.h"

struct call;
struct call_events {
    void (*opened)(struct call *); /* messages may be sent from now on */
    void (*message)(struct call *, struct str);
    void (*failed)(struct call *, const char *why); /* it is closed; once */
};

struct call {
    struct conn conn;
    const struct call_events *events;
    struct str token; /* STR_NONE: none */
    const char *path; /* of the gRPC method */
    nghttp2_session *h2;
    int32_t stream;
    struct buf requests; /* gRPC frames for the stream */
    size_t requests_sent;
    struct buf in; /* the message that is not whole yet */
};
/* Connects and calls, as conn_open(). */
void call_open(struct call *, struct conn_place *, const struct call_events *, const char *path,
               uint32_t number);
void call_send(struct call *, struct str message);
/* As conn_close(). */
void call_close(struct call *);

#endif
