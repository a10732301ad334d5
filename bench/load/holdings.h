/* holdings.h -- what one simulated proxy holds and what that makes it ask for, whichever protocol brought it.
 *
 * A row for each name that it holds or wants. A name that nothing held refers to any more is left: its
 * content is dropped. */
#ifndef URSA_BENCH_HOLDINGS_H
#define URSA_BENCH_HOLDINGS_H

#include "catalog.h"

struct holding {
    struct name *name; /* NULL: a free row */
    struct content *content;
    uint32_t n_refs; /* contents held that refer to it */
    uint32_t round;  /* of the response that brought it last */
    bool is_asked;   /* the server was told that it is wanted */
    bool is_absent;  /* the server said that there is none */
};

struct holdings {
    struct holding *rows;
    uint32_t n, n_rows; /* n_rows: 0 or a power of two */
    uint32_t round;
    uint32_t n_missing; /* wanted, and neither held nor said to be absent */
    size_t n_endpoints, n_bytes;
};

/* The round of the next response. */
void holdings_begin(struct holdings *);
/* Sets what is held under a name (NULL: nothing, because there is none) and returns what was. Names whose
 * number of references became or ceased to be 0 are added to 'changed'. */
struct content *holdings_put(struct holdings *, struct name *, struct content *, struct names *changed);
/* Drops what this round did not bring, of a type whose responses carry all there is. */
void holdings_sweep(struct holdings *, enum xds_type, struct names *changed);
/* Sorts out 'changed' into names to ask for and names to leave, and empties it. */
void holdings_settle(struct holdings *, struct names *changed, struct names more[XDS_N],
                     struct names less[XDS_N]);
/* Walks the rows in use: start with *i == 0; NULL at the end. */
struct holding *holdings_next(const struct holdings *, uint32_t *i);

#endif
