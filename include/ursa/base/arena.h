/* ursa/base/arena.h -- bump allocation for everything that dies together: a request, a compile, a resource.
 *
 * An arena belongs to one thread at a time. Memory is zeroed and 16-byte aligned; it is never freed alone. */
#ifndef URSA_BASE_ARENA_H
#define URSA_BASE_ARENA_H

#include <stdarg.h>

#include "ursa/base/str.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used, avail;         /* of the newest chunk */
    size_t total;               /* bytes taken from the heap */
};

void arena_init(struct arena *);
/* The first chunk holds 'first' bytes and is there at once: for small objects that live long. */
void arena_init_sized(struct arena *, size_t first);
void arena_wipe(struct arena *);  /* arena_fini, for what held a key or a token */
void arena_fini(struct arena *);  /* frees everything; the arena may be used again */
void arena_reset(struct arena *); /* as fini, but keeps one chunk for the next round */
void *arena_alloc(struct arena *, size_t size);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/* Copies; the bytes are followed by a NUL that n does not count. */
struct str arena_str(struct arena *, struct str);
char *arena_cstr(struct arena *, struct str);
struct str arena_printf(struct arena *, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str arena_vprintf(struct arena *, const char *fmt, va_list) PRINTF_LIKE(2, 0);
/* In quotes, as Go's %q: "..." with quotes, backslashes and what cannot be printed escaped. */
struct str str_quote(struct arena *, struct str);
/* Text of others on one line: '?' for control characters, which a terminal would obey. */
struct str str_printable(struct arena *, struct str);

#endif
