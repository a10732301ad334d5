/* xds/question.h -- who waits until the proxies have taken over a state. Private to xds/.
 *
 * A question watches one stream at a time: one that lacks something. When that lacks nothing any more, the
 * question goes on to the next that does, and when there is none it is answered. So a message of a proxy
 * costs nothing unless somebody waits for this very proxy. Every loop has its part of a question, which
 * belongs to its thread; the parts come together on the asker's. */
#ifndef URSA_XDS_QUESTION_H
#define URSA_XDS_QUESTION_H

#include "ursa/xds.h"

struct ads_stream;

struct questions {
    struct list beginning; /* their mail is on its way behind what the engine has delivered */
    struct list waiting;   /* the earliest deadline first */
    size_t n_held;         /* that were asked and not answered */
    size_t n_notices;      /* that the engine owes */
    bool stopped;          /* nobody may wait any more */
};
void questions_init(struct questions *);
bool questions_are_idle(const struct questions *);
int64_t questions_deadline(const struct questions *);
void questions_run_timers(struct ads *, int64_t now_ns);
/* Answers all as things are, and from now on each at once. */
void questions_stop(struct ads *);
/* Something of this stream changed, and somebody watches it. */
void questions_look(struct ads_stream *);
/* A proxy opened another stream: those that it had before, on whatever loop, are in question no more. */
void questions_look_at_twins(struct ads_stream *);

#endif
