/* http1.h -- an HTTP/1.1 answer as it arrives. */
#ifndef URSA_BENCH_HTTP1_H
#define URSA_BENCH_HTTP1_H

#include "ursa/base/str.h"

#define HTTP1_BODY_MAX (64u << 20)

struct http1_answer {
    unsigned status;
    size_t size; /* of head and body */
    struct str body;
};
/* True when all of the answer is there, at the front of 'bytes'. Its size is in its head. */
bool http1_answer_read(struct str bytes, struct http1_answer *out);

#endif
