/* ursa/documents.h -- many resources in texts of YAML or JSON: read, checked each by itself, their faults
 * found again by line and column. POST /apply and "ursa-cp check" take documents in through here.
 *
 * A struct documents belongs to one thread. */
#ifndef URSA_DOCUMENTS_H
#define URSA_DOCUMENTS_H

#include "ursa/base/vec.h"
#include "ursa/base/yaml.h"
#include "ursa/resource.h"

#define DOCUMENTS_MAX 10000

struct document {
    size_t text;          /* which of the texts it is from */
    json_t *root;         /* owned */
    struct text_pos pos;  /* of its first token */
    size_t yaml_index;    /* where yaml_locate finds it ... */
    struct str prefix;    /* ... and under which path: "[3]" in a JSON array */
    enum res_type type;   /* RES_N: unknown */
    struct res_key key;   /* as the document says it; in the arena */
    struct resource *res; /* once decoded, until somebody takes it (and sets NULL); owned */
    struct err err;       /* everything that is wrong with it by itself */
    size_t op;            /* its operation in a write (ursa/admit.h); SIZE_MAX: none */
};

struct documents {
    struct arena *arena; /* holds everything below that is not owned */
    struct VEC(struct str) texts;
    struct VEC(struct document) list;
    size_t locate_bytes; /* so many may still be read to find places; 8 MiB at first */
};

void documents_init(struct documents *, struct arena *);
void documents_fini(struct documents *);

/* Adds the documents of one text, which must live as long: YAML documents, or one JSON value, of which an
 * array is many. Faults of the text: ERR_MALFORMED with "line L, column C: ..."; ERR_LIMIT beyond
 * DOCUMENTS_MAX in all. */
MUST_USE enum err_kind documents_read(struct documents *, struct str text, bool is_yaml, struct err *e);
/* Finds out type and key. False, and the document's own err, when its type is none that users write. */
MUST_USE bool document_identify(struct documents *, struct document *);
/* Decodes and checks one that was identified: sets res, or its err. */
void document_decode(struct documents *, struct document *);
/* Refuses all but the first of documents that are the same resource: which is meant? 'place' says where the
 * first one is, as in "document 3". */
void documents_refuse_duplicates(struct documents *,
                                 struct str (*place)(void *ctx, const struct document *first), void *ctx);
/* Where a field of a document stands. Each look-up reads the text up to there again: when locate_bytes are
 * used up, and for the empty field, the answer is where the document begins. */
struct text_pos document_locate(struct documents *, const struct document *, struct str field);

#endif
