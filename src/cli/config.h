/* config.h -- ursactl's configuration: the control planes it knows and which one is meant.
 *
 * The file has the form of kumactl's, so that each program can read the other's; keys that are not known here
 * are kept. It may hold tokens: it is written with mode 0600, whole or not at all. */
#ifndef URSA_CLI_CONFIG_H
#define URSA_CLI_CONFIG_H

#include "connection.h"

struct config {
    struct str path; /* NUL-terminated; "" with --no-config */
    json_t *root;    /* owned */
};

/* --config-file, else ~/.ursa/ursactl.yaml; what is not there is the default: one entry "local" for
 * http://localhost:5681. */
MUST_USE enum err_kind config_load(const struct options *, struct arena *, struct config *, struct err *e);
MUST_USE enum err_kind config_save(const struct config *, struct arena *, struct err *e);
void config_close(struct config *);

/* Fills *cp from the current entry (http://localhost:5681 when there is none); texts are in the arena. */
void config_current(const struct config *, struct arena *, struct control_plane *cp);
struct str config_current_name(const struct config *); /* STR_NONE when there is none; borrowed */
bool config_has(const struct config *, struct str name);
/* The entry number 'i'; false past the last. */
bool config_at(const struct config *, size_t i, struct str *name, struct str *address);
/* Adds it, or replaces the one of that name, and makes it the current one. */
void config_put(struct config *, struct str name, const struct control_plane *);
/* False when there is none of that name. After the current one is removed the first one left is current. */
bool config_remove(struct config *, struct str name);
bool config_switch(struct config *, struct str name);
/* The configuration as text with every token and header value masked. */
struct str config_view(const struct config *, struct arena *);

#endif
