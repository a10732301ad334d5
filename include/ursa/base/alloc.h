/* ursa/base/alloc.h -- heap memory that never fails to its caller.
 *
 * Running out of memory ends the process with a message (style.md rule 9): these never return NULL. Sizes
 * that come from outside pass a limit first. Any thread. */
#ifndef URSA_BASE_ALLOC_H
#define URSA_BASE_ALLOC_H

#include "ursa/base/str.h"

void *xmalloc(size_t size);           /* not zeroed */
void *xcalloc(size_t n, size_t size); /* zeroed */
void *xrealloc(void *, size_t size);
char *xstrdup(const char *);
char *xstrndup(struct str); /* NUL-terminated copy; free() it */
NORETURN void die_no_memory(size_t size);

/* Wipes and frees memory that held a key or a token; NULL is ignored. */
void free_secret(void *, size_t size);
/* The same for memory of malloc whose size is not at hand. */
void free_wiped(void *);

#endif
