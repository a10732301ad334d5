/* frames.h -- memory for nghttp2's frame buffers, mapped only as far as it is touched.
 *
 * A session has one buffer of 16 KiB for a frame to send. Payloads do not pass through it (stream_write), so
 * beyond its first page it is hardly ever used; from the heap it would be resident all the same, in memory
 * that others have used before. One owner, one thread. */
#ifndef URSA_NET_FRAMES_H
#define URSA_NET_FRAMES_H

#include "ursa/base/vec.h"

#define FRAME_SLOT_SIZE 20480u /* whole pages; nghttp2 asks for a little more than 16 KiB */

struct frames {
    uint8_t *base; /* NULL: there is no such memory, and everything comes from the heap */
    size_t n_slots, n_used_ever;
    struct VEC(uint32_t) free; /* numbers of the slots given back */
};
void frames_init(struct frames *, size_t n_slots);
void frames_fini(struct frames *);
void *frames_take(struct frames *); /* NULL when there are no more */
bool frames_own(const struct frames *, const void *);
void frames_give(struct frames *, void *slot);
void frames_trim(struct frames *); /* gives the memory of free slots back to the system */

#endif
