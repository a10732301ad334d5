/* http1_answer.h -- reads one HTTP/1.1 answer to a GET: bytes in, body out. No descriptors. */
#ifndef URSA_NET_HTTP1_ANSWER_H
#define URSA_NET_HTTP1_ANSWER_H

#include "ursa/base/buf.h"
#include "ursa/base/err.h"

enum http1_state {
    HTTP1_STATUS,
    HTTP1_FIELD,
    HTTP1_BODY,       /* 'left' bytes are to come */
    HTTP1_CHUNK_SIZE, /* a chunk's first line */
    HTTP1_CHUNK,      /* 'left' bytes of it are to come */
    HTTP1_CHUNK_END,  /* its line end */
    HTTP1_TRAILER,
    HTTP1_UNTIL_CLOSE,
    HTTP1_DONE
};

struct http1_answer {
    enum http1_state state;
    unsigned status;
    bool has_length, chunked;
    uint64_t left;
    size_t n_head;   /* bytes of lines so far, bounded */
    struct buf line; /* the one that is being read */
    struct buf body;
};
void http1_answer_init(struct http1_answer *, size_t max_body);
void http1_answer_fini(struct http1_answer *);
/* Takes bytes up to the end of the answer; *used says how many. ERR_LIMIT or ERR_MALFORMED, with a text that
 * repeats nothing of the peer's. */
MUST_USE enum err_kind http1_answer_feed(struct http1_answer *, const uint8_t *p, size_t n, size_t *used,
                                         struct err *e);
/* The peer has closed: the end of an answer that says no length, else a fault. */
MUST_USE enum err_kind http1_answer_closed(struct http1_answer *, struct err *e);

#endif
