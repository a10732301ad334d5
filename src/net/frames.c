/* frames.c -- slots in one reservation of address space. */
#include "frames.h"

#include <string.h>
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
    if (f->base)
        munmap(f->base, f->n_slots * FRAME_SLOT_SIZE);
}

void *frames_take(struct frames *f)
{
    void *slot = f->free;

    if (slot)
        memcpy(&f->free, slot, sizeof(f->free));
    else if (f->n_used_ever < f->n_slots)
        slot = f->base + FRAME_SLOT_SIZE * f->n_used_ever++;
    return slot;
}

bool frames_own(const struct frames *f, const void *p)
{
    uintptr_t at = (uintptr_t)p, base = (uintptr_t)f->base;

    return f->base && at >= base && at - base < f->n_slots * FRAME_SLOT_SIZE;
}

void frames_give(struct frames *f, void *slot)
{
    memcpy(slot, &f->free, sizeof(f->free));
    f->free = slot;
}
