/* buf.c -- a growable byte buffer with a mandatory cap and a sticky overflow. */
#include "ursa/base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"

#define SMALLEST 256

void buf_init(struct buf *b, size_t cap)
{
    *b = (struct buf){.cap = cap};
}

void buf_fini(struct buf *b)
{
    free(b->p);
    buf_init(b, b->cap);
}

void buf_wipe(struct buf *b)
{
    free_secret(b->p, b->size);
    buf_init(b, b->cap);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->overflowed = false;
}

bool buf_ok(const struct buf *b)
{
    return !b->overflowed;
}

/* One byte more than asked for, since vsnprintf wants to put a NUL behind the text. */
uint8_t *buf_room(struct buf *b, size_t n)
{
    if (b->overflowed || n > b->cap - b->n) {
        b->overflowed = true;
        return NULL;
    }
    size_t need = b->n + n + 1;

    if (need > b->size) {
        size_t size = b->size + b->size / 2;

        if (size > b->cap)
            size = b->cap;
        if (size < SMALLEST)
            size = SMALLEST;
        b->size = size < need ? need : size;
        b->p = xrealloc(b->p, b->size);
    }
    return b->p + b->n;
}

void buf_grown(struct buf *b, size_t n)
{
    assert(n < b->size - b->n && n <= b->cap - b->n);
    b->n += n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    uint8_t *to = buf_room(b, n);

    if (!to || n == 0)
        return;
    memcpy(to, p, n);
    b->n += n;
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_byte(struct buf *b, uint8_t byte)
{
    buf_add(b, &byte, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *to = (char *)buf_room(b, n < 0 ? SIZE_MAX : (size_t)n);

    if (to) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->n);
    b->n -= n;
    if (b->n > 0)
        memmove(b->p, b->p + n, b->n);
}

struct str buf_str(const struct buf *b)
{
    return (struct str){.p = (const char *)b->p, .n = b->n};
}
