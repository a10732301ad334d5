/* ursa/base/buf.h -- a growable byte buffer with a mandatory cap.
 *
 * Overflow of the cap is sticky: further additions do nothing and buf_ok() stays false, so a writer checks
 * once, at the end. One thread at a time. */
#ifndef URSA_BASE_BUF_H
#define URSA_BASE_BUF_H

#include <stdarg.h>

#include "ursa/base/str.h"

struct buf {
    uint8_t *p;
    size_t n;    /* bytes in use */
    size_t size; /* bytes allocated */
    size_t cap;  /* n never exceeds it */
    bool overflowed;
};

#define BUF_MAX_RESOURCE (64u << 20) /* a cap for what Ursa itself makes */

void buf_init(struct buf *, size_t cap);
void buf_fini(struct buf *);
void buf_wipe(struct buf *);  /* buf_fini, for what held a key or a token */
void buf_clear(struct buf *); /* empties, keeps the memory and the cap */
bool buf_ok(const struct buf *);
void buf_add(struct buf *, const void *p, size_t n);
void buf_add_str(struct buf *, struct str);
void buf_add_byte(struct buf *, uint8_t);
void buf_add_quoted(struct buf *, struct str);    /* as str_quote() */
void buf_add_printable(struct buf *, struct str); /* as str_printable() */
void buf_printf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *, const char *fmt, va_list) PRINTF_LIKE(2, 0);
/* Room for n bytes at the end, to be written by the caller and counted with buf_grown(); NULL on overflow. */
uint8_t *buf_room(struct buf *, size_t n);
void buf_grown(struct buf *, size_t n);
/* Drops n bytes from the front. */
void buf_consume(struct buf *, size_t n);
struct str buf_str(const struct buf *); /* valid until the next change */

#endif
