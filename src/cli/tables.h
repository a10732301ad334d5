/* tables.h -- the tables of get and inspect as text, from what the control plane answers. */
#ifndef URSA_CLI_TABLES_H
#define URSA_CLI_TABLES_H

#include "ursa/resource.h"

/* Resources of one type, or overviews of them (resource_tables.c). */
struct str table_of_resources(struct arena *, enum res_type, const json_t *items, bool wide);
/* Overviews and insights (overview_tables.c). */
struct str table_of_dataplanes(struct arena *, const json_t *items);
struct str table_of_zones(struct arena *, const json_t *items);
struct str table_of_zone_proxies(struct arena *, const json_t *items);
struct str table_of_meshes(struct arena *, const json_t *items);
struct str table_of_services(struct arena *, const json_t *items);

#endif
