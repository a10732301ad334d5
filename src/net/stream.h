/* stream.h -- one gRPC call: between a stream of the HTTP/2 session and a stream of ads. Private to h2.c and
 * stream.c. */
#ifndef URSA_NET_STREAM_H
#define URSA_NET_STREAM_H

#include <nghttp2/nghttp2.h>

#include "grpc.h"
#include "h2.h"
#include "ursa/base/list.h"
#include "ursa/base/rate.h"

enum h2_rate { RATE_RESETS, RATE_SETTINGS, RATE_PINGS, RATE_STREAMS, RATE_IDLE_FRAMES, N_RATES };

struct h2 {
    struct h2_options options;
    nghttp2_session *session;
    struct list streams;
    size_t n_held;   /* bytes of its incomplete requests, also counted in *options.n_held */
    unsigned n_used; /* streams that brought a whole message */
    unsigned
        n_finished; /* streams whose ads stream is to be closed as soon as nothing of ads is on the stack */
    uint64_t lane;  /* see h2_lane */
    int64_t unused_since;
    int64_t now; /* of the bytes being received */
    int64_t full_at[N_RATES];
    uint32_t fault;  /* HTTP/2 error code that the session must end with; 0: none */
    struct buf *out; /* during h2_send */
};

struct stream {
    struct h2 *h2;
    struct list node;
    int32_t id;
    bool answered; /* the response's header is submitted */
    bool finished; /* 'status' stands */
    bool used;     /* brought a whole message */
    enum err_kind status;
    char *text;             /* of the status; until the trailers are submitted */
    struct grpc_head *head; /* until the request's header is whole */
    struct ads_stream *ads; /* one of the two; both NULL: refused or closed */
    struct hds_stream *hds;
    struct grpc_reader in;
    bool sending; /* 'out' is a message */
    struct xds_message out;
    size_t out_sent;        /* bytes of prefix and message */
    size_t part, part_sent; /* the same as a place in out.parts */
};

struct stream *stream_new(struct h2 *, int32_t id);
void stream_free(struct stream *);
/* The request's header is whole. */
void stream_open(struct stream *);
void stream_receive(struct stream *, struct str bytes);
void stream_half_close(struct stream *); /* the peer sends no more */
void stream_finish(struct stream *, enum err_kind, struct str text);
/* Closes the ads stream of a finished one. */
void stream_let_go(struct stream *);
/* Appends the next 'n' bytes of the message being sent. */
void stream_write(struct stream *, size_t n, struct buf *out);

#endif
