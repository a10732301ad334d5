/* What the policies' own files share; private to policy/. */
#ifndef URSA_POLICY_POLICY_H
#define URSA_POLICY_POLICY_H

#include "ursa/base/json.h"
#include "ursa/envoy_build.h"
#include "ursa/policy.h"

#define POLICY(id, name) extern const struct policy policy_##name;
#include "ursa/policies.def"
#undef POLICY

/* Wrapped scalars: absent stays absent. */
void put_u32(json_t *tree, const char *key, struct opt_u32);
void put_duration(json_t *tree, const char *key, struct opt_dur);
/* Absent and zero are both "0s": switched off. */
void put_duration_or_zero(json_t *tree, const char *key, struct opt_dur);

#endif
