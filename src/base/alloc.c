/* alloc.c -- heap memory that never fails to its caller, and the end of the process when there is none. */
#include "ursa/base/alloc.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die_no_memory(size_t size)
{
    /* stdio and the log may want memory themselves: a line of our own straight to the descriptor. */
    dprintf(2, "ursa: out of memory (%zu bytes wanted)\n", size);
    abort();
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);

    if (!p)
        die_no_memory(size);
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        die_no_memory(n * size);
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);

    if (!p)
        die_no_memory(size);
    return p;
}

char *xstrdup(const char *s)
{
    return xstrndup(str_from_c(s));
}

char *xstrndup(struct str s)
{
    char *copy = xmalloc(s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

void free_wiped(void *p)
{
    free_secret(p, malloc_usable_size(p));
}

void free_secret(void *p, size_t size)
{
    if (!p)
        return;
    explicit_bzero(p, size);
    free(p);
}
