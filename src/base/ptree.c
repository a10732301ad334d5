/* ptree.c -- an AVL tree by path copying.
 *
 * A change makes the nodes on its way its own (own()): a node that nobody else holds is reused, any other is
 * copied. So a batch of changes to a root that only the writer holds copies each node once at most. The
 * height is below 1.45 log2(n), which bounds every recursion here and the iterator's stack. */
#include "ursa/base/ptree.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"

struct ptree {
    atomic_uint refs;
    unsigned height; /* a leaf has 1 */
    size_t count;    /* items in this subtree */
    void *item;
    struct ptree *left, *right;
};

struct ptree *ptree_ref(struct ptree *t)
{
    if (t)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void ptree_unref(const struct ptree_ops *ops, struct ptree *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) > 1)
        return;
    ptree_unref(ops, t->left);
    ptree_unref(ops, t->right);
    ops->unref(t->item);
    free(t);
}

size_t ptree_count(const struct ptree *t)
{
    return t ? t->count : 0;
}

static unsigned height_of(const struct ptree *t)
{
    return t ? t->height : 0;
}

/* Takes over the references to the children and to the item. */
static struct ptree *node_new(void *item, struct ptree *left, struct ptree *right)
{
    struct ptree *t = xmalloc(sizeof(*t));

    *t = (struct ptree){.item = item, .left = left, .right = right};
    atomic_init(&t->refs, 1);
    return t;
}

static void node_update(struct ptree *t)
{
    unsigned left = height_of(t->left), right = height_of(t->right);

    t->height = 1 + (left > right ? left : right);
    t->count = 1 + ptree_count(t->left) + ptree_count(t->right);
}

/* Trades one reference of 't' for an equal node that nobody else can see. */
static struct ptree *own(const struct ptree_ops *ops, struct ptree *t)
{
    if (atomic_load_explicit(&t->refs, memory_order_acquire) == 1)
        return t;
    ops->ref(t->item);
    struct ptree *copy = node_new(t->item, ptree_ref(t->left), ptree_ref(t->right));

    copy->height = t->height;
    copy->count = t->count;
    ptree_unref(ops, t);
    return copy;
}

static struct ptree *rotate_right(const struct ptree_ops *ops, struct ptree *t)
{
    struct ptree *top = own(ops, t->left);

    t->left = top->right;
    top->right = t;
    node_update(t);
    node_update(top);
    return top;
}

static struct ptree *rotate_left(const struct ptree_ops *ops, struct ptree *t)
{
    struct ptree *top = own(ops, t->right);

    t->right = top->left;
    top->left = t;
    node_update(t);
    node_update(top);
    return top;
}

/* 't' is owned and its subtrees differ by two levels at most; returns the balanced tree's top, owned. */
static struct ptree *balance(const struct ptree_ops *ops, struct ptree *t)
{
    unsigned left = height_of(t->left), right = height_of(t->right);

    if (left > right + 1) {
        if (height_of(t->left->left) < height_of(t->left->right))
            t->left = rotate_left(ops, own(ops, t->left));
        return rotate_right(ops, t);
    }
    if (right > left + 1) {
        if (height_of(t->right->right) < height_of(t->right->left))
            t->right = rotate_right(ops, own(ops, t->right));
        return rotate_left(ops, t);
    }
    node_update(t);
    return t;
}

static struct ptree *put(const struct ptree_ops *ops, struct ptree *t, const void *key, void *item)
{
    if (!t) {
        ops->ref(item);
        t = node_new(item, NULL, NULL);
        node_update(t);
        return t;
    }
    int order = ops->cmp(key, t->item);

    t = own(ops, t);
    if (order == 0) {
        ops->ref(item); /* first: it may be the item that is there */
        ops->unref(t->item);
        t->item = item;
        return t;
    }
    if (order < 0)
        t->left = put(ops, t->left, key, item);
    else
        t->right = put(ops, t->right, key, item);
    return balance(ops, t);
}

struct ptree *ptree_put(const struct ptree_ops *ops, struct ptree *root, void *item)
{
    return put(ops, root, ops->key(item), item);
}

/* Takes the smallest item out of 't', which is not empty; its reference goes to '*item'. */
static struct ptree *del_min(const struct ptree_ops *ops, struct ptree *t, void **item)
{
    t = own(ops, t);
    if (!t->left) {
        struct ptree *rest = t->right;

        *item = t->item;
        free(t);
        return rest;
    }
    t->left = del_min(ops, t->left, item);
    return balance(ops, t);
}

/* 'key' is there. */
static struct ptree *del(const struct ptree_ops *ops, struct ptree *t, const void *key)
{
    int order = ops->cmp(key, t->item);

    t = own(ops, t);
    if (order < 0) {
        t->left = del(ops, t->left, key);
    } else if (order > 0) {
        t->right = del(ops, t->right, key);
    } else {
        void *gone = t->item;
        struct ptree *only = t->left ? t->left : t->right;
        bool both = t->left && t->right;

        if (both)
            t->right = del_min(ops, t->right, &t->item);
        else
            free(t);
        ops->unref(gone); /* last: 'key' may point into it */
        if (!both)
            return only; /* as it was: others may hold it too */
    }
    return balance(ops, t);
}

struct ptree *ptree_del(const struct ptree_ops *ops, struct ptree *root, const void *key)
{
    return ptree_find(ops, root, key) ? del(ops, root, key) : root;
}

void *ptree_find(const struct ptree_ops *ops, const struct ptree *t, const void *key)
{
    while (t) {
        int order = ops->cmp(key, t->item);

        if (order == 0)
            return t->item;
        t = order < 0 ? t->left : t->right;
    }
    return NULL;
}

size_t ptree_rank(const struct ptree_ops *ops, const struct ptree *t, const void *key)
{
    size_t before = 0;

    while (t) {
        if (ops->cmp(key, t->item) <= 0) {
            t = t->left;
        } else {
            before += ptree_count(t->left) + 1;
            t = t->right;
        }
    }
    return before;
}

void *ptree_at(const struct ptree *t, size_t i)
{
    struct ptree_iter it;

    ptree_iter_init(&it, t, i);
    return ptree_iter_next(&it);
}

static void push(struct ptree_iter *it, const struct ptree *t)
{
    assert(it->depth < (int)ARRAY_LEN(it->stack));
    it->stack[it->depth++] = t;
}

/* The stack holds the nodes that are still to be shown, the next one on top; each one's right subtree
 * follows it. */
void ptree_iter_init(struct ptree_iter *it, const struct ptree *t, size_t i)
{
    it->depth = 0;
    while (t) {
        size_t left = ptree_count(t->left);

        if (i <= left) {
            push(it, t);
            if (i == left)
                return;
            t = t->left;
        } else {
            i -= left + 1;
            t = t->right;
        }
    }
}

void *ptree_iter_next(struct ptree_iter *it)
{
    if (it->depth == 0)
        return NULL;
    const struct ptree *t = it->stack[--it->depth];

    for (const struct ptree *next = t->right; next; next = next->left)
        push(it, next);
    return t->item;
}
