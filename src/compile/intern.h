/* Interned resources and lists: equal content is one object. Private to compile/.
 *
 * The tables hold a reference each. Only the compile thread takes references out of them, so an object whose
 * only reference is the table's can be let go; that happens when a table has doubled since the last time. */
#ifndef URSA_COMPILE_INTERN_H
#define URSA_COMPILE_INTERN_H

#include "ursa/base/map.h"
#include "ursa/compile.h"

struct intern {
    struct map resources, lists; /* by type and version */
    size_t resources_limit, lists_limit;
};

void intern_init(struct intern *);
void intern_fini(struct intern *);
/* Takes over 'fresh', returns a reference of the one to use. */
struct xds_resource *intern_resource(struct intern *, struct xds_resource *fresh);
/* The list of these resources, sorted here; of several with one name the last wins. A new reference. */
struct xds_list *intern_list(struct intern *, struct xds_resource **v, size_t n);

#endif
