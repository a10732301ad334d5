/* map.c -- open addressing with linear probing; removal shifts back, so there are no tombstones. */
#include "ursa/base/map.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"

#define FEWEST_SLOTS 8

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_fini(struct map *m)
{
    free(m->slots);
    map_init(m);
}

/* The slot that holds 'key', or the free one where it would go. The table is never full. */
static struct map_slot *slot_of(const struct map *m, struct str key, uint64_t hash)
{
    size_t mask = m->n_slots - 1;

    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_slot *s = &m->slots[i];

        if (!s->value || (s->hash == hash && str_eq(s->key, key)))
            return s;
    }
}

static void grow(struct map *m)
{
    struct map bigger = {.n = m->n, .n_slots = m->n_slots ? m->n_slots * 2 : FEWEST_SLOTS};

    bigger.slots = xcalloc(bigger.n_slots, sizeof(bigger.slots[0]));
    for (size_t i = 0; i < m->n_slots; i++)
        if (m->slots[i].value)
            *slot_of(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
    free(m->slots);
    *m = bigger;
}

void *map_find(const struct map *m, struct str key)
{
    return m->n == 0 ? NULL : slot_of(m, key, hash_key(key.p, key.n))->value;
}

void *map_put(struct map *m, struct str key, void *value)
{
    assert(value);
    if (m->n + 1 > m->n_slots / 4 * 3)
        grow(m);
    uint64_t hash = hash_key(key.p, key.n);
    struct map_slot *s = slot_of(m, key, hash);
    void *old = s->value;

    *s = (struct map_slot){.key = key, .value = value, .hash = hash};
    if (!old)
        m->n++;
    return old;
}

void *map_del(struct map *m, struct str key)
{
    if (m->n == 0)
        return NULL;
    struct map_slot *hole = slot_of(m, key, hash_key(key.p, key.n));
    void *old = hole->value;

    if (!old)
        return NULL;
    /* Close the gap: an entry moves into it when its own place is not between the gap and where it stands. */
    size_t mask = m->n_slots - 1, gap = (size_t)(hole - m->slots);

    for (size_t i = (gap + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;

        if (((i - home) & mask) >= ((i - gap) & mask)) {
            m->slots[gap] = m->slots[i];
            gap = i;
        }
    }
    m->slots[gap] = (struct map_slot){0};
    m->n--;
    return old;
}

bool map_next(const struct map *m, size_t *i, struct str *key, void **value)
{
    for (; *i < m->n_slots; (*i)++) {
        const struct map_slot *s = &m->slots[*i];

        if (!s->value)
            continue;
        *key = s->key;
        *value = s->value;
        (*i)++;
        return true;
    }
    return false;
}
