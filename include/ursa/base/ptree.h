/* ursa/base/ptree.h -- persistent sorted set of reference-counted items: the shape of every snapshot.
 *
 * A tree is an immutable root; put and del return a new root that shares all but O(log n) nodes with the old
 * one. NULL is the empty tree. Nodes know the size of their subtree, so counting and paging are O(log n).
 * Roots may be shared between threads; each holder has its own reference. The ops' ref/unref must be
 * thread-safe. */
#ifndef URSA_BASE_PTREE_H
#define URSA_BASE_PTREE_H

#include "ursa/base/defs.h"

struct ptree_ops {
    int (*cmp)(const void *key, const void *item); /* order of a key against an item's key */
    const void *(*key)(const void *item);          /* the key of an item */
    void (*ref)(void *item);
    void (*unref)(void *item);
};

struct ptree;

struct ptree *ptree_ref(struct ptree *);                    /* NULL is passed through */
void ptree_unref(const struct ptree_ops *, struct ptree *); /* NULL is ignored */
/* Both take over one reference of 'root' and return one of the new root. put references the item. */
MUST_USE struct ptree *ptree_put(const struct ptree_ops *, struct ptree *root, void *item);
MUST_USE struct ptree *ptree_del(const struct ptree_ops *, struct ptree *root, const void *key);
void *ptree_find(const struct ptree_ops *, const struct ptree *,
                 const void *key); /* borrowed; NULL when absent */
size_t ptree_count(const struct ptree *);
/* How many items sort before 'key' (key itself need not be there). */
size_t ptree_rank(const struct ptree_ops *, const struct ptree *, const void *key);
/* The i-th item, borrowed; NULL when i >= count. */
void *ptree_at(const struct ptree *, size_t i);

/* In order from the i-th item on: while ((item = ptree_iter_next(&it))). The tree must outlive the walk. */
struct ptree_iter {
    const struct ptree *stack[64];
    int depth;
};
void ptree_iter_init(struct ptree_iter *, const struct ptree *, size_t i);
void *ptree_iter_next(struct ptree_iter *); /* borrowed; NULL at the end */

#endif
