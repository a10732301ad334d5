/* inspect.h -- what the inspect handlers share: parts of answers that several of them have (rest-api.md 6).
 */
#ifndef URSA_API_INSPECT_H
#define URSA_API_INSPECT_H

#include "router.h"
#include "ursa/policy_matched.h"

/* The Dataplane of the path; NULL after answering 404 under request->title. */
const struct resource *inspect_dataplane(struct request *);
/* {"mesh", "name"}. The caller owns it, as those below. */
json_t *inspect_key(const struct resource *);
json_t *inspect_tags(const struct tags *);
/* {"total", "items"}; takes the items. 'kind' first unless NULL. */
json_t *inspect_list(const char *kind, json_t *take_items);
/* {"type", "name", "service"} of where policies hang. */
json_t *inspect_attachment(const struct attachment *);
/* The listeners of a MeshGateway with their hosts, routes and destinations: of a destination what
 * 'destination' makes of it, NULL leaves it out. Parts without destinations are left out unless 'with_empty'.
 */
json_t *inspect_listeners(const struct resource *gateway, const struct gateway_hits *all, bool with_empty,
                          json_t *(*destination)(void *ctx, const struct gateway_hit *), void *ctx);

#endif
