/* One HTTP/1.1 answer, whole and cut into pieces of every size. */
#include "../../../src/net/http1_answer.h"
#include "../../lib/test.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *name, *wire, *want; /* the status and the body, or the beginning of the fault's text */
    bool closed;                    /* the peer closes then */
} rows[] = {
    {"a length", OK "content-length: 5\r\n\r\nhello", "200 hello", false},
    {"and what follows it", OK "content-length: 5\r\n\r\nhelloHTTP/1.1", "200 hello", false},
    {"no body", OK "Content-Length: 0\r\n\r\n", "200 ", false},
    {"chunks", OK "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
     "200 abc0123456789", false},
    {"trailers", OK "transfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\n\r\n", "200 a", false},
    {"until the end", OK "\r\nhello", "200 hello", true},
    {"another status", "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno", "503 no", false},
    {"without a reason", "HTTP/1.1 404 \r\ncontent-length: 0\r\n\r\n", "404 ", false},
    {"no content", "HTTP/1.1 204 No Content\r\n\r\n", "204 ", false},
    {"fields of no interest", OK "Server: envoy\r\nX-Empty:\r\ncontent-length: 1\r\n\r\nx", "200 x", false},
    {"it is cut off", OK "content-length: 5\r\n\r\nhell", "the answer is no HTTP/1.1: it ends too early",
     true},
    {"a chunk is cut off", OK "transfer-encoding: chunked\r\n\r\n5\r\nhell",
     "the answer is no HTTP/1.1: it ends too early", true},
    {"nothing", "", "the answer is no HTTP/1.1: it ends too early", true},
    {"another protocol", "SSH-2.0-x\r\n", "the answer is no HTTP/1.1: its status line", false},
    {"another version", "HTTP/1.0 200 OK\r\n", "the answer is no HTTP/1.1: its status line", false},
    {"an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", "the answer is no HTTP/1.1: its status line",
     false},
    {"a bare line feed", "HTTP/1.1 200 OK\n", "the answer is no HTTP/1.1: a line end", false},
    {"two lengths", OK "content-length: 1\r\ncontent-length: 1\r\n",
     "the answer is no HTTP/1.1: its Content-Length", false},
    {"a length and chunks", OK "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
     "the answer is no HTTP/1.1: it has two lengths", false},
    {"an odd encoding", OK "transfer-encoding: gzip\r\n", "the answer is no HTTP/1.1: its Transfer-Encoding",
     false},
    {"a negative length", OK "content-length: -1\r\n", "the answer is no HTTP/1.1: its Content-Length",
     false},
    {"a folded field", OK "a: b\r\n c\r\n", "the answer is no HTTP/1.1: a field", false},
    {"a blank before the colon", OK "a : b\r\n", "the answer is no HTTP/1.1: a field", false},
    {"no size of a chunk", OK "transfer-encoding: chunked\r\n\r\n\r\n",
     "the answer is no HTTP/1.1: the size of a chunk", false},
    {"a size that is none", OK "transfer-encoding: chunked\r\n\r\n5g\r\n",
     "the answer is no HTTP/1.1: the size of a chunk", false},
    {"a huge size", OK "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
     "the answer is no HTTP/1.1: the size of a chunk", false},
    {"a chunk without its end", OK "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
     "the answer is no HTTP/1.1: the end of a chunk", false},
    {"too large by its length", OK "content-length: 33\r\n\r\n", "the answer is larger than 32 bytes", false},
    {"too large by a chunk",
     OK "transfer-encoding: chunked\r\n\r\n20\r\n01234567890123456789012345678901\r\n1\r\n",
     "the answer is larger than 32 bytes", false},
    {"too large until the end", OK "\r\n012345678901234567890123456789012",
     "the answer is larger than 32 bytes", false},
};

static struct str read_answer(struct arena *a, struct str wire, size_t piece, bool closed)
{
    struct http1_answer answer;
    struct err e;
    enum err_kind kind = ERR_NONE;

    err_init(&e, a);
    http1_answer_init(&answer, 32);
    for (size_t at = 0; at < wire.n && kind == ERR_NONE && answer.state != HTTP1_DONE; at += piece) {
        struct str part = str_slice(wire, at, at + piece);
        size_t used;
        kind = http1_answer_feed(&answer, (const uint8_t *)part.p, part.n, &used, &e);
        EXPECT_TRUE("all used", used == part.n || kind != ERR_NONE || answer.state == HTTP1_DONE);
    }
    if (kind == ERR_NONE && closed)
        kind = http1_answer_closed(&answer, &e);
    struct str got = kind != ERR_NONE ? e.text
                     : answer.state != HTTP1_DONE
                         ? STR("not done")
                         : arena_printf(a, "%u " STR_FMT, answer.status, STR_ARG(buf_str(&answer.body)));
    http1_answer_fini(&answer);
    return got;
}

TEST(answers_are_read_however_they_are_cut)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str wire = str_from_c(rows[i].wire);
        for (size_t piece = 1; piece <= wire.n + 1; piece++) {
            struct arena a;
            arena_init(&a);
            EXPECT_STR(rows[i].name, read_answer(&a, wire, piece, rows[i].closed), rows[i].want);
            arena_fini(&a);
        }
    }
}

TEST(a_head_without_end_is_refused)
{
    struct arena a;
    struct buf wire;

    arena_init(&a);
    buf_init(&wire, 1 << 20);
    buf_add_str(&wire, STR(OK "a: "));
    for (int i = 0; i < 20000; i++)
        buf_add_byte(&wire, 'x');
    EXPECT_STR("one line", read_answer(&a, buf_str(&wire), 4096, false),
               "the head of the answer is too large");
    buf_clear(&wire);
    buf_add_str(&wire, STR(OK));
    for (int i = 0; i < 20000; i++)
        buf_add_str(&wire, STR("a: b\r\n"));
    EXPECT_STR("many lines", read_answer(&a, buf_str(&wire), 4096, false),
               "the head of the answer is too large");
    buf_fini(&wire);
    arena_fini(&a);
}
