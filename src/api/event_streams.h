/* event_streams.h -- who listens to GET /events: what the loop has to do for them. The API thread's. */
#ifndef URSA_API_EVENT_STREAMS_H
#define URSA_API_EVENT_STREAMS_H

#include "request.h"
#include "ursa/base/timers.h"

struct api;
struct event_streams {
    struct list streams; /* open ones */
    size_t n_streams;
    struct mail notice; /* there is something new */
    bool is_listening;
    bool is_over;      /* the daemon stops */
    struct timer beat; /* when the next of them show a sign of life */
};
void event_streams_init(struct api *);
/* The daemon stops: each is told so and ends. */
void event_streams_end(struct api *);
/* No notice comes after it; runs the mailbox until then. */
void event_streams_fini(struct api *);

#endif
