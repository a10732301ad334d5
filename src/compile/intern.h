/* Interned resources and lists: equal content is one object. Private to compile/.
 *
 * The tables hold a reference each. Only the compile thread takes references out of them, so an object whose
 * only reference is the table's can be let go; that happens when a part of a table is new. */
#ifndef URSA_COMPILE_INTERN_H
#define URSA_COMPILE_INTERN_H

#include "ursa/base/map.h"
#include "ursa/compile.h"

struct intern_table {
    struct map objects; /* by version */
    size_t limit;       /* with so many it is swept */
    size_t n_new;       /* since it was collected */
};
struct intern {
    struct intern_table resources[XDS_N], lists;
};

void intern_init(struct intern *);
void intern_fini(struct intern *);
/* Drops what nobody has any more, unless little is new: at the end of a batch. */
void intern_collect(struct intern *);
/* Takes over 'fresh', returns a reference of the one to use. */
struct xds_resource *intern_resource(struct intern *, struct xds_resource *fresh);
struct xds_list *intern_list(struct intern *, struct xds_list *fresh);

/* What a list is made of: one of both is set. */
struct list_item {
    struct xds_list *list;
    struct xds_resource *resource;
};
/* A list of all of these, sorted; of several with one name the last wins. It holds references of its own. */
struct xds_list *xds_list_new(const struct list_item *, size_t n);

#endif
