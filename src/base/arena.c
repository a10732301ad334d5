/* arena.c -- bump allocation in chunks that double up to a limit; what is larger gets a chunk of its own. */
#include "ursa/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"

#define ALIGNMENT 16
#define FIRST_CHUNK 2048
#define SMALLEST_CHUNK 512 /* behind a first one whose size was given */
#define LARGEST_CHUNK 65536

struct arena_chunk {
    struct arena_chunk *next; /* older */
    size_t size;              /* of 'memory' */
    alignas(ALIGNMENT) uint8_t memory[];
};

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

static void free_chunks(struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *next = c->next;

        free(c);
        c = next;
    }
}

void arena_fini(struct arena *a)
{
    free_chunks(a->chunks);
    arena_init(a);
}

void arena_wipe(struct arena *a)
{
    for (struct arena_chunk *c = a->chunks; c; c = c->next)
        explicit_bzero(c->memory, c->size);
    arena_fini(a);
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *keep = a->chunks;

    if (!keep)
        return;
    free_chunks(keep->next);
    keep->next = NULL;
    memset(keep->memory, 0, a->used);
    a->used = 0;
    a->avail = keep->size;
    a->total = sizeof(*keep) + keep->size;
}

static struct arena_chunk *chunk_new(struct arena *a, size_t size)
{
    struct arena_chunk *c = xcalloc(1, sizeof(*c) + size);

    c->size = size;
    a->total += sizeof(*c) + size;
    return c;
}

void arena_init_sized(struct arena *a, size_t first)
{
    arena_init(a);
    a->chunks = chunk_new(a, (first + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
    a->avail = a->chunks->size;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        die_no_memory(size);
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size == 0)
        size = ALIGNMENT;

    if (size > a->avail) {
        size_t wanted = a->chunks ? a->chunks->size * 2 : FIRST_CHUNK;

        if (wanted < SMALLEST_CHUNK)
            wanted = SMALLEST_CHUNK;
        if (wanted > LARGEST_CHUNK)
            wanted = LARGEST_CHUNK;
        if (size > wanted / 4 && a->chunks) {
            /* Behind the newest chunk, whose rest stays in use. */
            struct arena_chunk *own = chunk_new(a, size);

            own->next = a->chunks->next;
            a->chunks->next = own;
            return own->memory;
        }
        struct arena_chunk *c = chunk_new(a, size > wanted ? size : wanted);

        c->next = a->chunks;
        a->chunks = c;
        a->used = 0;
        a->avail = c->size;
    }
    void *p = a->chunks->memory + a->used;

    a->used += size;
    a->avail -= size;
    return p;
}

char *arena_cstr(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    return copy; /* arena memory is zero: the NUL is there */
}

struct str arena_str(struct arena *a, struct str s)
{
    return (struct str){.p = arena_cstr(a, s), .n = s.n};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    struct str s = arena_vprintf(a, fmt, args);
    va_end(args);
    return s;
}

struct str arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0)
        n = 0; /* more than INT_MAX bytes: no text of ours */
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct str){.p = p, .n = (size_t)n};
}
