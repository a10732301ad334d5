/* envoy/wire.c -- protobuf's wire format: tags, varints, lengths. Bounds are checked here and nowhere else.
 */
#include "wire.h"

#include <string.h>

#define FIELD_NUMBER_MAX ((1u << 29) - 1)

void pb_reader_init(struct pb_reader *r, struct str wire)
{
    static const uint8_t nothing[1];
    r->p = wire.n > 0 ? (const uint8_t *)wire.p : nothing;
    r->end = r->p + wire.n;
    r->failed = false;
}

static bool fail(struct pb_reader *r)
{
    r->failed = true;
    return false;
}

bool pb_read_varint(struct pb_reader *r, uint64_t *value)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && r->p < r->end; shift += 7) {
        uint8_t byte = *r->p++;
        v |= (uint64_t)(byte & 0x7f) << shift; /* bits beyond the 64th fall off, as in every other reader */
        if (byte < 0x80) {
            *value = v;
            return true;
        }
    }
    return fail(r);
}

bool pb_read_fixed(struct pb_reader *r, size_t n, uint64_t *value)
{
    if ((size_t)(r->end - r->p) < n)
        return fail(r);
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)r->p[i] << (8 * i);
    r->p += n;
    *value = v;
    return true;
}

bool pb_next(struct pb_reader *r, struct pb_field *f)
{
    uint64_t tag, size;
    if (r->failed || r->p == r->end || !pb_read_varint(r, &tag))
        return false;
    uint64_t number = tag >> 3;
    if (number == 0 || number > FIELD_NUMBER_MAX)
        return fail(r);
    *f = (struct pb_field){.number = (uint32_t)number, .wire_type = tag & 7};
    switch (f->wire_type) {
    case PB_VARINT:
        return pb_read_varint(r, &f->number_value);
    case PB_FIXED64:
        return pb_read_fixed(r, 8, &f->number_value);
    case PB_FIXED32:
        return pb_read_fixed(r, 4, &f->number_value);
    case PB_BYTES:
        if (!pb_read_varint(r, &size) || size > (size_t)(r->end - r->p))
            return fail(r);
        f->bytes = str_from(r->p, (size_t)size);
        r->p += size;
        return true;
    default: /* groups: no message of Envoy's has one */
        return fail(r);
    }
}

void pb_put_varint(struct buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (uint8_t)(v | 0x80);
    bytes[n++] = (uint8_t)v;
    buf_add(b, bytes, n);
}

void pb_put_fixed(struct buf *b, size_t n, uint64_t v)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    buf_add(b, bytes, n);
}

void pb_put_tag(struct buf *b, uint32_t field, unsigned wire_type)
{
    pb_put_varint(b, (uint64_t)field << 3 | wire_type);
}

void pb_put_uint(struct buf *b, uint32_t field, uint64_t v)
{
    if (v == 0)
        return;
    pb_put_tag(b, field, PB_VARINT);
    pb_put_varint(b, v);
}

void pb_put_header(struct buf *b, uint32_t field, size_t n)
{
    pb_put_tag(b, field, PB_BYTES);
    pb_put_varint(b, n);
}

void pb_put_bytes(struct buf *b, uint32_t field, struct str s)
{
    pb_put_header(b, field, s.n);
    buf_add(b, s.p, s.n);
}

void pb_put_str(struct buf *b, uint32_t field, struct str s)
{
    if (s.n > 0)
        pb_put_bytes(b, field, s);
}

size_t pb_begin(struct buf *b, uint32_t field)
{
    pb_put_tag(b, field, PB_BYTES);
    buf_add_byte(b, 0);
    return b->n;
}

void pb_end(struct buf *b, size_t start)
{
    size_t n = b->n - start;
    if (n >= 0x80) {
        size_t extra = 1;
        while (n >> (7 * (extra + 1)) > 0)
            extra++;
        if (!buf_room(b, extra))
            return;
        buf_grown(b, extra);
        memmove(b->p + start + extra, b->p + start, n);
    }
    if (!buf_ok(b))
        return;
    uint8_t *p = b->p + start - 1;
    for (; n >= 0x80; n >>= 7)
        *p++ = (uint8_t)(n | 0x80);
    *p = (uint8_t)n;
}
