/* ursa/base/roff.h -- manual pages: text as man(7) macros. The programs write their own pages from the tables
 * that they work by. Any thread. */
#ifndef URSA_BASE_ROFF_H
#define URSA_BASE_ROFF_H

#include "ursa/base/buf.h"

/* Begins the page of 'name' in 'section', with its NAME: "name - summary". */
void roff_begin(struct buf *, const char *name, int section, const char *version, const char *summary);
void roff_heading(struct buf *, const char *text);    /* "OPTIONS" */
void roff_subheading(struct buf *, const char *text); /* within it */
/* One paragraph of text as it stands, line breaks being blanks. */
void roff_paragraph(struct buf *, struct str text);
/* A term in bold and what it means. */
void roff_item(struct buf *, struct str term, struct str text);
/* Lines of the text that begin with two blanks are examples, set as they are; the rest are paragraphs, apart
 * by empty lines. */
void roff_prose(struct buf *, struct str text);

#endif
