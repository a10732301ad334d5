/* tag_index.h -- the tag sets that a mesh has, for many selectors to be held against: private to doctor/.
 *
 * A selector is compared with those sets only that have its rarest tag, so that selectors cost what they
 * match and not what there is. Everything lives in the arena. */
#ifndef URSA_DOCTOR_TAG_INDEX_H
#define URSA_DOCTOR_TAG_INDEX_H

#include "ursa/base/map.h"
#include "ursa/resource.h"

struct tag_index {
    struct arena *arena;
    struct map sets;   /* content to struct tags: each once */
    struct map by_tag; /* "key" NUL "value", and "key" alone, to the sets that have it */
    struct posting *all;
    size_t budget; /* comparisons that are left: a mesh whose tags are all rare and alike must end, too */
};

void tag_index_init(struct tag_index *, struct arena *);
void tag_index_fini(struct tag_index *);
void tag_index_add(struct tag_index *, const struct tags *); /* borrowed */
bool tag_index_is_empty(const struct tag_index *);
/* Some set matches; true as well when the budget is used up. */
bool tag_index_matches(struct tag_index *, const struct tags *selector);

#endif
