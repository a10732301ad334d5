/* ursa/base/list.h -- intrusive doubly linked list; the head is a struct list too. One thread at a time. */
#ifndef URSA_BASE_LIST_H
#define URSA_BASE_LIST_H

#include "ursa/base/defs.h"

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *head)
{
    head->prev = head->next = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_add_tail(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Leaves the node linked to itself, so a second removal is harmless. */
static inline void list_del(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#define LIST_ITEM(node, type, member) CONTAINER_OF(node, type, member)
/* Safe against removal of the current node. */
#define LIST_FOR(node, head)                                                                                 \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);                        \
         node = node##_next, node##_next = node->next)

#endif
