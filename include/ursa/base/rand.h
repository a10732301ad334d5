/* ursa/base/rand.h -- random bytes from the kernel. Any thread. */
#ifndef URSA_BASE_RAND_H
#define URSA_BASE_RAND_H

#include "ursa/base/arena.h"

void rand_bytes(void *, size_t n);
uint64_t rand_u64(void);
struct str rand_uuid(struct arena *); /* version 4, 36 characters */

#endif
