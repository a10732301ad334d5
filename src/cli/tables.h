/* tables.h -- the tables of get and inspect as text, from what the control plane answers. */
#ifndef URSA_CLI_TABLES_H
#define URSA_CLI_TABLES_H

#include "ursa/resource.h"

/* Resources of one type (get.c). */
struct str table_of_resources(struct arena *, enum res_type, const json_t *items);
/* Overviews of Dataplanes (inspect.c). */
struct str table_of_dataplanes(struct arena *, const json_t *items);
/* Insights of meshes (inspect.c). */
struct str table_of_meshes(struct arena *, const json_t *items);

#endif
