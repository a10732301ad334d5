/* envoy/wire.h -- the parts of wire.c that only the codec needs. */
#ifndef ENVOY_WIRE_H
#define ENVOY_WIRE_H

#include "ursa/envoy.h"

enum pb_wire_type { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

/* A bare value, as in packed runs; false sets 'failed'. */
bool pb_read_varint(struct pb_reader *, uint64_t *value);
bool pb_read_fixed(struct pb_reader *, size_t n, uint64_t *value);

void pb_put_tag(struct buf *, uint32_t field, unsigned wire_type);
void pb_put_fixed(struct buf *, size_t n, uint64_t);
/* A length-delimited field whose length is not known yet: what is added between the two calls is its content.
 */
MUST_USE size_t pb_begin(struct buf *, uint32_t field);
void pb_end(struct buf *, size_t start);

#endif
