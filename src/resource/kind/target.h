/* target.h -- what the policies with a targetRef share: rows, limits and rules (resources.md 5.2, 5.3). */
#ifndef URSA_RESOURCE_KIND_TARGET_H
#define URSA_RESOURCE_KIND_TARGET_H

#include "kind.h"

/* The first row of every spec. */
extern const struct field target_ref_fields[];
#define F_TARGET_REF(T) F_INLINE("targetRef", T, target_ref, target_ref_fields, .required = true)
/* The rows of a "to" or "from" item that has a configuration. */
#define F_TARGET_ITEM(T, conf_fields) F_TARGET_REF(T), F_INLINE("default", T, conf, conf_fields)

extern const struct field backend_ref_fields[];
extern const struct field header_modifier_fields[];       /* set, add */
extern const struct field route_header_modifier_fields[]; /* set, add, remove */
extern const struct field header_match_fields[];

extern const struct field_limits not_empty_text; /* at least one character */
extern const struct field_limits header_name_limits;

/* Sets of kinds. */
#define TARGETS(kind) (1u << TARGET_##kind)
#define TARGETS_PROXIES                                                                                      \
    (TARGETS(MESH) | TARGETS(MESH_SUBSET) | TARGETS(MESH_SERVICE) | TARGETS(MESH_SERVICE_SUBSET))
#define TARGETS_BACKENDS (TARGETS(MESH_SERVICE) | TARGETS(MESH_SERVICE_SUBSET))
/* A reference of one of these kinds with what its kind demands, and nothing that it forbids. */
void rule_target_ref(const struct target_ref *, unsigned kinds, const struct path *at, struct err *);
void rule_backend_refs(const struct backend_ref *, size_t n, const struct path *at, struct err *);
/* "to" or "from" of a policy that must have one. */
void rule_items_needed(size_t n, const struct path *at, struct err *);
void rule_to_or_from_needed(size_t n_to, size_t n_from, struct err *);

/* Rules of given values; an absent one is fine. */
void rule_span_positive(struct opt_dur, const struct path *at, struct err *);
void rule_span_not_negative(struct opt_dur, const struct path *at, struct err *);
void rule_u32_positive(struct opt_u32, const struct path *at, struct err *);
void rule_int_percentage(bool given, int64_t percent, const struct path *at, struct err *);
void rule_status_code(int32_t, const struct path *at, struct err *);
/* From 0 to 100; the reasons for what is no number and what is out of range are the caller's. */
void rule_percentage_texts(const struct int_or_str *, const char *no_number, const char *out_of_range,
                           const struct path *at, struct err *);
void rule_number_percentage(const struct int_or_str *, const struct path *at, struct err *);

/* A decimal number: its sign (-1, 0, 1) and whether it is above 100; false when the text is none. */
MUST_USE bool decimal_parse(const struct int_or_str *, int *sign, bool *above_100);

#endif
