/* The persistent tree against sorted arrays, with old roots kept alive and checked after later changes. */
#include "../../lib/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/ptree.h"

struct item {
    atomic_int refs;
    int key;
};

static atomic_int n_items;

static struct item *item_new(int key)
{
    struct item *it = xmalloc(sizeof(*it));

    atomic_init(&it->refs, 1);
    it->key = key;
    atomic_fetch_add(&n_items, 1);
    return it;
}

static void item_ref(void *p)
{
    struct item *it = p;

    atomic_fetch_add(&it->refs, 1);
}

static void item_unref(void *p)
{
    struct item *it = p;

    if (atomic_fetch_sub(&it->refs, 1) > 1)
        return;
    atomic_fetch_sub(&n_items, 1);
    free(it);
}

static int item_cmp(const void *key, const void *p)
{
    const struct item *it = p;
    int k = *(const int *)key;

    return (k > it->key) - (k < it->key);
}

static const void *item_key(const void *p)
{
    const struct item *it = p;

    return &it->key;
}

static const struct ptree_ops ops = {.cmp = item_cmp, .key = item_key, .ref = item_ref, .unref = item_unref};

enum { N_KEYS = 200, N_ROOTS = 8 };

/* items[k] is the item with key k or NULL. */
struct model {
    struct ptree *root;
    struct item *items[N_KEYS];
};

static void check(const struct model *m)
{
    struct ptree_iter it;
    size_t n = 0;

    for (int k = 0; k < N_KEYS; k++) {
        EXPECT_TRUE("find", ptree_find(&ops, m->root, &k) == m->items[k]);
        EXPECT_INT("rank", ptree_rank(&ops, m->root, &k), n);
        if (m->items[k])
            EXPECT_TRUE("at", ptree_at(m->root, n++) == m->items[k]);
    }
    EXPECT_INT("count", ptree_count(m->root), n);
    EXPECT_TRUE("past the end", ptree_at(m->root, n) == NULL);

    size_t from = n == 0 ? 0 : test_rand_below(n + 1), i = 0;

    ptree_iter_init(&it, m->root, from);
    for (int k = 0; k < N_KEYS; k++) {
        if (!m->items[k] || i++ < from)
            continue;
        EXPECT_TRUE("walk", ptree_iter_next(&it) == m->items[k]);
    }
    EXPECT_TRUE("end of the walk", ptree_iter_next(&it) == NULL);
}

static void change(struct model *m, bool put)
{
    int key = (int)test_rand_below(N_KEYS);

    if (put) {
        struct item *it = item_new(key);

        m->root = ptree_put(&ops, m->root, it);
        m->items[key] = it;
        item_unref(it); /* the tree keeps it */
    } else {
        m->root = ptree_del(&ops, m->root, &key);
        m->items[key] = NULL;
    }
}

TEST(random_changes_agree_with_a_model)
{
    static struct model roots[N_ROOTS];

    memset(roots, 0, sizeof(roots));
    for (int step = 0; step < 6000; step++) {
        size_t i = test_rand_below(N_ROOTS);

        if (test_rand_below(20) == 0) { /* a second holder of the same tree */
            size_t to = test_rand_below(N_ROOTS);
            struct ptree *shared = ptree_ref(roots[i].root);

            ptree_unref(&ops, roots[to].root);
            roots[to] = roots[i];
            roots[to].root = shared;
        }
        change(&roots[i], test_rand_below(10) < (step / 1000 % 2 ? 3 : 7));
        if (step % 50 == 0)
            for (size_t k = 0; k < N_ROOTS; k++)
                check(&roots[k]);
    }
    for (size_t k = 0; k < N_ROOTS; k++) {
        check(&roots[k]);
        ptree_unref(&ops, roots[k].root);
    }
    EXPECT_INT("every item was freed", atomic_load(&n_items), 0);
}

TEST(height_stays_logarithmic)
{
    struct ptree *root = NULL;
    int n_compared = 0;

    for (int k = 0; k < 100000; k++) { /* in order: the worst case of a plain tree */
        struct item *it = item_new(k);

        root = ptree_put(&ops, root, it);
        item_unref(it);
    }
    struct ptree_iter it;

    ptree_iter_init(&it, root, 0);
    n_compared = it.depth;
    EXPECT_TRUE("depth of the leftmost item", n_compared <= 24); /* 1.45 log2(100000) */
    for (int k = 0; k < 100000; k += 2)
        root = ptree_del(&ops, root, &k);
    EXPECT_INT("half are left", ptree_count(root), 50000);
    ptree_unref(&ops, root);
    EXPECT_INT("every item was freed", atomic_load(&n_items), 0);
}

TEST(an_unshared_tree_is_changed_in_place)
{
    struct item *a = item_new(1), *b = item_new(1);
    struct ptree *root = ptree_put(&ops, NULL, a), *same = ptree_put(&ops, root, b);

    EXPECT_TRUE("same node", same == root);
    struct ptree *old = ptree_ref(same), *copy = ptree_put(&ops, same, a);

    EXPECT_TRUE("another node", copy != old);
    EXPECT_TRUE("the old root still has b", ptree_at(old, 0) == b);
    EXPECT_TRUE("the new one has a", ptree_at(copy, 0) == a);
    ptree_unref(&ops, old);
    ptree_unref(&ops, copy);
    item_unref(a);
    item_unref(b);
    EXPECT_INT("every item was freed", atomic_load(&n_items), 0);
}

static void *change_own_copy(void *shared)
{
    struct ptree *mine = shared;

    for (int k = 0; k < 2000; k++)
        mine = ptree_del(&ops, mine, &k);
    ptree_unref(&ops, mine);
    return NULL;
}

TEST(threads_change_what_they_share)
{
    struct ptree *root = NULL;
    pthread_t threads[4];

    for (int k = 0; k < 2000; k++) {
        struct item *it = item_new(k);

        root = ptree_put(&ops, root, it);
        item_unref(it);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, change_own_copy, ptree_ref(root));
    ptree_unref(&ops, root);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    EXPECT_INT("every item was freed", atomic_load(&n_items), 0);
}
