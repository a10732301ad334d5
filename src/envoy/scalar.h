/* envoy/scalar.h -- numbers, enums, bytes, times: one value between JSON and the wire.
 *
 * Readers add a cause at 'at' and answer false when the JSON value does not fit. */
#ifndef ENVOY_SCALAR_H
#define ENVOY_SCALAR_H

#include <jansson.h>

#include "schema.h"
#include "ursa/base/err.h"
#include "wire.h"

/* Numbers travel as the 64 bits that follow the tag; fixed 32-bit ones in the low half. All but strings,
 * bytes, messages. */
enum pb_wire_type scalar_wire_type(enum schema_kind);
MUST_USE bool scalar_from_json(const struct schema_field *, const json_t *, const struct path *at,
                               uint64_t *bits, struct err *);
/* The key of a map is text in JSON whatever its kind; not for string keys. */
MUST_USE bool scalar_from_key(const struct schema_field *, struct str key, const struct path *at,
                              uint64_t *bits, struct err *);
json_t *scalar_to_json(const struct schema_field *, uint64_t bits);
struct str scalar_to_key(const struct schema_field *, uint64_t bits, struct arena *);
void scalar_put(struct buf *, enum pb_wire_type, uint64_t bits);

/* Adds the decoded bytes to 'out'; either alphabet, padding optional. On false 'out' may have grown. */
MUST_USE bool bytes_from_base64(struct str text, struct buf *out);

/* A Duration or a Timestamp. */
struct time_value {
    int64_t seconds;
    int32_t nanos;
};
MUST_USE bool duration_from_text(struct str, struct time_value *);
MUST_USE bool timestamp_from_text(struct str, struct time_value *);
/* STR_NONE when the value is outside protobuf's range. */
struct str duration_to_text(struct time_value, struct arena *);
struct str timestamp_to_text(struct time_value, struct arena *);

#endif
