/* asked.h -- a request as a client would have sent it, without a connection: for what the API does before and
 * after the network. */
#ifndef URSA_TESTS_API_ASKED_H
#define URSA_TESTS_API_ASKED_H

#include "../../../src/api/router.h"
#include "../../lib/test.h"

static inline void asked_init(struct request *r, enum method method, const char *uri)
{
    *r = (struct request){.port = API_REST, .method = method, .type = RES_N};
    arena_init(&r->arena);
    err_init(&r->err, &r->arena);
    r->uri = str_from_c(uri);
}

static inline void asked_fini(struct request *r)
{
    buf_fini(&r->out);
    arena_fini(&r->arena);
}

/* The answer's JSON; the caller's reference. */
static inline json_t *asked_answer(struct request *r)
{
    struct err e;
    json_t *body = NULL;

    err_init(&e, &r->arena);
    if (json_parse(buf_str(&r->out), &body, &e) != ERR_NONE)
        FAIL("status %u without a JSON body", r->status);
    return body;
}

#endif
