/* http1_answer.c -- see http1_answer.h. Strict: what two readers could understand in two ways is refused. */
#include "http1_answer.h"

#define MAX_LINE 8192
#define MAX_LINES 65536 /* status, fields, sizes of chunks, trailers */

void http1_answer_init(struct http1_answer *a, size_t max_body)
{
    *a = (struct http1_answer){.state = HTTP1_STATUS};
    buf_init(&a->line, MAX_LINE);
    buf_init(&a->body, max_body);
}

void http1_answer_fini(struct http1_answer *a)
{
    buf_fini(&a->line);
    buf_fini(&a->body);
}

static enum err_kind malformed(struct err *e, const char *what)
{
    return err_set(e, ERR_MALFORMED, "the answer is no HTTP/1.1: %s", what);
}

/* "HTTP/1.1 200 OK" */
static enum err_kind take_status(struct http1_answer *a, struct str line, struct err *e)
{
    struct str rest = line, version, code;
    uint64_t status;

    if (!str_next(&rest, ' ', &version) || !str_next(&rest, ' ', &code) || code.n != 3 ||
        !str_to_uint(code, 599, &status) || status < 200 || !str_eq(version, STR("HTTP/1.1")))
        return malformed(e, "its status line");
    a->status = (unsigned)status;
    a->state = HTTP1_FIELD;
    return ERR_NONE;
}

static enum err_kind take_length(struct http1_answer *a, struct str value, struct err *e)
{
    uint64_t length;

    if (a->has_length || !str_to_uint(value, UINT64_MAX, &length))
        return malformed(e, "its Content-Length");
    a->has_length = true;
    a->left = length;
    return ERR_NONE;
}

/* The empty line behind the fields. */
static enum err_kind end_head(struct http1_answer *a, struct err *e)
{
    bool empty = a->status == 204 || a->status == 304;

    if (a->chunked && a->has_length)
        return malformed(e, "it has two lengths");
    if (a->has_length && a->left > a->body.cap)
        return err_set(e, ERR_LIMIT, "the answer is larger than %zu bytes", a->body.cap);
    a->state = empty            ? HTTP1_DONE
               : a->chunked     ? HTTP1_CHUNK_SIZE
               : !a->has_length ? HTTP1_UNTIL_CLOSE
               : a->left > 0    ? HTTP1_BODY
                                : HTTP1_DONE;
    return ERR_NONE;
}

static enum err_kind take_field(struct http1_answer *a, struct str line, struct err *e)
{
    size_t colon = str_chr(line, ':');
    struct str name = str_slice(line, 0, colon), value = str_trim(str_slice(line, colon + 1, line.n));

    if (line.n == 0)
        return end_head(a, e);
    if (colon == 0 || colon == line.n || str_trim(name).n != name.n)
        return malformed(e, "a field");
    if (str_eq_nocase(name, STR("Content-Length")))
        return take_length(a, value, e);
    if (str_eq_nocase(name, STR("Transfer-Encoding"))) {
        if (a->chunked || !str_eq_nocase(value, STR("chunked")))
            return malformed(e, "its Transfer-Encoding");
        a->chunked = true;
    }
    return ERR_NONE;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* Hexadecimal digits, and perhaps extensions that mean nothing to us. */
static enum err_kind take_chunk_size(struct http1_answer *a, struct str line, struct err *e)
{
    struct str digits = str_trim(str_slice(line, 0, str_chr(line, ';')));

    a->left = 0;
    for (size_t i = 0; i < digits.n; i++) {
        int digit = hex_digit(digits.p[i]);
        if (digit < 0 || i == 15)
            return malformed(e, "the size of a chunk");
        a->left = a->left * 16 + (uint64_t)digit;
    }
    if (digits.n == 0)
        return malformed(e, "the size of a chunk");
    if (a->left > a->body.cap - a->body.n)
        return err_set(e, ERR_LIMIT, "the answer is larger than %zu bytes", a->body.cap);
    a->state = a->left > 0 ? HTTP1_CHUNK : HTTP1_TRAILER;
    return ERR_NONE;
}

static enum err_kind take_line(struct http1_answer *a, struct str line, struct err *e)
{
    switch (a->state) {
    case HTTP1_STATUS:
        return take_status(a, line, e);
    case HTTP1_FIELD:
        return take_field(a, line, e);
    case HTTP1_CHUNK_SIZE:
        return take_chunk_size(a, line, e);
    case HTTP1_CHUNK_END:
        a->state = HTTP1_CHUNK_SIZE;
        return line.n == 0 ? ERR_NONE : malformed(e, "the end of a chunk");
    case HTTP1_TRAILER:
        a->state = line.n == 0 ? HTTP1_DONE : HTTP1_TRAILER;
        return ERR_NONE;
    case HTTP1_BODY:
    case HTTP1_CHUNK:
    case HTTP1_UNTIL_CLOSE:
    case HTTP1_DONE:
        break;
    }
    return ERR_BUG_HERE(e, "a line where none is");
}

/* Lines end with CR LF, both. */
static enum err_kind feed_line(struct http1_answer *a, const uint8_t *p, size_t n, size_t *used,
                               struct err *e)
{
    struct str text = str_from(p, n);
    size_t end = str_chr(text, '\n'), taken = end < n ? end + 1 : n;

    *used += taken;
    a->n_head += taken;
    buf_add(&a->line, p, taken);
    if (!buf_ok(&a->line) || a->n_head > MAX_LINES)
        return err_set(e, ERR_LIMIT, "the head of the answer is too large");
    if (end == n)
        return ERR_NONE;
    struct str line = buf_str(&a->line);
    if (!str_has_suffix(line, STR("\r\n")))
        return malformed(e, "a line end");
    enum err_kind kind = take_line(a, str_slice(line, 0, line.n - 2), e);
    buf_clear(&a->line);
    return kind;
}

static enum err_kind feed_body(struct http1_answer *a, const uint8_t *p, size_t n, size_t *used,
                               struct err *e)
{
    size_t taken = a->state == HTTP1_UNTIL_CLOSE || n < a->left ? n : (size_t)a->left;

    buf_add(&a->body, p, taken);
    *used += taken;
    if (!buf_ok(&a->body))
        return err_set(e, ERR_LIMIT, "the answer is larger than %zu bytes", a->body.cap);
    if (a->state == HTTP1_UNTIL_CLOSE)
        return ERR_NONE;
    a->left -= taken;
    if (a->left == 0)
        a->state = a->state == HTTP1_CHUNK ? HTTP1_CHUNK_END : HTTP1_DONE;
    return ERR_NONE;
}

enum err_kind http1_answer_feed(struct http1_answer *a, const uint8_t *p, size_t n, size_t *used,
                                struct err *e)
{
    *used = 0;
    while (*used < n && a->state != HTTP1_DONE) {
        bool in_body = a->state == HTTP1_BODY || a->state == HTTP1_CHUNK || a->state == HTTP1_UNTIL_CLOSE;
        enum err_kind kind = (in_body ? feed_body : feed_line)(a, p + *used, n - *used, used, e);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}

enum err_kind http1_answer_closed(struct http1_answer *a, struct err *e)
{
    if (a->state == HTTP1_UNTIL_CLOSE)
        a->state = HTTP1_DONE;
    return a->state == HTTP1_DONE ? ERR_NONE : malformed(e, "it ends too early");
}
