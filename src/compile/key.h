/* Arguments of remembered functions as bytes: written into a buffer, read back when a function runs.
 *
 * Equal arguments give equal bytes and nothing else does. Readers trust their input: only this file writes
 * it. */
#ifndef URSA_COMPILE_KEY_H
#define URSA_COMPILE_KEY_H

#include "ursa/base/buf.h"
#include "ursa/policy.h"

void key_u32(struct buf *, uint32_t);
void key_i64(struct buf *, int64_t);
void key_str(struct buf *, struct str);
void key_tags(struct buf *, const struct tags *);
void key_strs(struct buf *, const struct str_list *);
/* The same for equal sets, however they are spelled. */
void key_set(struct buf *, const struct str_list *, struct arena *scratch);

struct key_reader {
    const char *p, *end;
};
struct key_reader key_read(struct str args);
bool key_more(const struct key_reader *); /* it is not at the end */
uint32_t key_get_u32(struct key_reader *);
int64_t key_get_i64(struct key_reader *);
bool key_at_end(const struct key_reader *);
struct str key_get_str(struct key_reader *); /* points into the arguments */
struct tags key_get_tags(struct key_reader *, struct arena *);
struct str_list key_get_strs(struct key_reader *, struct arena *);

#endif
