/* xds/poll_question.h -- what one poller asks for again and again, and when that is answered. Private to
 * xds/; belongs to the loop's thread. */
#ifndef URSA_XDS_POLL_QUESTION_H
#define URSA_XDS_POLL_QUESTION_H

#include "poll.h"

/* The key of polls.waiting. */
static inline struct str poll_id(const uint64_t *id)
{
    return str_from(id, sizeof(*id));
}

/* All of a type, or names of it. */
struct question {
    struct polls *polls;
    struct poller *poller;              /* the owner's */
    const struct xds_response *let_out; /* of its type, by the stream: the newest; version 0: nothing was */
    struct timer timer; /* while it waits: the poll's time is up; else: nobody asks any more */
    struct str key;     /* its names, each with a NUL behind it; "" is everything */
    enum xds_type type;
    struct ads_poll *waiting; /* NULL: none */
    int64_t wait_until;
    uint64_t has;    /* the version that the client says to have; 0: none, or it has not said yet */
    uint64_t newest; /* the version of what was let out for it; 0: nothing was */
    uint64_t given;  /* the version of the last answer; 0: none */
    unsigned n_vain; /* how often the client came back without that */
    int64_t given_at;
};
/* With a copy of the key; 'expire' is the timer's. */
struct question *question_new(struct polls *, enum xds_type, struct str key,
                              const struct xds_response *let_out,
                              void (*expire)(struct timer *, int64_t now));
void question_free(struct question *); /* nobody may wait */

/* A poll waits from now on; the one that did is answered: its client has given that up, and asks again. */
void question_wait(struct question *, struct ads_poll *, int64_t now, int64_t until);
/* Nobody waits any more; the poll is the caller's to send back. Somebody must have waited. */
struct ads_poll *question_take_poll(struct question *);

/* What the client says to have tells what became of the last answer. */
void question_take_version(struct question *, const struct discovery_request *);
/* It came back several times without what it was given last. */
bool question_is_refused(const struct question *);
/* It has not taken over what was let out for it. */
bool question_is_behind(const struct question *);

/* More was let out. */
void question_take_news(struct question *, int64_t now);
/* Answers the poll that waits, if there is something for it. */
void question_judge(struct question *, int64_t now);
/* The poll that waits goes back as it is, without news unless some was put in. Then the client has a while to
 * ask again. */
void question_send_back(struct question *, int64_t now);

#endif
