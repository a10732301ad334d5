/* kind.h -- what the files of single types share: each gives <stem>_fields and <stem>_check, which types.def
 * names. */
#ifndef URSA_RESOURCE_KIND_H
#define URSA_RESOURCE_KIND_H

#include "../field.h"
#include "rules.h"

#define RES_TYPE(id, name, path, cli, cli_plural, scope, traits, stem)                                       \
    extern const struct field stem##_fields[];                                                               \
    void stem##_check(const void *, struct err *);
#include "ursa/types.def"
#undef RES_TYPE

/* The first two rows of every source/destination policy; their specs begin with struct policy_spec. */
extern const struct field selector_fields[];
#define F_POLICY_SELECTORS                                                                                   \
    F_LIST("sources", struct policy_spec, sources, n_sources, selector_fields),                              \
        F_LIST("destinations", struct policy_spec, destinations, n_destinations, selector_fields)

/* The first row of every policy with one list of selectors; their specs begin with struct selector_spec. */
#define F_SELECTORS F_LIST("selectors", struct selector_spec, selectors, n_selectors, selector_fields)

/* Parts that several types have. */
extern const struct field empty_fields[];
extern const struct field admin_fields[];
extern const struct field data_source_fields[];
extern const struct field backend_conf_fields[];
extern const struct field counters_fields[];
extern const struct field subscription_fields[];
extern const struct enum_names http_method_names;

/* A metrics backend is a Mesh's or a Dataplane's: its table, and the faults of its type and conf. */
extern const struct field metrics_backend_fields[];
void metrics_backend_check(const struct metrics_backend *, const struct path *at, struct err *);

#endif
