/* ursa/base/map.h -- hash map from str to pointer.
 *
 * Keys are not copied: they must live as long as their entry (usually inside the value). Values are the
 * caller's to free. Values are never NULL. One thread at a time. */
#ifndef URSA_BASE_MAP_H
#define URSA_BASE_MAP_H

#include "ursa/base/str.h"

struct map_slot {
    struct str key;
    void *value; /* NULL: free */
    uint64_t hash;
};

struct map {
    struct map_slot *slots;
    size_t n, n_slots; /* n_slots is 0 or a power of two */
};

void map_init(struct map *);
void map_fini(struct map *);                        /* frees the table, not the values */
void *map_find(const struct map *, struct str key); /* NULL when absent */
/* Sets key to value; returns the value it had, or NULL. The stored key becomes 'key'. */
void *map_put(struct map *, struct str key, void *value);
/* Removes; returns the value it had, or NULL. */
void *map_del(struct map *, struct str key);
/* Walks all entries in no order: start with *i == 0; false at the end. Deleting while walking is not allowed.
 */
bool map_next(const struct map *, size_t *i, struct str *key, void **value);

#endif
