/* http1.c -- finds the end of an answer's head, and in it how long the body is. */
#include "http1.h"

static uint64_t body_size(struct str lines)
{
    struct str line;
    uint64_t n;

    while (str_next(&lines, '\n', &line)) {
        size_t colon = str_chr(line, ':');

        if (str_eq_nocase(str_slice(line, 0, colon), STR("content-length")) &&
            str_to_uint(str_trim(str_slice(line, colon + 1, line.n)), HTTP1_BODY_MAX, &n))
            return n;
    }
    return 0;
}

bool http1_answer_read(struct str bytes, struct http1_answer *out)
{
    size_t head = str_find(bytes, STR("\r\n\r\n"));
    struct str status = str_slice(bytes, sizeof("HTTP/1.1 ") - 1, sizeof("HTTP/1.1 200") - 1);
    uint64_t code;

    if (head == bytes.n)
        return false;
    out->status = str_to_uint(status, 999, &code) ? (unsigned)code : 0;
    out->size = head + 4;
    if (out->status != 304) /* which has no body, whatever its head says */
        out->size += body_size(str_slice(bytes, 0, head));
    out->body = str_slice(bytes, head + 4, out->size);
    return out->size <= bytes.n;
}
