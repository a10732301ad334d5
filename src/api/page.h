/* page.h -- size, offset and next of every list (rest-api.md 4.2). */
#ifndef URSA_API_PAGE_H
#define URSA_API_PAGE_H

#include "request.h"

struct page {
    size_t offset; /* of the first item */
    size_t size;   /* items at most; SIZE_MAX: all */
};

/* Reads the query; false after answering the fault under request->title. */
MUST_USE bool page_read(struct request *, struct page *);
/* [*first, *end) of 'n' items that are on the page. */
void page_bounds(const struct page *, size_t n, size_t *first, size_t *end);

/* The items of a page: text, written one behind the other. */
struct items {
    struct buf text; /* of the array, without its end; empty: no item */
};
#define ITEM_LEVEL 2 /* how deep an item stands in the answer */
void items_init(struct items *);
/* Where to append the next item's text, which stands ITEM_LEVEL deep. */
struct buf *items_next(struct items *);
void items_add_resource(struct items *, const struct resource *);
void items_add_json(struct items *, json_t *take);
/* Answers {"total", "items", "next"}; ends the items. 'n' is how many items there are in all. */
void page_answer_items(struct request *, const struct page *, size_t n, size_t total, struct items *);
/* The same with members before the others: their text, with a comma, newline and blank at the end. */
void page_answer_with(struct request *, struct str members, const struct page *, size_t n, size_t total,
                      struct items *);
/* The same with an array; takes it. */
void page_answer(struct request *, const struct page *, size_t n, size_t total, json_t *take_items);

#endif
