/* The intrusive list and the typed vector. */
#include "../../lib/test.h"

#include "ursa/base/list.h"
#include "ursa/base/vec.h"

struct node {
    int n;
    struct list link;
};

static int sum(struct list *head)
{
    int total = 0;

    LIST_FOR (at, head) {
        total = total * 10 + LIST_ITEM(at, struct node, link)->n;
    }
    return total;
}

TEST(list)
{
    struct list head;
    struct node nodes[] = {{.n = 1}, {.n = 2}, {.n = 3}};

    list_init(&head);
    EXPECT_TRUE("empty", list_empty(&head));
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        list_add_tail(&head, &nodes[i].link);
    EXPECT_INT("in order", sum(&head), 123);
    list_del(&nodes[1].link);
    list_del(&nodes[1].link);
    EXPECT_INT("without the middle", sum(&head), 13);
    LIST_FOR (at, &head) {
        list_del(at);
    }
    EXPECT_TRUE("emptied while walking", list_empty(&head));
}

TEST(vector)
{
    struct VEC(int) v = {0};

    for (int i = 0; i < 1000; i++)
        VEC_PUSH(&v, i);
    EXPECT_INT("count", v.n, 1000);
    for (int i = 0; i < 1000; i++)
        EXPECT_INT("item", v.v[i], i);
    VEC_CLEAR(&v);
    EXPECT_INT("cleared", v.n, 0);
    VEC_FINI(&v);
    EXPECT_TRUE("gone", v.v == NULL && v.n_slots == 0);
}
