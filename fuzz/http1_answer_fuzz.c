/* http1_answer_fuzz.c -- any bytes as an HTTP/1.1 answer: no crash, and however they are cut into pieces, the
 * same body and the same end. The body is then redacted: what is taken out stays out. */
#include <stdlib.h>

#include "../src/net/http1_answer.h"
#include "ursa/base/hash.h"
#include "ursa/envoy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct outcome {
    enum err_kind fault;
    enum http1_state state;
    unsigned status;
    uint64_t body;
};

static struct outcome read_answer(const uint8_t *bytes, size_t n, size_t piece)
{
    struct http1_answer a;
    struct arena arena;
    struct err e;
    struct outcome out = {0};

    arena_init(&arena);
    err_init(&e, &arena);
    http1_answer_init(&a, 4096);
    for (size_t at = 0; at < n && out.fault == ERR_NONE && a.state != HTTP1_DONE; at += piece) {
        size_t used, left = n - at < piece ? n - at : piece;
        out.fault = http1_answer_feed(&a, bytes + at, left, &used, &e);
        if (used > left)
            abort();
    }
    if (out.fault == ERR_NONE) {
        out.state = a.state;
        out.status = a.status;
        out.body = hash_content(a.body.p, a.body.n);
    }
    http1_answer_fini(&a);
    arena_fini(&arena);
    return out;
}

static void redact(const uint8_t *bytes, size_t n)
{
    struct buf text, again;

    buf_init(&text, n);
    buf_add(&text, bytes, n);
    envoy_redact_dump(&text);
    if (!buf_ok(&text))
        abort();
    buf_init(&again, text.n);
    buf_add(&again, text.p, text.n);
    envoy_redact_dump(&again);
    if (!str_eq(buf_str(&again), buf_str(&text)))
        abort();
    buf_fini(&again);
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const size_t pieces[] = {1, 3, 64};
    struct outcome whole = read_answer(bytes, n, n + 1);

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct outcome cut = read_answer(bytes, n, pieces[i]);
        if (cut.fault != whole.fault || cut.state != whole.state || cut.status != whole.status ||
            cut.body != whole.body)
            abort();
    }
    redact(bytes, n);
    return 0;
}
