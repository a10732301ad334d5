/* bundle.h -- several files as the one text of a POST /apply, and the way back: which line of which file. */
#ifndef URSA_CLI_BUNDLE_H
#define URSA_CLI_BUNDLE_H

#include "ursa/base/buf.h"
#include "ursa/base/err.h"

struct source {
    struct str name;
    size_t first_line; /* of the bundle's text that is line 1 of this file */
};

struct bundle {
    struct arena *arena; /* holds names and the list */
    struct buf text;
    struct source *sources; /* in order */
    size_t n, n_slots;
    size_t n_lines;
};

void bundle_init(struct bundle *, struct arena *);
void bundle_fini(struct bundle *);
/* Appends a file; its documents are kept apart from those before it. */
void bundle_add(struct bundle *, struct str name, struct str text);
/* "FILE:LINE:COLUMN" of a place in the bundle's text; just the file's name when line is 0. */
struct str bundle_place(const struct bundle *, size_t line, size_t column);
/* "line L, column C: what" becomes "NAME:L:C: what"; other texts "NAME: what". */
struct str bundle_relate(struct arena *, struct str name, struct str text);

#endif
