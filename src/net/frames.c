/* frames.c -- slots in one reservation of address space. */
#include "frames.h"

#include <stdlib.h>
#include <sys/mman.h>

void frames_init(struct frames *f, size_t n_slots)
{
    size_t size = n_slots * FRAME_SLOT_SIZE;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    *f = (struct frames){0};
    if (p == MAP_FAILED)
        return;
    madvise(p, size, MADV_NOHUGEPAGE); /* a huge page would map what is never touched */
    f->base = p;
    f->n_slots = n_slots;
}

void frames_fini(struct frames *f)
{
    VEC_FINI(&f->free);
    if (f->base)
        munmap(f->base, f->n_slots * FRAME_SLOT_SIZE);
}

static void *slot_at(const struct frames *f, size_t i)
{
    return f->base + FRAME_SLOT_SIZE * i;
}

void *frames_take(struct frames *f)
{
    if (f->free.n > 0)
        return slot_at(f, f->free.v[--f->free.n]);
    return f->n_used_ever < f->n_slots ? slot_at(f, f->n_used_ever++) : NULL;
}

bool frames_own(const struct frames *f, const void *p)
{
    uintptr_t at = (uintptr_t)p, base = (uintptr_t)f->base;

    return f->base && at >= base && at - base < f->n_slots * FRAME_SLOT_SIZE;
}

void frames_give(struct frames *f, void *slot)
{
    size_t i = ((uintptr_t)slot - (uintptr_t)f->base) / FRAME_SLOT_SIZE;

    VEC_PUSH(&f->free, (uint32_t)i);
}

static int compare_falling(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x < *y) - (*x > *y);
}

/* Neighbours go together: thousands of small calls would take a tenth of a second. The lowest are taken again
 * first. */
void frames_trim(struct frames *f)
{
    if (f->free.n > 1)
        qsort(f->free.v, f->free.n, sizeof(f->free.v[0]), compare_falling);
    for (size_t i = 0, end; i < f->free.n; i = end) {
        for (end = i + 1; end < f->free.n && f->free.v[end] == f->free.v[end - 1] - 1;)
            end++;
        madvise(slot_at(f, f->free.v[end - 1]), FRAME_SLOT_SIZE * (end - i), MADV_DONTNEED);
    }
}
