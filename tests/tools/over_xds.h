/* over_xds.h -- a configuration as a client holds it that was given it over the discovery protocol. */
#ifndef URSA_TESTS_TOOLS_OVER_XDS_H
#define URSA_TESTS_TOOLS_OVER_XDS_H

#include "ursa/xds.h"

/* The trees of a type's resources in the order in which they came, through requests and responses on the
 * wire. The caller owns them. Ends the program when the conversation does. */
void over_xds(enum xds_variant, struct config_set *, json_t *trees[XDS_N]);

#endif
