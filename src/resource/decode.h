/* decode.h -- one decoding run, and the scalars of which everything else consists: private to src/resource/.
 *
 * Each reads a JSON value that stands 'at' a place into its C form. False after telling the fault in the
 * run's err: the reference's sentence as the text, and as a cause where it stands and what was expected. */
#ifndef URSA_RESOURCE_DECODE_H
#define URSA_RESOURCE_DECODE_H

#include "field.h"

/* Where memory comes from and where the first fault goes. */
struct decoder {
    struct arena *arena;
    struct err *err;
    bool any_case; /* of keys: below "spec" */
};

/* Null, as it may stand in a list or map, is the zero value. */
bool decode_str(struct decoder *d, const json_t *v, const struct path *at, struct str *out);
bool decode_bool(struct decoder *d, const json_t *v, const struct path *at, bool *out);
/* Integers may stand in quotes; 5.0 and 5e0 are refused. */
bool decode_uint(struct decoder *d, const json_t *v, const struct path *at, uint64_t max, uint64_t *out);
bool decode_u32(struct decoder *d, const json_t *v, const struct path *at, uint32_t *out);
bool decode_int(struct decoder *d, const json_t *v, const struct path *at, int64_t min, int64_t max,
                int64_t *out);
bool decode_i32(struct decoder *d, const json_t *v, const struct path *at, int32_t *out);
bool decode_int_or_str(struct decoder *d, const json_t *v, const struct path *at, struct int_or_str *out);
bool decode_double(struct decoder *d, const json_t *v, const struct path *at, double *out);
/* As a float would keep it, and print it: with the fewest digits that tell it from its neighbours. */
bool decode_float(struct decoder *d, const json_t *v, const struct path *at, double *out);
/* By name only. */
bool decode_choice(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                   uint32_t *out);
/* By name, or by number: a number without a name is kept. */
bool decode_enum(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                 uint32_t *out);
/* 'prefix': what the reference says before the reason. */
bool decode_duration(struct decoder *d, const json_t *v, const struct path *at, const char *prefix,
                     struct opt_dur *out);
bool decode_time(struct decoder *d, const json_t *v, const struct path *at, struct opt_time *out);
/* Base64 text. What is told of a fault does not repeat the value, which may be a secret; nor does that of
 * free objects, the confs of backends. */
bool decode_bytes(struct decoder *d, const json_t *v, const struct path *at, struct str *out);
bool decode_free(struct decoder *d, const json_t *v, const struct path *at, struct free_json *out);

/* Refuses a value of the wrong JSON kind; 'go_type' is what the reference's message calls the right one. */
bool decode_refuse_kind(struct decoder *d, const json_t *v, const struct path *at, const char *go_type,
                        const char *expected);

#endif
