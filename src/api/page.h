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
/* Answers {"total", "items", "next"}; takes the array. 'n' is how many items there are in all. */
void page_answer(struct request *, const struct page *, size_t n, size_t total, json_t *take_items);

#endif
