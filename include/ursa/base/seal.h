/* ursa/base/seal.h -- bytes that only the holder of a key can read, and that nobody can change or move
 * unnoticed: AES-256-GCM.
 *
 * A ring holds one key or several: the first seals, every one opens. Each has a number made from it, so that
 * what is sealed can say which one it needs. A ring does not change; any thread may use it. */
#ifndef URSA_BASE_SEAL_H
#define URSA_BASE_SEAL_H

#include "ursa/base/buf.h"
#include "ursa/base/err.h"

#define SEAL_KEYS_MAX 64

struct seal_ring;

/* A ring from the text of a key file: a key a line, 32 bytes in base64; empty lines and lines that begin with
 * '#' are none. ERR_INVALID says which line is wrong, and never what is in it. */
MUST_USE enum err_kind seal_ring_read(struct str text, struct seal_ring **out, struct err *e);
void seal_ring_free(struct seal_ring *); /* wipes the keys; NULL is ignored */
/* The number of the i-th key, always positive; the first one seals. */
int64_t seal_ring_number(const struct seal_ring *, size_t i);
bool seal_ring_has(const struct seal_ring *, int64_t number);

/* A line of a key file with a key that nobody has yet; the caller wipes it. */
struct str seal_key_line(struct arena *);

/* Appends 'plain', sealed with the first key. Only with the same 'bound', which is no secret, does it open
 * again. */
void seal_wrap(const struct seal_ring *, struct str bound, struct str plain, struct buf *out);
/* Appends what was sealed with the key of this number. False, and nothing is appended, when the key is not
 * there, or when the bytes or 'bound' are other ones than they were. The caller wipes it. */
MUST_USE bool seal_unwrap(const struct seal_ring *, int64_t number, struct str bound, struct str sealed,
                          struct buf *out);

#endif
