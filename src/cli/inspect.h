/* inspect.h -- answers about one proxy or one policy as text for people. */
#ifndef URSA_CLI_INSPECT_H
#define URSA_CLI_INSPECT_H

#include <jansson.h>

#include "ursa/base/arena.h"

/* The policies of a proxy, per inbound, outbound and service; of a builtin gateway per listener and route. */
struct str text_of_policies(struct arena *, const json_t *answer);
/* The merged rules of a proxy's policies with a targetRef. */
struct str text_of_rules(struct arena *, const json_t *answer);
/* The proxies that a policy or a gateway applies to. */
struct str text_of_attached(struct arena *, const json_t *answer);

#endif
