/* apply.h -- parts of apply.c, for tests. */
#ifndef URSA_CLI_APPLY_H
#define URSA_CLI_APPLY_H

#include <jansson.h>

#include "bundle.h"

/* One fault of the answer to POST /apply: "policies.yaml:12:7: timeout/blue/t1: conf.http: message". */
struct str apply_fault_text(const struct bundle *, const json_t *document, const json_t *fault);

#endif
