/* count.c -- reads the counters that the COUNT sites left in the linker section ursa_counters. */
#include "ursa/base/count.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"

/* Made by the linker; weak, so that a program without a single counter links too. */
extern struct counter *const __start_ursa_counters[] __attribute__((weak));
extern struct counter *const __stop_ursa_counters[] __attribute__((weak));

/* In numbers, since C knows the two ends as different arrays. */
static size_t n_sites(void)
{
    return ((uintptr_t)__stop_ursa_counters - (uintptr_t)__start_ursa_counters) / sizeof(struct counter *);
}

static int64_t value_of(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static int by_name(const void *a, const void *b)
{
    const struct counter *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

void count_walk(void (*each)(void *ctx, const char *name, bool gauge, int64_t value), void *ctx)
{
    size_t n = n_sites();
    struct counter **sites = xcalloc(n, sizeof(sites[0]));

    for (size_t i = 0; i < n; i++)
        sites[i] = __start_ursa_counters[i];
    qsort(sites, n, sizeof(sites[0]), by_name);
    for (size_t i = 0, next; i < n; i = next) {
        int64_t sum = 0;

        for (next = i; next < n && strcmp(sites[next]->name, sites[i]->name) == 0; next++)
            sum += value_of(sites[next]);
        each(ctx, sites[i]->name, sites[i]->gauge, sum);
    }
    free(sites);
}

int64_t count_get(const char *name)
{
    int64_t sum = 0;

    for (size_t i = 0; i < n_sites(); i++)
        if (strcmp(__start_ursa_counters[i]->name, name) == 0)
            sum += value_of(__start_ursa_counters[i]);
    return sum;
}
