/* sse.h -- server-sent events: bytes in, events out. Of HTML's text/event-stream what Ursa sends: event, id
 * and data; comments and other fields are skipped. */
#ifndef URSA_CLI_SSE_H
#define URSA_CLI_SSE_H

#include "ursa/base/buf.h"

struct sse_event {
    struct str name, id, data; /* id is that of the last event that had one */
};
/* False: no more events are wanted. */
typedef bool sse_fn(void *ctx, const struct sse_event *);

struct sse {
    struct buf line, name, next_id, data; /* of the event that is being read */
    struct buf id;                        /* of the last one that was whole */
};
void sse_init(struct sse *);
void sse_fini(struct sse *);
/* Forgets what was begun, keeps the id: for another connection. */
void sse_restart(struct sse *);
/* False: 'fn' wants no more, or an event is larger than 1 MiB. */
MUST_USE bool sse_feed(struct sse *, const void *p, size_t n, sse_fn *fn, void *ctx);

#endif
